import { xxHash64 } from "../hash/xxhash64";
import { ByteView } from "../memory/byte-view";
import { encodeText, textSize } from "../memory/utf8";
import { isUtf8 } from "../memory/utf8-validity";

/** Most bytes of a label's value; the rest is cut off. */
const LONGEST_VALUE: i32 = 128;
const REPLACEMENT: u8 = 0x5f;

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
    this.values = new StaticArray<u8>(length * (LONGEST_VALUE + 1));
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

/** Copies a value without what must not be in it. @returns its bytes */
function clean(start: usize, length: i32, to: usize): i32 {
  let size = min(length, LONGEST_VALUE);
  // Not in the middle of a character.
  if (size < length) while (size > 0 && (load<u8>(start + size) & 0xc0) == 0x80) size--;
  let previous: u8 = 0;
  let isAscii = true;
  for (let index = 0; index < size; index++) {
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
