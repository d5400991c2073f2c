import { constants, createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { MockCall } from "../grpc/mock-call.ts";
import type { GrpcCluster, UpstreamRequest } from "../host.ts";
import { pairsOf } from "../message.ts";

/** A mocked gRPC cluster as a real server on loopback, for Envoy to reach over HTTP/2. */
export class MockGrpcServer {
  readonly requests: UpstreamRequest[] = [];
  answer: GrpcCluster;
  private readonly server: Http2Server;
  private readonly sessions = new Set<ServerHttp2Session>();

  static async start(answer: GrpcCluster): Promise<MockGrpcServer> {
    const mock = new MockGrpcServer(answer);
    await new Promise<void>((resolve) => mock.server.listen(0, "127.0.0.1", resolve));
    return mock;
  }

  private constructor(answer: GrpcCluster) {
    this.answer = answer;
    this.server = createServer();
    this.server.on("session", (session) => {
      this.sessions.add(session);
      session.on("close", () => this.sessions.delete(session));
    });
    this.server.on("stream", (stream, _headers, _flags, rawHeaders) => this.serve(stream, rawHeaders));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(stream: ServerHttp2Stream, rawHeaders: string[]): void {
    const pairs = pairsOf(rawHeaders);
    const pseudo = (name: string) => pairs.find(([known]) => known === name)?.[1] ?? "";
    const headers = pairs.filter(([name]) => !name.startsWith(":"));
    let trailers: [string, string][] = [];
    const call = new MockCall(this.answer, pseudo(":path"), pseudo(":authority"), headers, {
      headers: (list, endStream) =>
        stream.respond(byName(list), { endStream, waitForTrailers: !endStream, sendDate: false } as object),
      data: (bytes) => stream.write(bytes),
      trailers: (list) => {
        trailers = list;
        stream.end();
      },
      reset: () => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
      wait: (milliseconds, then) => setTimeout(() => !stream.destroyed && then(), milliseconds),
    });
    stream.on("wantTrailers", () => stream.sendTrailers(byName(trailers)));
    stream.on("data", (bytes: Buffer) => call.data(bytes));
    stream.on("end", () => {
      if (stream.aborted) return;
      this.requests.push(call.request);
      call.end();
    });
    stream.on("aborted", () => call.cancel());
    // A client that goes away is not the server's trouble.
    stream.on("error", () => call.cancel());
  }
}

function byName(pairs: readonly (readonly [string, string])[]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of pairs) {
    const known = headers[name];
    headers[name] = known === undefined ? value : [known, value].flat();
  }
  return headers;
}
