/** A piece of the original module in the one being written. */
interface Piece {
  /** Where it begins in the output, and in the original. */
  at: number;
  from: number;
  size: number;
}

/** A binary module as it is written, from new bytes and pieces of an original. */
export class ModuleOutput {
  readonly #original: Uint8Array;
  readonly #chunks: Uint8Array[] = [];
  readonly #pieces: Piece[] = [];
  #size = 0;

  constructor(original: Uint8Array) {
    this.#original = original;
  }

  bytes(...bytes: readonly number[]): void {
    this.#add(Uint8Array.from(bytes));
  }

  /** Bytes `from` to `to` of the original. */
  original(from: number, to: number): void {
    if (from === to) return;
    this.#pieces.push({ at: this.#size, from, size: to - from });
    this.#add(this.#original.subarray(from, to));
  }

  /** What `write` writes, with its size before it. */
  sized(write: (part: ModuleOutput) => void): void {
    const part = new ModuleOutput(this.#original);
    write(part);
    this.bytes(...unsigned(part.#size));
    for (const piece of part.#pieces) this.#pieces.push({ ...piece, at: piece.at + this.#size });
    for (const chunk of part.#chunks) this.#add(chunk);
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }

  /** Where the byte at an offset of the output stood; of one that is new, where the next one did. */
  originalOffset(offset: number): number {
    const after = this.#pieces.findIndex(({ at }) => at > offset);
    const piece = this.#pieces.at(after < 0 ? -1 : Math.max(0, after - 1));
    return piece === undefined ? offset : piece.from + Math.min(Math.max(0, offset - piece.at), piece.size);
  }

  #add(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }
}

/** LEB128. */
export function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** LEB128 of a number that is not negative, where a signed one is read. */
export function signed(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >>> 7)];
}
