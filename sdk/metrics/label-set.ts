import { xxHash64 } from "../hash/xxhash64";
import { ByteView } from "../memory/byte-view";
import { encodeText, textSize } from "../memory/utf8";
import { isUtf8 } from "../memory/utf8-validity";

/** Most bytes of a label's value; the rest is cut off. */
const LONGEST_VALUE: i32 = 128;
const REPLACEMENT: u8 = 0x5f;
/** Bytes that are looked at together. */
const WORD: i32 = 8;

/**
 * The values of a metric's labels, one for each, in the order in which the metric has them. Make it once and fill it
 * anew for every recording; several metrics with the same labels take the same set.
 *
 * ```ts
 * labels.begin().bytes(path).text("GET");
 * requests.increment(labels);
 * ```
 *
 * Whatever a client sends is a possible value, so each is made harmless: at most 128 bytes; control characters, bytes that
 * are not UTF-8, and the dot of `;.` and `=.`, which would end the value in the name of the statistic, become `_`.
 *
 * Allowed everywhere. Cost: linear in the values; no garbage.
 */
@final
export class LabelSet {
  private readonly values: StaticArray<u8>;
  private size: i32 = 0;
  private count: i32 = 0;
  private knownHash: u64 = 0;
  private isHashed: bool = false;

  /** @param length number of labels */
  constructor(readonly length: i32) {
    this.values = new StaticArray<u8>(length * (LONGEST_VALUE + 1) + WORD);
  }

  /** Forgets all values. */
  begin(): this {
    this.size = 0;
    this.count = 0;
    this.isHashed = false;
    return this;
  }

  /** The value of the next label; `absent` when there is none. */
  bytes(value: ByteView | null, absent: string = "unknown"): this {
    return value !== null ? this.at(value.start, value.length) : this.text(absent);
  }

  /** The value of the next label. */
  text(value: string): this {
    const encoded = encodeText(value);
    return this.at(encoded, <i32>textSize(encoded));
  }

  /** The value of the next label: `length` bytes at `start`. */
  at(start: usize, length: i32): this {
    if (this.count == this.length) throw new Error("LabelSet: more values than labels");
    const to = changetype<usize>(this.values) + this.size;
    const size = clean(start, length, to);
    store<u8>(to + size, 0);
    this.size += size + 1;
    this.count += 1;
    this.isHashed = false;
    return this;
  }

  /** @internal Address of the values, each followed by NUL. */
  get keyStart(): usize {
    if (this.count != this.length) throw new Error("LabelSet: fewer values than labels");
    return changetype<usize>(this.values);
  }

  /** @internal Bytes at {@link keyStart}. */
  get keySize(): i32 {
    return this.size;
  }

  /** @internal */
  get hash(): u64 {
    if (!this.isHashed) {
      this.knownHash = xxHash64(this.keyStart, this.size);
      this.isHashed = true;
    }
    return this.knownHash;
  }
}

/** Copies a value without what must not be in it; up to 7 bytes behind it are written, too. @returns its bytes */
function clean(start: usize, length: i32, to: usize): i32 {
  let size = min(length, LONGEST_VALUE);
  // Not in the middle of a character.
  if (size < length) while (size > 0 && (load<u8>(start + size) & 0xc0) == 0x80) size--;
  const plain = copyPlain(start, size, to);
  if (plain == size) return size;
  let previous: u8 = 0;
  let isAscii = true;
  for (let index = plain; index < size; index++) {
    let byte = load<u8>(start + index);
    if (byte < 0x20 || byte == 0x7f || (byte == 0x2e && (previous == 0x3b || previous == 0x3d))) byte = REPLACEMENT;
    else if (byte >= 0x80) isAscii = false;
    store<u8>(to + index, byte);
    previous = byte;
  }
  if (!isAscii && !isUtf8(to, size)) {
    for (let index = 0; index < size; index++) if (load<u8>(to + index) >= 0x80) store<u8>(to + index, REPLACEMENT);
  }
  return size;
}

/** Copies the front of a value as far as it is harmless. @returns how much: all, or a multiple of 8 bytes */
function copyPlain(start: usize, size: i32, to: usize): i32 {
  let index = 0;
  for (; index < size; index += WORD) {
    let word: u64 = 0;
    if (index + WORD <= size) word = load<u64>(start + index);
    else if (start + index + WORD > (<usize>memory.size()) << 16) break;
    else {
      // What stands behind the value does not count.
      const behind = u64.MAX_VALUE << (((size - index) as u64) * 8);
      word = (load<u64>(start + index) & ~behind) | (0x6161616161616161 & behind);
    }
    // Sets the top bit of each byte that may not be harmless: what is not ASCII, control characters, DEL, `;` and `=`.
    const found =
      (word |
        (word - 0x2020202020202020) |
        ((word ^ 0x7f7f7f7f7f7f7f7f) - 0x0101010101010101) |
        ((word ^ 0x3b3b3b3b3b3b3b3b) - 0x0101010101010101) |
        ((word ^ 0x3d3d3d3d3d3d3d3d) - 0x0101010101010101)) &
      0x8080808080808080;
    if (found) break;
    store<u64>(to + index, word);
  }
  return min(index, size);
}
