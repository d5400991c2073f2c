import { HeaderMap, type Emulator, type HeaderList, type ResponseSink } from "@attache/harness";
import { Problem } from "../problem.ts";
import type { Request } from "./request-file.ts";

/** What became of a request. */
export interface Outcome {
  status: number;
  headers: HeaderList;
  body: string;
  /** `%RESPONSE_CODE_DETAILS%` */
  details: string;
  /** What the filter publishes under a name as filter state, such as `jwt_payload`. */
  published(name: string): string | null;
  /** The client's address as filters see it. */
  sourceIp: string;
}

/** Sends a request through the emulator; time passes until it is answered. */
export async function send(
  host: Emulator,
  request: Request,
  extraHeaders: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const answer = new Answer();
  const stream = host.openStream(answer, {
    connection: {
      ...host.connect(request.sourceIp, 50_000, request.destinationPort),
      localAddress: request.destinationIp,
      ...(request.principal === null && request.serverName === null ? {} : { tls: tlsOf(request) }),
    },
    dynamicMetadata: request.metadata,
  });
  const [[, authority], ...others] = request.headers as [[string, string], ...[string, string][]];
  const body = request.body === null ? null : Buffer.from(request.body);
  const lines: [string, string][] = [
    [":authority", authority],
    [":path", request.path],
    [":method", request.method],
    ...others,
    ...Object.entries(extraHeaders),
  ];
  const has = (name: string) => others.some(([other]) => other === name);
  if (request.isHttps && !has("x-forwarded-proto")) lines.push(["x-forwarded-proto", "https"]);
  if (body !== null && !has("content-length")) lines.push(["content-length", String(body.length)]);
  stream.headers(HeaderMap.from("requestHeaders", lines), body === null);
  if (body !== null) stream.data(body, true);
  // What waits for an external service that is away is answered once its time is over.
  if (!answer.isComplete) host.advance(3_600_000);
  if (!answer.isComplete) throw new Problem(`the filter does not answer: ${answer.resetReason ?? "it waits"}`);
  const { responseCodeDetails, filterState, sourceAddress } = stream.info;
  return {
    status: answer.status,
    headers: answer.headerList,
    body: Buffer.concat(answer.chunks).toString(),
    details: responseCodeDetails ?? "",
    published: (name) => filterState?.get(`wasm.${name}`)?.value ?? null,
    sourceIp: sourceAddress,
  };
}

function tlsOf({ principal, serverName }: Request) {
  return {
    ...(serverName === null ? {} : { requestedServerName: serverName }),
    ...(principal === null ? {} : { peerCertificate: { uriSan: principal } }),
  };
}

class Answer implements ResponseSink {
  status = 0;
  headerList: HeaderList = [];
  readonly chunks: Uint8Array[] = [];
  isComplete = false;
  resetReason: string | null = null;

  headers(headers: HeaderMap, endStream: boolean): void {
    this.status = Number(headers.get(":status"));
    this.headerList = headers.list().filter(([name]) => !name.startsWith(":"));
    this.isComplete = endStream;
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    this.chunks.push(bytes.slice());
    this.isComplete = endStream;
  }

  trailers(): void {
    this.isComplete = true;
  }

  reset(reason: string): void {
    this.resetReason = reason;
  }

  pauseRequest(): void {}
}
