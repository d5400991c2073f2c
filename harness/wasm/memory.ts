/**
 * A guest's linear memory as the host sees it. Strings are latin1: one character is one byte.
 *
 * Invariant: {@link bytes} and {@link view} cover the whole memory whenever the guest is not running, because growing it
 * detaches the old buffer, which {@link refresh} notices by its length of 0.
 */
export class GuestMemory {
  bytes: Buffer;
  view: DataView;
  /** Bytes that host calls have taken out and put in so far. */
  copied = 0;
  readonly #memory: WebAssembly.Memory;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.bytes = Buffer.from(memory.buffer);
    this.view = new DataView(memory.buffer);
  }

  /** Must run each time control comes back from the guest, before anything is read or written. */
  refresh(): void {
    if (this.bytes.length !== 0) return;
    this.bytes = Buffer.from(this.#memory.buffer);
    this.view = new DataView(this.#memory.buffer);
  }

  /** Pointer and size are unsigned. `(X, 0)` is valid for every X up to the memory's size. */
  holds(pointer: number, size: number): boolean {
    return pointer + size <= this.bytes.length;
  }

  text(pointer: number, size: number): string {
    this.copied += size;
    return size === 0 ? "" : this.bytes.latin1Slice(pointer, pointer + size);
  }

  /** A copy. */
  slice(pointer: number, size: number): Uint8Array {
    this.copied += size;
    return new Uint8Array(this.bytes.subarray(pointer, pointer + size));
  }

  writeText(pointer: number, text: string): void {
    const size = text.length;
    this.copied += size;
    if (size > 24) {
      this.bytes.latin1Write(text, pointer, size);
      return;
    }
    const bytes = this.bytes;
    for (let i = 0; i < size; i++) bytes[pointer + i] = text.charCodeAt(i);
  }

  setU32(pointer: number, value: number): boolean {
    if (pointer + 4 > this.bytes.length) return false;
    this.view.setUint32(pointer, value, true);
    return true;
  }

  setU64(pointer: number, value: bigint): boolean {
    if (pointer + 8 > this.bytes.length) return false;
    this.view.setBigUint64(pointer, value, true);
    return true;
  }
}

declare global {
  interface Buffer {
    latin1Slice(start: number, end: number): string;
    latin1Write(text: string, offset: number, length: number): number;
  }
}
