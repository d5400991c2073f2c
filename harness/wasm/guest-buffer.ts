import { Status } from "../abi/status.ts";
import type { ByteBuffer } from "../http/byte-buffer.ts";

/** What the buffer functions see: a body that can be changed, bytes or text that cannot, or nothing. */
export class GuestBuffer {
  #body: ByteBuffer | null = null;
  #bytes: Uint8Array | null = null;
  #text: string | null = null;

  showBody(body: ByteBuffer | null): this {
    this.#body = body;
    this.#bytes = null;
    this.#text = null;
    return this;
  }

  showBytes(bytes: Uint8Array): this {
    this.#body = null;
    this.#bytes = bytes;
    this.#text = null;
    return this;
  }

  showText(text: string): this {
    this.#body = null;
    this.#bytes = null;
    this.#text = text;
    return this;
  }

  get size(): number {
    return this.#body?.length ?? this.#bytes?.length ?? this.#text?.length ?? 0;
  }

  /** Bytes, or latin1 text. */
  read(start: number, length: number): Uint8Array | string {
    if (this.#body !== null) return this.#body.slice(start, start + length);
    if (this.#bytes !== null) return this.#bytes.subarray(start, start + length);
    return (this.#text ?? "").slice(start, start + length);
  }

  /**
   * `start` 0: replaces the first `length` bytes (0: prepends). `start` at or past the end: appends. In between: refused.
   */
  write(start: number, length: number, data: Uint8Array): Status {
    const body = this.#body;
    if (body === null) return Status.BadArgument;
    if (start === 0) {
      if (length !== 0) body.drain(Math.min(length, body.length));
      body.prepend(data);
      return Status.Ok;
    }
    if (start < body.length) return Status.BadArgument;
    body.add(data);
    return Status.Ok;
  }
}
