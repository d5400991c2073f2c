import { ByteBuffer } from "./byte-buffer.ts";

/** A buffer that tells when it grows over its limit, and when it has shrunk to half of it again. */
export class WatermarkBuffer extends ByteBuffer {
  readonly #limit: number;
  readonly #onAbove: () => void;
  readonly #onBelow: () => void;
  #isAbove = false;

  constructor(limit: number, onAbove: () => void, onBelow: () => void) {
    super();
    this.#limit = limit;
    this.#onAbove = onAbove;
    this.#onBelow = onBelow;
  }

  override add(bytes: Uint8Array): void {
    super.add(bytes);
    this.#grew();
  }

  override prepend(bytes: Uint8Array): void {
    super.prepend(bytes);
    this.#grew();
  }

  override move(other: ByteBuffer): void {
    super.move(other);
    this.#grew();
  }

  override drain(count: number): void {
    super.drain(count);
    this.shrank();
  }

  override takeBytes(): Uint8Array {
    const bytes = super.takeBytes();
    this.shrank();
    return bytes;
  }

  #grew(): void {
    if (this.#isAbove || this.#limit === 0 || this.length <= this.#limit) return;
    this.#isAbove = true;
    this.#onAbove();
  }

  protected override shrank(): void {
    if (!this.#isAbove || this.length > this.#limit / 2) return;
    this.#isAbove = false;
    this.#onBelow();
  }
}
