import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { GrpcRequest } from "@attache/harness";
import { MockGrpcServer } from "../../../../harness/envoy/grpc-upstream.ts";
import { readProtobuf } from "../../../../harness/abi/protobuf.ts";

export type Side = "native" | "filter";
export type Headers = readonly (readonly [name: string, value: string])[];

/** What a service does with a request: over gRPC, `message` is a `CheckResponse`. */
export interface Script {
  status: number;
  headers: Headers;
  body: string;
  message: Uint8Array;
  /** Of the gRPC call. */
  grpcStatus: number;
}

/** What somebody received, as far as both sides must agree on it. */
export type Received = Record<string, unknown>;

/** The header that tells a service by which script it answers. */
export const caseHeader = "x-case";

/** Services of one side, and the upstream behind both: each notes what it receives, by the case. */
export class Services implements AsyncDisposable {
  readonly received = new Map<string, Received>();
  readonly #servers: Server[] = [];
  #grpc!: MockGrpcServer;
  #script: (name: string) => Script;

  static async start(script: (name: string) => Script): Promise<Services> {
    const services = new Services(script);
    await services.#start();
    return services;
  }

  private constructor(script: (name: string) => Script) {
    this.#script = script;
  }

  get ports(): { http: number; grpc: number; upstream: number } {
    const [http, upstream] = this.#servers.map((server) => (server.address() as AddressInfo).port);
    return { http: http!, upstream: upstream!, grpc: this.#grpc.port };
  }

  async #start(): Promise<void> {
    this.#servers.push(
      await listen(async (request, answer) => {
        const name = this.#note("service", request, await read(request));
        const { status, headers, body } = this.#script(name);
        answer(status, headers, body);
      }),
      await listen(async (request, answer) => {
        this.#note("upstream", request, await read(request));
        answer(200, [["set-cookie", "upstream=1"], ["x-upstream", "yes"]], "passed"); // prettier-ignore
      }),
    );
    this.#grpc = await MockGrpcServer.start({
      grpc: (call) => {
        const name = this.#noteCheck(call);
        const { message, grpcStatus } = this.#script(name);
        return grpcStatus === 0 ? { messages: [message] } : { status: grpcStatus };
      },
    });
  }

  #note(who: string, { method, url, rawHeaders }: IncomingMessage, body: string): string {
    const headers = pairs(rawHeaders);
    const name = headers.find(([known]) => known === caseHeader)?.[1] ?? "";
    this.received.set(`${name} ${who}`, { method, path: url, headers: told(headers), body });
    return name;
  }

  #noteCheck(call: GrpcRequest): string {
    const fields = (text: string) => readProtobuf(Buffer.from(text, "latin1"))!;
    const attributes = fields(readProtobuf(call.messages[0]!)!.text(1));
    const http = fields(fields(attributes.text(4)).text(2));
    const headers = http.texts(3).map((entry): [string, string] => [fields(entry).text(1), fields(entry).text(2)]);
    const name = headers.find(([known]) => known === caseHeader)?.[1] ?? "";
    const [method, path, host, scheme, protocol, body, rawBody] = [2, 4, 5, 6, 10, 11, 12].map((at) => http.text(at));
    const size = http.number(9);
    const told_ = told(headers);
    this.received.set(`${name} service`, { method, path, host, scheme, protocol, body, rawBody, size, headers: told_ });
    return name;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    await this.#grpc.stop();
  }
}

type Answering = (status: number, headers: Headers, body: string) => void;

async function listen(answer: (request: IncomingMessage, answer: Answering) => Promise<void>): Promise<Server> {
  const server = createServer((request, response) => {
    void answer(request, (status, headers, body) => {
      const length = ["content-length", String(Buffer.byteLength(body, "latin1"))];
      response.sendDate = false;
      response.writeHead(status, [...headers, length].flat() as string[]).end(Buffer.from(body, "latin1"));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("latin1");
}

function pairs(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i]!.toLowerCase(), raw[2 * i + 1]!]);
}

/** Headers but for those that the proxy makes for each request, or that say which side this is; those of one name joined. */
function told(headers: Headers): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [name, value] of headers) {
    if (ofTheProxy.test(name)) continue;
    // Envoy's own filter joins lines of cookies by a comma; RFC 9113 §8.2.3 by a semicolon.
    const separator = name === "cookie" ? "; " : ",";
    all[name] = name in all ? `${all[name]}${separator}${value}` : value;
  }
  if ("cookie" in all) all["cookie"] = all["cookie"]!.replaceAll(",", "; ").replaceAll(/; +/g, "; ");
  return all;
}

const ofTheProxy =
  /^(x-side|x-request-id|x-forwarded-(for|proto)|x-envoy-(internal|expected-rq-timeout-ms|upstream-service-time)|content-length|transfer-encoding|connection)$/;
