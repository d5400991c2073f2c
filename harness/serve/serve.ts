import { createServer, STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Server, Socket } from "node:net";
import type { Emulator } from "../emulator/emulator.ts";
import { HarnessError } from "../errors.ts";
import { frameResponse } from "../http/framing.ts";
import { HeaderMap } from "../http/header-map.ts";
import type { HttpStream, ResponseSink } from "../http/stream.ts";
import type { ConnectionInfo } from "../http/stream-info.ts";

export interface ServeOptions {
  /** 0 takes a free one. */
  port: number;
  /** Address to listen on; `127.0.0.1` when absent. */
  host?: string;
  /** Told of each exchange when it is over. */
  onExchange?: (exchange: Exchange) => void;
}

/** A request and how it was answered. */
export interface Exchange {
  method: string;
  path: string;
  /** `null` when the exchange broke off before its answer began. */
  status: number | null;
  /** From the request's headers to the end of the answer. */
  milliseconds: number;
}

/** A local port whose traffic goes through the emulated proxy. */
export interface ProxyServer extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:8080` */
  readonly address: string;
  /** Takes no more connections, ends those that are open, and waits for them. */
  close(): Promise<void>;
}

/**
 * Serves live HTTP/1.1 traffic through an emulator: a reverse proxy on a local port.
 *
 * Rejects with `PORT_IN_USE` when another process has the port. Start the emulator with `clock: "real"`, or time stands
 * still for its filters. From now on the emulator keeps only the latest log lines and requests ({@link Emulator.keepLatest}).
 *
 * ```ts
 * const emulator = await startEmulator({ plugins, clusters: { app: { host: "127.0.0.1", port: 3000 } }, clock: "real" });
 * await using server = await serve(emulator, { port: 8080 });
 * ```
 */
export async function serve(emulator: Emulator, options: ServeOptions): Promise<ProxyServer> {
  const { port, host = "127.0.0.1", onExchange } = options;
  emulator.keepLatest();
  const connections = new WeakMap<Socket, ConnectionInfo>();
  // The emulator's own limit on headers is below this one.
  const limits = { requireHostHeader: false, maxHeaderSize: 1 << 20 };
  const server = createServer({ ...limits, noDelay: true }, (incoming, outgoing) => {
    const { socket } = incoming;
    const { remoteAddress = "", remotePort = 0, localPort = 0 } = socket;
    let connection = connections.get(socket);
    if (connection === undefined)
      connections.set(socket, (connection = emulator.connect(remoteAddress, remotePort, localPort)));
    if (onExchange !== undefined) outgoing.once("close", reporter(incoming, outgoing, onExchange));
    new ServedStream(emulator, connection, incoming, outgoing).start();
  });
  server.on("checkContinue", (incoming, outgoing) => {
    outgoing.writeContinue();
    server.emit("request", incoming, outgoing);
  });
  server.on("checkExpectation", (incoming, outgoing) => server.emit("request", incoming, outgoing));
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    new MalformedExchange(emulator, socket as Socket).start(error.code === "HPE_HEADER_OVERFLOW");
  });
  await listen(server, port, host);
  const bound = (server.address() as AddressInfo).port;
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  return { port: bound, address: `http://${host}:${bound}`, close, [Symbol.asyncDispose]: close };
}

export async function listen(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") {
        reject(
          new HarnessError(
            "PORT_IN_USE",
            `port ${port} on ${host} is in use: stop what listens there, or choose another`,
          ),
        );
      } else {
        reject(new HarnessError("OPTION_INVALID", `port ${port} on ${host} cannot be listened on: ${error.message}`));
      }
    });
    server.listen(port, host, resolve);
  });
}

function reporter(incoming: IncomingMessage, outgoing: ServerResponse, tell: (exchange: Exchange) => void): () => void {
  const begin = performance.now();
  const { method = "", url: path = "" } = incoming;
  return () => {
    const status = outgoing.headersSent ? outgoing.statusCode : null;
    tell({ method, path, status, milliseconds: performance.now() - begin });
  };
}

const noBytes = new Uint8Array(0);

/** One exchange of a client, as a stream of the emulator. */
class ServedStream implements ResponseSink {
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  readonly #stream: HttpStream;
  #isBlocked = false;

