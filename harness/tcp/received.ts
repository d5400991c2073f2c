import { HarnessError } from "../errors.ts";
import { ByteBuffer } from "../http/byte-buffer.ts";

const patienceMs = 5000;

/** What one end of a TCP connection has received, and how the other end ended it. */
export class Received {
  state: "open" | "ended" | "reset" = "open";
  readonly #buffer = new ByteBuffer();
  readonly #waiting = new Set<() => void>();

  get bytes(): Uint8Array {
    return this.#buffer.bytes();
  }

  add(bytes: Uint8Array): void {
    this.#buffer.add(bytes);
    this.#tell();
  }

  /** Nothing more comes. The first time counts, but a connection that was ended can still be broken off. */
  end(state: "ended" | "reset"): void {
    if (this.state === "reset" || this.state === state) return;
    this.state = state;
    this.#tell();
  }

  async waitForBytes(count: number): Promise<Uint8Array> {
    await this.#until(`${count} bytes`, () => this.#buffer.length >= count || this.state !== "open");
    if (this.#buffer.length >= count) return this.bytes;
    const came = JSON.stringify(Buffer.from(this.bytes).toString("latin1").slice(0, 200));
    throw new HarnessError(
      "STREAM_RESET",
      `the connection was ${this.state} after ${this.#buffer.length} bytes: ${came}`,
    );
  }

  async waitForEnd(): Promise<"ended" | "reset"> {
    await this.#until("the end of the connection", () => this.state !== "open");
    return this.state as "ended" | "reset";
  }

  async #until(what: string, isThere: () => boolean): Promise<void> {
    if (isThere()) return;
    await new Promise<void>((resolve, reject) => {
      const check = () => {
        if (!isThere()) return;
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        const message = `waited ${patienceMs} ms for ${what}; ${this.#buffer.length} bytes came, and it is ${this.state}`;
        reject(new HarnessError("TIMEOUT", message));
      }, patienceMs);
      this.#waiting.add(check);
    });
  }

  #tell(): void {
    for (const check of [...this.#waiting]) check();
  }
}
