import { takeScratch } from "../memory/arena";
import { ByteView } from "../memory/byte-view";
import { decodeMultiByte, encodeText, textSize } from "../memory/utf8";

/** Levels of objects and arrays within each other, as a reader takes them. */
const MOST_LEVELS: i32 = 128;

/**
 * Writes a JSON text (RFC 8259), compact, into scratch memory.
 *
 * ```ts
 * const json = JsonWriter.begin();
 * json.beginObject();
 * json.name("user").string(subject);
 * json.name("roles").beginArray().string("admin").endArray();
 * json.endObject();
 * reply.body(json.end());
 * ```
 *
 * A text that is not JSON is a mistake in the filter, which traps with a line that says so: a member without its name, an
 * end that does not fit, a second value, nothing at all.
 *
 * Valid until the callback returns. Cost: linear; no garbage, but for {@link number}. Several can be written at a time.
 */
@final
@unmanaged
export class JsonWriter {
  private start!: usize;
  private next!: usize;
  private limit!: usize;
  private level!: i32;
  private state!: State;

  /** Begins a text with room for `expected` bytes; more is made when needed. */
  static begin(expected: usize = 256): JsonWriter {
    const writer = changetype<JsonWriter>(takeScratch(offsetof<JsonWriter>() + MOST_LEVELS));
    memory.fill(changetype<usize>(writer), 0, offsetof<JsonWriter>());
    writer.start = takeScratch(expected);
    writer.next = writer.start;
    writer.limit = writer.start + expected;
    writer.state = State.Value;
    return writer;
  }

  /** The text. Every object and array must have been ended. */
  end(): ByteView {
    if (this.state != State.Done) throw new Error("JSON is not complete: a value or an end is missing");
    return ByteView.of(this.start, <i32>(this.next - this.start));
  }

  /** Begins an object; members follow, each after its name. */
  beginObject(): this {
    return this.enter(true, 0x7b, State.FirstName);
  }

  /** Ends the object begun last. */
  endObject(): this {
    const isEnd = this.state == State.FirstName || this.state == State.Name;
    return this.leave(isEnd, 0x7d, "JSON: endObject() without an object, or behind a name");
  }

  /** Begins an array. */
  beginArray(): this {
    return this.enter(false, 0x5b, State.FirstElement);
  }

  /** Ends the array begun last. */
  endArray(): this {
    const isEnd = this.state == State.FirstElement || this.state == State.Element;
    return this.leave(isEnd, 0x5d, "JSON: endArray() without an array");
  }

  /** The name of the member whose value comes next. The same name twice in an object is not noticed. */
  name(name: string): this {
    this.beginName();
    const encoded = encodeText(name);
    return this.endName(encoded, textSize(encoded));
  }

  /** As {@link name}, for bytes; what is not UTF-8 becomes U+FFFD. */
  nameBytes(name: ByteView): this {
    this.beginName();
    return this.endName(name.start, name.length);
  }

  /** A string. A lone surrogate becomes U+FFFD. */
  string(value: string): this {
    this.beginValue();
    const encoded = encodeText(value);
    this.quoted(encoded, textSize(encoded));
    return this.endValue();
  }

  /** A string of UTF-8 bytes; each maximal part that is not UTF-8 becomes U+FFFD (WHATWG Encoding). */
  bytes(value: ByteView): this {
    this.beginValue();
    this.quoted(value.start, value.length);
    return this.endValue();
  }

  /** Writes a signed number. */
  integer(value: i64): this {
    this.beginValue();
    if (value < 0) this.byte(0x2d);
    this.decimal(value < 0 ? 0 - <u64>value : <u64>value);
    return this.endValue();
  }

  /** Writes an unsigned number. */
  unsigned(value: u64): this {
    this.beginValue();
    this.decimal(value);
    return this.endValue();
  }

  /** The shortest number that reads back as `value`; `null` for NaN and the infinities, which JSON lacks. */
  number(value: f64): this {
    if (!isFinite(value)) return this.null();
    this.beginValue();
    // -0 is written as 0, and a whole number without ".0": as JSON.stringify does.
    const encoded = encodeText(value == 0 ? "0" : value.toString());
    const size = textSize(encoded);
    const isWhole = size > 2 && load<u16>(encoded + size - 2) == 0x302e;
    this.raw(encoded, isWhole ? size - 2 : size);
    return this.endValue();
  }

  /** Writes `true` or `false`. */
  bool(value: bool): this {
    this.beginValue();
    const encoded = encodeText(value ? "true" : "false");
    this.raw(encoded, textSize(encoded));
    return this.endValue();
  }