  constructor(emulator: Emulator, connection: ConnectionInfo, incoming: IncomingMessage, outgoing: ServerResponse) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#stream = emulator.openStream(this, { connection, protocol: `HTTP/${incoming.httpVersion}` });
    outgoing.sendDate = false;
  }

  start(): void {
    const incoming = this.#incoming;
    const stream = this.#stream;
    this.#outgoing.once("close", () => {
      if (!this.#outgoing.writableFinished) stream.clientReset();
    });
    this.#outgoing.on("drain", () => this.#block(false));
    const headers = requestHeaders(incoming);
    const hasBody = headers.has("transfer-encoding") || Number(headers.get("content-length") ?? 0) > 0;
    stream.headers(headers, !hasBody);
    if (!hasBody) {
      incoming.resume();
      return;
    }
    incoming.on("data", (chunk: Buffer) => stream.data(chunk, false));
    incoming.on("end", () => {
      if (incoming.rawTrailers.length > 0) stream.trailers(HeaderMap.fromRaw("requestTrailers", incoming.rawTrailers));
      else stream.data(noBytes, true);
    });
    incoming.on("error", () => stream.clientReset());
  }

  headers(headers: HeaderMap, endStream: boolean): void {
    const outgoing = this.#outgoing;
    const isHead = this.#incoming.method === "HEAD";
    // Unless the filters' chain set it, Node would write a header of its own.
    outgoing.removeHeader("connection");
    const status = Number(headers.get(":status"));
    outgoing.writeHead(status, reasonOf(status), frameResponse(headers, endStream, isHead));
    // Envoy sends a body even where there can be none; Node would leave it out.
    if (!endStream && (!isHead || headers.has("content-length")))
      (outgoing as unknown as { _hasBody: boolean })._hasBody = true;
    if (endStream) outgoing.end();
    // An empty write, because flushHeaders() would send header bytes above 127 as UTF-8.
    else outgoing.write(noBytes);
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    const outgoing = this.#outgoing;
    if (endStream) outgoing.end(bytes);
    else if (bytes.length > 0 && !outgoing.write(bytes)) this.#block(true);
  }

  trailers(trailers: HeaderMap): void {
    this.#outgoing.addTrailers(trailers.list() as unknown as [string, string][]);
    this.#outgoing.end();
  }

  reset(): void {
    // What has been sent still goes out.
    this.#incoming.socket.destroySoon();
  }

  pauseRequest(isPaused: boolean): void {
    if (isPaused) this.#incoming.pause();
    else this.#incoming.resume();
  }

  #block(isBlocked: boolean): void {
    if (this.#isBlocked === isBlocked) return;
    this.#isBlocked = isBlocked;
    this.#stream.clientBlocked(isBlocked);
  }
}

function requestHeaders(incoming: IncomingMessage): HeaderMap {
  const headers = new HeaderMap("requestHeaders");
  const { rawHeaders, url = "/", method = "GET" } = incoming;
  const absolute = /^(https?):\/\/([^/?#]*)([^]*)$/i.exec(url);
  if (absolute !== null) {
    headers.append(":authority", absolute[2]!);
    headers.append(":scheme", absolute[1]!.toLowerCase());
  } else {
    const host = rawHeaders.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === "host");
    if (host >= 0) headers.append(":authority", rawHeaders[host + 1]!);
  }
  const path = absolute === null ? url : absolute[3]!;
  headers.append(":path", path.startsWith("?") || path === "" ? `/${path}` : path);
  headers.append(":method", method);
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (name !== "host") headers.add(name, rawHeaders[i + 1]!);
  }
  return headers;
}

/** What Node's parser could not read, answered as the stream's filters and access log see it. */
class MalformedExchange implements ResponseSink {
  readonly #socket: Socket;
  readonly #stream: HttpStream;

  constructor(emulator: Emulator, socket: Socket) {
    this.#socket = socket;
    this.#stream = emulator.openStream(this);
  }

  start(isTooLarge: boolean): void {
    if (this.#socket.writable) this.#stream.malformed(isTooLarge);
    else this.#socket.destroy();
  }

  headers(headers: HeaderMap, endStream: boolean): void {
    const lines = frameResponse(headers, endStream, false);
    const status = headers.get(":status")!;
    let head = `HTTP/1.1 ${status} ${reasonOf(Number(status))}\r\n`;
    for (let i = 0; i < lines.length; i += 2) head += `${lines[i]}: ${lines[i + 1]}\r\n`;
    this.#socket.write(`${head}\r\n`, "latin1");
    if (endStream) this.#socket.end();
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    this.#socket.write(bytes);
    if (endStream) this.#socket.end();
  }

  trailers(): void {
    this.#socket.end();
  }

  reset(): void {
    this.#socket.destroy();
  }

  pauseRequest(): void {}
}

/** Envoy has no name for a few statuses that Node has one for. */
function reasonOf(status: number): string {
  return status === 418 ? "Unknown" : (STATUS_CODES[status] ?? "Unknown");
}
