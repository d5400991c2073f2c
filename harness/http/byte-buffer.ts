/** Bytes of a body in the order they came, as chunks that are not copied until someone needs them in one piece. */
export class ByteBuffer {
  length = 0;
  #chunks: Uint8Array[] = [];

  static of(bytes: Uint8Array): ByteBuffer {
    const buffer = new ByteBuffer();
    buffer.add(bytes);
    return buffer;
  }

  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.length += bytes.length;
  }

  prepend(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.unshift(bytes);
    this.length += bytes.length;
  }

  /** Takes everything out of `other`. */
  move(other: ByteBuffer): void {
    for (const chunk of other.#chunks) this.#chunks.push(chunk);
    this.length += other.length;
    other.#chunks = [];
    other.length = 0;
    other.shrank();
  }

  /** Drops the first `count` bytes, `count` at most the length. */
  drain(count: number): void {
    this.length -= count;
    while (count > 0) {
      const first = this.#chunks[0]!;
      if (first.length > count) {
        this.#chunks[0] = first.subarray(count);
        return;
      }
      count -= first.length;
      this.#chunks.shift();
    }
  }

  slice(start: number, end: number): Uint8Array {
    return this.bytes().subarray(start, end);
  }

  /** Everything, in one piece that stays valid: chunks are never written to. */
  bytes(): Uint8Array {
    if (this.#chunks.length === 1) return this.#chunks[0]!;
    const whole = Buffer.concat(this.#chunks);
    this.#chunks = whole.length === 0 ? [] : [whole];
    return whole;
  }

  /** Told when `move` emptied this buffer. */
  protected shrank(): void {}

  /** As {@link bytes}, and leaves the buffer empty. */
  takeBytes(): Uint8Array {
    const bytes = this.bytes();
    this.#chunks = [];
    this.length = 0;
    return bytes;
  }
}
