import { Agent, request, type ClientRequest, type IncomingMessage } from "node:http";
import type { Dispatcher } from "../emulator/dispatcher.ts";
import type { RealCluster } from "../host.ts";
import { takesResponse, takesResponseTrailers } from "../http/codec-limits.ts";
import { frameRequest } from "../http/framing.ts";
import { HeaderMap } from "../http/header-map.ts";
import type { ResetReason, UpstreamListener, UpstreamStream } from "../http/upstream.ts";
import type { TcpUpstreamCluster, TcpUpstreamConnection, TcpUpstreamListener } from "../tcp/tcp-upstream.ts";
import { RealTcpConnection } from "./real-tcp-connection.ts";

/** An upstream on the network, reached over HTTP/1.1, or over TCP from the TCP listener. */
export class RealUpstream implements TcpUpstreamCluster {
  readonly name: string;
  readonly hasHosts = true;
  readonly address: RealCluster;
  readonly dispatcher: Dispatcher;
  readonly agent = new Agent({ keepAlive: true, scheduling: "lifo" });

  constructor(name: string, address: RealCluster, dispatcher: Dispatcher) {
    this.name = name;
    this.address = address;
    this.dispatcher = dispatcher;
  }

  get hasIdleConnection(): boolean {
    return Object.values(this.agent.freeSockets).some((sockets) => sockets !== undefined && sockets.length > 0);
  }

  open(listener: UpstreamListener, requestBlocked: (isBlocked: boolean) => void): UpstreamStream {
    return new RealStream(this, listener, requestBlocked);
  }

  connectTcp(listener: TcpUpstreamListener): TcpUpstreamConnection {
    return new RealTcpConnection(this, listener);
  }

  /** Closes idle connections now, busy ones when they are done. */
  close(): void {
    this.agent.destroy();
  }
}

class RealStream implements UpstreamStream {
  readonly #cluster: RealUpstream;
  readonly #listener: UpstreamListener;
  readonly #requestBlocked: (isBlocked: boolean) => void;
  #request: ClientRequest | null = null;
  #response: IncomingMessage | null = null;
  #isOver = false;
  #isPaused = false;
  #hasConnected = false;

  constructor(cluster: RealUpstream, listener: UpstreamListener, requestBlocked: (isBlocked: boolean) => void) {
    this.#cluster = cluster;
    this.#listener = listener;
    this.#requestBlocked = requestBlocked;
  }

  headers(headers: HeaderMap, endStream: boolean): void {
    const lines = ["host", headers.get(":authority") ?? "", ...frameRequest(headers, !endStream)];
    this.#send(headers.get(":method") ?? "GET", headers.get(":path") ?? "/", lines, endStream);
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    const outgoing = this.#request;
    if (outgoing === null || this.#isOver) return;
    if (bytes.length > 0 && !outgoing.write(bytes) && !endStream) {
      this.#requestBlocked(true);
      outgoing.once("drain", () => this.#event(() => this.#requestBlocked(false)));
    }
    if (endStream) outgoing.end();
  }

  trailers(trailers: HeaderMap): void {
    if (this.#request === null || this.#isOver) return;
    this.#request.addTrailers(trailers.list() as unknown as [string, string][]);
    this.#request.end();
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#request?.destroy();
  }

  pauseResponse(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (isPaused) this.#response?.pause();
    else this.#response?.resume();
  }

  #send(method: string, path: string, lines: string[], endStream: boolean): void {
    const { address, agent } = this.#cluster;
    let outgoing: ClientRequest;
    try {
      // Envoy's own limits are below this one.
      outgoing = request({ ...address, agent, method, path, headers: lines, setHost: false, maxHeaderSize: 1 << 20 });
    } catch {
      // Node refuses to send characters that have no place in a request.
      this.#cluster.dispatcher.post(() => this.#reset("protocol error"));
      return;
    }
    this.#request = outgoing;
    outgoing.once("socket", (socket) => {
      if (!socket.connecting) this.#connected();
      else socket.once("connect", () => this.#connected());
    });
    outgoing.once("response", (incoming) => this.#event(() => this.#responded(incoming, method)));
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      this.#event(() => this.#failed(error));
    });
    if (endStream) outgoing.end();
    // An empty write, because flushHeaders() would send header bytes above 127 as UTF-8.
    else outgoing.write(noBytes);
  }

  #connected(): void {
    this.#hasConnected = true;
    const socket = this.#request?.socket;
    if (socket === null || socket === undefined || this.#isOver) return;
    const { remoteAddress = "", remotePort = 0, localAddress = "", localPort = 0 } = socket;
    this.#event(() =>
      this.#listener.connected({
        cluster: this.#cluster.name,
        address: remoteAddress,
        port: remotePort,
        localAddress: `${localAddress}:${localPort}`,
      }),
    );
  }

  #responded(incoming: IncomingMessage, method: string): void {
    this.#response = incoming;
    const headers = new HeaderMap("responseHeaders");
    headers.append(":status", String(incoming.statusCode));
    const { rawHeaders } = incoming;
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i]!.toLowerCase();
      if (name !== "keep-alive") headers.add(name, rawHeaders[i + 1]!);
    }
    const status = incoming.statusCode!;
    if (!takesResponse(headers, incoming.statusMessage ?? "")) {
      this.#reset("protocol error");
      return;
    }
    const hasNoBody = method === "HEAD" || status === 204 || status === 304;
    const endsWithHeaders = hasNoBody || headers.get("content-length") === "0";
    if (endsWithHeaders) this.#isOver = true;
    incoming.on("data", (chunk: Buffer) => this.#event(() => this.#listener.data(chunk, false)));
    incoming.on("end", () =>
      this.#event(() => {
        this.#ended(HeaderMap.fromRaw("responseTrailers", incoming.rawTrailers));
      }),
    );
    // A body that breaks off is no HTTP any more.
    incoming.on("error", () => this.#event(() => this.#reset("protocol error")));
    if (this.#isPaused) incoming.pause();
    this.#listener.headers(headers, endsWithHeaders);
  }

  #ended(trailers: HeaderMap): void {
    if (!takesResponseTrailers(trailers)) {
      this.#reset("protocol error");
      return;
    }
    this.#isOver = true;
    if (trailers.size > 0) this.#listener.trailers(trailers);
    else this.#listener.data(noBytes, true);
  }

  #failed(error: NodeJS.ErrnoException): void {
    const response = this.#response;
    if (response !== null) {
      // What came before the flaw is still to be read; behind a whole response it is not this stream's.
      for (let chunk: unknown = noBytes; chunk !== null;) chunk = response.read();
      if (this.#isOver || response.complete) return;
    }
    if (error.code?.startsWith("HPE_") === true) this.#reset("protocol error");
    else if (this.#hasConnected) this.#reset("connection termination");
    else this.#reset("remote connection failure", `delayed connect error: ${connectErrors[error.code ?? ""] ?? "111"}`);
  }

  #reset(reason: ResetReason, transportFailure?: string): void {
    this.#isOver = true;
    this.#request?.destroy();
    this.#listener.reset(reason, transportFailure);
  }

  /** Something came from the network: nothing is heard once the stream is over. */
  #event(handle: () => void): void {
    if (this.#isOver) return;
    handle();
    this.#cluster.dispatcher.run();
  }
}

const noBytes = new Uint8Array(0);

const connectErrors: Record<string, string> = {
  ECONNREFUSED: "Connection refused",
  EHOSTUNREACH: "No route to host",
  ENETUNREACH: "Network is unreachable",
  ETIMEDOUT: "Connection timed out",
};
