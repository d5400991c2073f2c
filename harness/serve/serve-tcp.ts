import { createServer, type AddressInfo, type Socket } from "node:net";
import type { Emulator } from "../emulator/emulator.ts";
import type { ClientEnd, DownstreamConnection } from "../tcp/downstream-connection.ts";
import { listen, type ProxyServer } from "./serve.ts";

export interface ServeTcpOptions {
  /** Port to listen on; 0 takes a free one. */
  port: number;
  /** Address to listen on; this machine only when absent. */
  host?: string;
  /** Told of each connection when it is over. */
  onConnection?: (connection: ServedConnection) => void;
}

/** A client's connection that is over. */
export interface ServedConnection {
  /** Bytes that the client sent. */
  received: number;
  /** Bytes that the client got. */
  sent: number;
  milliseconds: number;
}

/** As `serve`, for the TCP listener of an emulator: what comes to a local port passes its TCP filters to the cluster. */
export async function serveTcp(emulator: Emulator, options: ServeTcpOptions): Promise<ProxyServer> {
  const { port, host = "127.0.0.1", onConnection } = options;
  emulator.keepLatest();
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const begin = performance.now();
    sockets.add(socket);
    new ServedConnectionEnd(emulator, socket);
    socket.once("close", () => {
      sockets.delete(socket);
      const milliseconds = performance.now() - begin;
      onConnection?.({ received: socket.bytesRead, sent: socket.bytesWritten, milliseconds });
    });
  });
  await listen(server, port, host);
  const bound = (server.address() as AddressInfo).port;
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { port: bound, address: `${host}:${bound}`, close, [Symbol.asyncDispose]: close };
}

/** Hands on what a client sends, and sends it what the filters let through. */
class ServedConnectionEnd implements ClientEnd {
  readonly #socket: Socket;
  readonly #connection: DownstreamConnection;

  constructor(emulator: Emulator, socket: Socket) {
    this.#socket = socket;
    const { remoteAddress = "", remotePort = 0, localPort = 0 } = socket;
    const connection = emulator.acceptTcp(emulator.connect(remoteAddress, remotePort, localPort), this);
    this.#connection = connection;
    socket.on("data", (bytes) => connection.write(bytes));
    socket.on("drain", () => connection.clientBlocked(false));
    socket.once("end", () => connection.end());
    socket.once("error", () => connection.reset());
    socket.once("close", () => connection.reset());
  }

  add(bytes: Uint8Array): void {
    if (!this.#socket.write(bytes)) this.#connection.clientBlocked(true);
  }

  end(state: "ended" | "reset"): void {
    if (state === "ended") this.#socket.end();
    else this.#socket.resetAndDestroy();
  }

  close(): void {
    this.#socket.destroySoon();
  }

  pause(isPaused: boolean): void {
    if (isPaused) this.#socket.pause();
    else this.#socket.resume();
  }
}