  /** Writes `null`. */
  null(): this {
    this.beginValue();
    const encoded = encodeText("null");
    this.raw(encoded, textSize(encoded));
    return this.endValue();
  }

  private beginValue(): void {
    const state = this.state;
    if (state == State.Element) this.byte(0x2c);
    else if (state != State.Value && state != State.FirstElement) {
      throw new Error(
        state == State.Done ? "JSON has one value, and it is complete" : "JSON: a member needs its name() first",
      );
    }
  }

  private endValue(): this {
    this.state = this.level == 0 ? State.Done : this.isObject ? State.Name : State.Element;
    return this;
  }

  private beginName(): void {
    if (this.state == State.Name) this.byte(0x2c);
    else if (this.state != State.FirstName) throw new Error("JSON: name() outside an object, or behind a name");
  }

  private endName(start: usize, size: usize): this {
    this.quoted(start, size);
    this.byte(0x3a);
    this.state = State.Value;
    return this;
  }

  /** Address of what follows the fields: for each level, whether it is an object. */
  private get levels(): usize {
    return changetype<usize>(this) + offsetof<JsonWriter>();
  }

  /** Whether the innermost level is an object. */
  private get isObject(): bool {
    return load<bool>(this.levels + this.level - 1);
  }

  private enter(isObject: bool, sign: u32, state: State): this {
    this.beginValue();
    if (this.level == MOST_LEVELS) throw new Error("JSON: more than 128 levels");
    store<bool>(this.levels + this.level++, isObject);
    this.byte(sign);
    this.state = state;
    return this;
  }

  private leave(isEnd: bool, sign: u32, problem: string): this {
    if (!isEnd) throw new Error(problem);
    this.byte(sign);
    this.level -= 1;
    return this.endValue();
  }

  private quoted(start: usize, size: usize): void {
    this.byte(0x22);
    const end = start + size;
    let run = start;
    let from = start;
    while (from < end) {
      const byte = <u32>load<u8>(from);
      const decoded = byte < 0x80 ? ONE_BYTE : decodeMultiByte(from, end, byte);
      const isPlain = byte < 0x80 ? byte >= 0x20 && byte != 0x22 && byte != 0x5c : (decoded & 0xffffff) != 0xfffd;
      if (!isPlain) {
        this.raw(run, from - run);
        if (byte < 0x80) this.escape(byte);
        else this.replacement();
      }
      from += decoded >>> 24;
      if (!isPlain) run = from;
    }
    this.raw(run, end - run);
    this.byte(0x22);
  }

  private escape(byte: u32): void {
    this.byte(0x5c);
    let short: u32 = 0;
    if (byte == 0x22 || byte == 0x5c) short = byte;
    else if (byte == 0x0a) short = 0x6e;
    else if (byte == 0x0d) short = 0x72;
    else if (byte == 0x09) short = 0x74;
    else if (byte == 0x08) short = 0x62;
    else if (byte == 0x0c) short = 0x66;
    if (short != 0) {
      this.byte(short);
      return;
    }
    this.reserve(5);
    store<u32>(this.next, 0x30303075); // "u000"
    store<u8>(this.next, 0x30 + (byte >> 4), 3);
    store<u8>(this.next, (byte & 15) < 10 ? (byte & 15) + 0x30 : (byte & 15) + 0x57, 4);
    this.next += 5;
  }

  private replacement(): void {
    this.byte(0xef);
    this.byte(0xbf);
    this.byte(0xbd);
  }

  private decimal(value: u64): void {
    this.reserve(20);
    let size: usize = 1;
    for (let rest = value / 10; rest != 0; rest /= 10) size++;
    for (let at = size; at > 0; at--) {
      store<u8>(this.next + at - 1, <u8>(0x30 + (value % 10)));
      value /= 10;
    }
    this.next += size;
  }

  private raw(start: usize, size: usize): void {
    this.reserve(size);
    memory.copy(this.next, start, size);
    this.next += size;
  }

  private byte(byte: u32): void {
    this.reserve(1);
    store<u8>(this.next, byte);
    this.next += 1;
  }

  private reserve(size: usize): void {
    if (size <= this.limit - this.next) return;
    const used = this.next - this.start;
    const capacity = max((this.limit - this.start) << 1, used + size);
    const moved = takeScratch(capacity);
    memory.copy(moved, this.start, used);
    this.start = moved;
    this.next = moved + used;
    this.limit = moved + capacity;
  }
}

/** What may come next. */
const enum State {
  /** The only value, or that of a member. */
  Value,
  FirstName,
  Name,
  FirstElement,
  Element,
  Done,
}

/** An ASCII character, as {@link decodeMultiByte} tells the size of others. */
// @ts-ignore: decorator
@inline
const ONE_BYTE: u32 = 1 << 24;
