import { connect, type Socket } from "node:net";
import type { TcpUpstreamConnection, TcpUpstreamListener } from "../tcp/tcp-upstream.ts";
import type { RealUpstream } from "./real-cluster.ts";

/** A TCP connection to an upstream on the network. */
export class RealTcpConnection implements TcpUpstreamConnection {
  readonly #socket: Socket;
  readonly #listener: TcpUpstreamListener;
  #isOver = false;
  /** Whether the listener knows that nothing is taken for now: what was stopped before can still come. */
  #isBlocked = false;

  constructor({ name, address, dispatcher }: RealUpstream, listener: TcpUpstreamListener) {
    this.#listener = listener;
    const event = (handle: () => void) => {
      if (this.#isOver) return;
      handle();
      dispatcher.run();
    };
    const socket = connect({ host: address.host, port: address.port, allowHalfOpen: true, noDelay: true });
    this.#socket = socket;
    socket.once("connect", () => {
      const { remoteAddress = "", remotePort = 0, localAddress = "", localPort = 0 } = socket;
      const info = {
        cluster: name,
        address: remoteAddress,
        port: remotePort,
        localAddress: `${localAddress}:${localPort}`,
      };
      event(() => listener.connected(info));
    });
    socket.on("data", (bytes) => event(() => listener.data(bytes)));
    socket.on("drain", () => event(() => this.#block(false)));
    socket.once("end", () => event(() => listener.ended()));
    socket.once("error", () => event(() => this.#closed(true)));
    socket.once("close", () => event(() => this.#closed(false)));
  }

  write(bytes: Uint8Array): void {
    if (!this.#isOver && !this.#socket.write(bytes)) this.#block(true);
  }

  end(): void {
    if (!this.#isOver) this.#socket.end();
  }

  pause(isPaused: boolean): void {
    if (isPaused) this.#socket.pause();
    else this.#socket.resume();
  }

  close(isReset: boolean): void {
    this.#isOver = true;
    if (isReset) this.#socket.resetAndDestroy();
    else this.#socket.destroySoon();
  }

  #block(isBlocked: boolean): void {
    if (this.#isBlocked === isBlocked) return;
    this.#isBlocked = isBlocked;
    this.#listener.blocked(isBlocked);
  }

  #closed(isReset: boolean): void {
    this.#isOver = true;
    this.#listener.closed(isReset);
  }
}
