import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { MockCluster, UpstreamRequest, UpstreamResponse } from "../host.ts";
import { bodyChunks, headerPairs, pairsOf, UpstreamRequestData } from "../message.ts";

/** A mocked cluster as a real server on loopback, for Envoy to reach. */
export class MockServer {
  readonly requests: UpstreamRequest[] = [];
  answer: MockCluster;
  private readonly server: Server;

  static async start(answer: MockCluster): Promise<MockServer> {
    const mock = new MockServer(answer);
    await new Promise<void>((resolve) => mock.server.listen(0, "127.0.0.1", resolve));
    return mock;
  }

  private constructor(answer: MockCluster) {
    this.answer = answer;
    // Never the limit: what is too large is Envoy's to say.
    const options = { keepAliveTimeout: 0, maxHeaderSize: 1 << 24, requireHostHeader: false };
    this.server = createServer(options, (incoming, outgoing) => {
      if (!incoming.headers.host) return refuse(incoming.socket);
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        const headers = pairsOf(incoming.rawHeaders);
        const request = new UpstreamRequestData({
          method: incoming.method!,
          path: incoming.url!,
          authority: incoming.headers.host ?? "",
          headers: headers.filter(([name]) => name !== "host" && name !== "connection" && name !== "transfer-encoding"),
          body: Buffer.concat(chunks),
          trailers: pairsOf(incoming.rawTrailers),
        });
        this.requests.push(request);
        const response = this.answer(request);
        if (response.delayMs === undefined) send(outgoing, response);
        else setTimeout(send, response.delayMs, outgoing, response);
      });
      incoming.on("error", () => outgoing.destroy());
    });
    this.server.maxHeadersCount = 0;
    this.server.on("clientError", (_error, socket) => refuse(socket));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** As a mocked upstream of the emulator answers a request that is none. */
function refuse(socket: Duplex): void {
  if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
  else socket.destroy();
}

/** Sends an answer with the headers it has and no others; the length of a whole body, or that it comes in chunks. */
function send(outgoing: ServerResponse, response: UpstreamResponse): void {
  const { status, headers, trailers, reset } = response;
  const isBare = status === undefined && headers === undefined && response.body === undefined && trailers === undefined;
  if (reset && isBare) return void outgoing.destroy();
  const pairs = headerPairs(headers);
  const body = bodyChunks(response.body);
  const isFramed = pairs.some(([name]) => name === "content-length" || name === "transfer-encoding");
  if (!isFramed && trailers === undefined && body.length < 2 && !reset) {
    pairs.push(["content-length", String(body[0]?.length ?? 0)]);
  } else if (!isFramed) {
    pairs.push(["transfer-encoding", "chunked"]);
  }
  outgoing.sendDate = false;
  outgoing.removeHeader("connection");
  if (trailers !== undefined) outgoing.addTrailers(headerPairs(trailers));
  outgoing.writeHead(status ?? 200, pairs.flat());
  for (const chunk of body) outgoing.write(chunk);
  if (!reset) outgoing.end();
  else if (body.length === 0) outgoing.flushHeaders();
  // Only what has been written goes out before the connection is closed.
  if (reset) outgoing.socket?.end();
}
