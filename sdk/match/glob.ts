import { encodeText, textSize } from "../memory/utf8";

/**
 * A pattern in which each `*` stands for any bytes or none, `/` included; everything else stands for itself. The whole
 * text must match.
 *
 * Cost: linear in the text, whatever the pattern; no garbage.
 */
@final
export class Glob {
  /** What stands between the `*`, in order; one alone is the whole pattern. */
  private parts: StaticArray<GlobPart>;
  /** Bytes of all parts. */
  private size: usize;

  constructor(pattern: string) {
    const start = encodeText(pattern);
    const end = start + textSize(start);
    let count = 1;
    let size: usize = 0;
    for (let p = start; p < end; p++) if (load<u8>(p) == STAR) count++;
    const parts = new StaticArray<GlobPart>(count);
    let from = start;
    for (let index = 0; index < count; index++) {
      let to = from;
      while (to < end && load<u8>(to) != STAR) to++;
      unchecked((parts[index] = new GlobPart(from, to - from)));
      size += to - from;
      from = to + 1;
    }
    this.parts = parts;
    this.size = size;
  }

  /** Whether the `length` bytes at `start` match. */
  matches(start: usize, length: i32): bool {
    const parts = this.parts;
    const last = parts.length - 1;
    const prefix = unchecked(parts[0]);
    if (last == 0) return <usize>length == prefix.size && prefix.isAt(start);
    const suffix = unchecked(parts[last]);
    if (<usize>length < this.size || !prefix.isAt(start)) return false;
    const end = start + length - suffix.size;
    if (!suffix.isAt(end)) return false;
    // Taking the first place for each part leaves most room for those behind.
    let from = start + prefix.size;
    for (let index = 1; index < last; index++) {
      from = unchecked(parts[index]).findEnd(from, end);
      if (from == 0) return false;
    }
    return true;
  }
}

const STAR: u8 = 0x2a;

/** Bytes to look for, by Knuth, Morris and Pratt: no byte of the text is looked at more than twice. */
@final
class GlobPart {
  private bytes: StaticArray<u8>;
  /** For each length, how long the longest proper prefix is that the first bytes of that length end with. */
  private borders: StaticArray<i32>;

  constructor(start: usize, size: usize) {
    const length = <i32>size;
    const bytes = new StaticArray<u8>(length);
    memory.copy(changetype<usize>(bytes), start, size);
    const borders = new StaticArray<i32>(length + 1);
    for (let index = 1, border = 0; index < length; index++) {
      while (border > 0 && bytes[index] != bytes[border]) border = borders[border];
      if (bytes[index] == bytes[border]) border++;
      borders[index + 1] = border;
    }
    this.bytes = bytes;
    this.borders = borders;
  }

  get size(): usize {
    return this.bytes.length;
  }

  isAt(start: usize): bool {
    return memory.compare(start, changetype<usize>(this.bytes), this.size) == 0;
  }

  /** The address behind the first place between `from` and `end` that has the bytes, or 0. */
  findEnd(from: usize, end: usize): usize {
    const bytes = this.bytes;
    const length = bytes.length;
    let matched = 0;
    while (matched < length) {
      if (from == end) return 0;
      const byte = load<u8>(from++);
      while (matched > 0 && byte != unchecked(bytes[matched])) matched = unchecked(this.borders[matched]);
      if (byte == unchecked(bytes[matched])) matched++;
    }
    return from;
  }
}
