import { connect, type Socket } from "node:net";
import type { BodyInit, TcpConnection } from "../host.ts";
import { Received } from "../tcp/received.ts";

/** A client's connection to Envoy's TCP listener. */
export class TcpClient implements TcpConnection {
  readonly #socket: Socket;
  readonly #received = new Received();

  static async connect(port: number): Promise<TcpClient> {
    return await new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => resolve(new TcpClient(socket)));
    });
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.removeAllListeners("error");
    socket.on("data", (bytes) => this.#received.add(bytes));
    socket.on("end", () => this.#received.end("ended"));
    socket.on("error", () => this.#received.end("reset"));
  }

  get received(): Uint8Array {
    return this.#received.bytes;
  }

  get state(): "open" | "ended" | "reset" {
    return this.#received.state;
  }

  write(data: BodyInit): void {
    this.#socket.write(data);
  }

  end(): void {
    this.#socket.end();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  async waitForBytes(count: number): Promise<Uint8Array> {
    return await this.#received.waitForBytes(count);
  }

  async waitForEnd(): Promise<"ended" | "reset"> {
    return await this.#received.waitForEnd();
  }

  /** Lets go of the connection. */
  destroy(): void {
    this.#socket.destroy();
  }
}
