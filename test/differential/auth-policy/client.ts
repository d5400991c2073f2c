import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Identity } from "./identities.ts";

export interface Answer {
  status: number;
  /** By their names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: string;
}

export interface Connection {
  port: number;
  /** Absent for one without TLS. */
  tls?: { identity: Identity | undefined; serverName: string };
}

/** No answer in a comparison takes as long. */
const DEADLINE_MS = 20_000;

/** Sends requests, as bytes, one after the other over one connection, and over a new one where the server closes it. */
export async function sendAll(connection: Connection, requests: readonly Buffer[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  while (answers.length < requests.length) {
    const more = await exchange(connection, requests.slice(answers.length));
    if (more.length === 0) throw new Error(`port ${connection.port} gives no answer to ${requests[answers.length]}`);
    answers.push(...more);
  }
  return answers;
}

/** The answers until the server closes the connection. */
async function exchange(connection: Connection, requests: readonly Buffer[]): Promise<Answer[]> {
  return await new Promise((resolve, reject) => {
    const answers: Answer[] = [];
    let text = "";
    const socket = open(connection, () => socket.write(requests[0]!));
    const end = () => {
      clearTimeout(deadline);
      socket.destroy();
      resolve(answers);
    };
    const deadline = setTimeout(() => {
      socket.destroy();
      reject(new Error(`port ${connection.port} gives no answer in time to ${requests[answers.length]}`));
    }, DEADLINE_MS);
    socket.setEncoding("latin1").on("data", (more: string) => {
      text += more;
      const answer = readAnswer(text);
      if (answer === null) return;
      text = "";
      answers.push(answer);
      deadline.refresh();
      if (answers.length === requests.length || answer.headers["connection"] === "close") end();
      else socket.write(requests[answers.length]!);
    });
    // Whoever closes early can reset what was still to be read.
    socket.on("error", end).on("close", end);
  });
}

function open({ port, tls }: Connection, then: () => void): Socket {
  if (tls === undefined) return connectTcp({ port, host: "127.0.0.1", noDelay: true }, then);
  const { identity, serverName } = tls;
  const options = { port, host: "127.0.0.1", rejectUnauthorized: false, servername: serverName };
  return connectTls({ ...options, ...identity }, then);
}

/** The answer, or `null` while it is not whole. All have a length. */
function readAnswer(text: string): Answer | null {
  const bodyStart = text.indexOf("\r\n\r\n") + 4;
  if (bodyStart < 4) return null;
  const [first, ...lines] = text.slice(0, bodyStart - 4).split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const body = text.slice(bodyStart);
  if (body.length < Number(headers["content-length"] ?? 0)) return null;
  return { status: Number(first!.split(" ")[1]), headers, body };
}
