import { ByteView } from "../memory/byte-view";

/** How a value lies on the wire. */
const enum WireType {
  Varint = 0,
  Fixed64 = 1,
  Length = 2,
  Fixed32 = 5,
}

/** What can be wrong with a message. */
const enum Fault {
  None,
  NoSuchField,
  UnknownType,
  OtherType,
  TooDeep,
  LongNumber,
  CutNumber,
  CutField,
}

const LARGEST_FIELD: u64 = (1 << 29) - 1;
/** As deep as Google's own parsers go. */
const DEEPEST: i32 = 100;

/**
 * Reads a protobuf message field by field, without a schema and without copying:
 *
 * ```ts
 * const reader = new ProtobufReader(bytes);
 * while (reader.next()) {
 *   if (reader.field == 1) name = reader.text();
 *   else if (reader.field == 2) allowed = reader.bool();
 * }
 * if (!reader.isValid) return false;
 * ```
 *
 * A field that is not read is skipped. Bytes that are no message end the loop and leave an {@link error}; nothing traps, and
 * until then values read from them count for nothing. Groups, which proto3 does not have, are an error.
 */
export class ProtobufReader {
  /** Number of the current field, from 1; 0 before the first {@link next}. */
  field: u32 = 0;
  /** Where the outermost message begins. */
  private origin: usize;
  private at: usize;
  private end: usize;
  private wireType: i32 = 0;
  /** Whether the current field's value is still to be read. */
  private hasValue: bool = false;
  /** Where the current field begins. */
  private fieldStart: usize = 0;
  private fault: Fault = Fault.None;
  private faultAt: u32 = 0;
  private faultField: u32 = 0;
  /** What the fault's text names. */
  private faultFirst: u64 = 0;
  private faultSecond: u64 = 0;
  private parent: ProtobufReader | null = null;
  private depth: i32 = 0;

  /** @param bytes the message; they must stay valid while it is read */
  constructor(bytes: ByteView) {
    this.origin = bytes.start;
    this.fieldStart = bytes.start;
    this.at = bytes.start;
    this.end = bytes.start + bytes.length;
  }

  /** What is wrong with the message, and at which byte; `null` as long as nothing is. */
  get error(): string | null {
    return this.fault == Fault.None ? null : "byte " + this.faultAt.toString() + ": " + this.describe();
  }

  /** Whether nothing is wrong with the message so far: as {@link error}, without the text. */
  get isValid(): bool {
    return this.fault == Fault.None;
  }

  /** Goes to the next field. `false` at the end of the message, and when it is broken: see {@link error}. */
  next(): bool {
    if (this.hasValue) this.skip();
    if (this.fault != Fault.None || this.at >= this.end) return false;
    this.fieldStart = this.at;
    const tag = this.readVarint();
    if (this.fault != Fault.None) return false;
    const field = tag >> 3;
    if (field == 0 || field > LARGEST_FIELD) return this.fail(Fault.NoSuchField, field);
    this.field = <u32>field;
    this.wireType = (<u32>tag) & 7;
    const known = this.wireType <= WireType.Length || this.wireType == WireType.Fixed32;
    if (!known) return this.fail(Fault.UnknownType, field, this.wireType);
    this.hasValue = true;
    return true;
  }

  /** An `uint64`, 0 after an error; as all values that are numbers. */
  uint64(): u64 {
    return this.begin(WireType.Varint) ? this.readVarint() : 0;
  }

  /** A varint, read as signed; 0 after an error. */
  int64(): i64 {
    return <i64>this.uint64();
  }

  /** A varint, the low 32 bits of it; 0 after an error. */
  uint32(): u32 {
    return <u32>this.uint64();
  }

  /** An `int32` or an enumeration. */
  int32(): i32 {
    return <i32>this.uint64();
  }

  /** A zigzag varint; 0 after an error. */
  sint64(): i64 {
    return zigzag(this.uint64());
  }

  /** A zigzag varint, the low 32 bits of it; 0 after an error. */
  sint32(): i32 {
    return <i32>zigzag(<u64>this.uint32());
  }

  /** A varint that is not 0; `false` after an error. */
  bool(): bool {
    return this.uint64() != 0;
  }

  /** Eight bytes, unsigned; 0 after an error. */
  fixed64(): u64 {
    return this.begin(WireType.Fixed64) && this.has(8) ? load<u64>(this.take(8)) : 0;
  }

  /** Eight bytes, signed; 0 after an error. */
  sfixed64(): i64 {
    return <i64>this.fixed64();
  }

  /** Four bytes, unsigned; 0 after an error. */
  fixed32(): u32 {
    return this.begin(WireType.Fixed32) && this.has(4) ? load<u32>(this.take(4)) : 0;
  }

  /** Four bytes, signed; 0 after an error. */
  sfixed32(): i32 {
    return <i32>this.fixed32();
  }

  /** Eight bytes, a number with a fraction; 0 after an error. */
  double(): f64 {
    return reinterpret<f64>(this.fixed64());
  }

  /** Four bytes, a number with a fraction; 0 after an error. */
  float(): f32 {
    return reinterpret<f32>(this.fixed32());
  }

  /** The bytes as they lie in the message; empty after an error. */
  bytes(): ByteView {
    if (!this.begin(WireType.Length)) return ByteView.of(0, 0);
    const size = this.readVarint();
    if (this.fault != Fault.None || !this.has(size)) return ByteView.of(0, 0);
    return ByteView.of(this.take(<usize>size), <i32>size);
  }

  /** What is not UTF-8 becomes U+FFFD. */
  text(): string {
    return this.bytes().toString();
  }

  /** A message within this one. Read it to its end before going on: its error becomes this one's too. */
  message(): ProtobufReader {
    const bytes = this.bytes();
    const inner = new ProtobufReader(bytes);
    inner.parent = this;
    inner.origin = this.origin;
    inner.fieldStart = this.fieldStart;
    inner.depth = this.depth + 1;
    inner.fault = this.fault;
    if (inner.depth > DEEPEST) inner.fail(Fault.TooDeep);
    return inner;
  }

  /**
   * Adds the values of a repeated `uint64`, `uint32`, `int64`, `int32`, `bool` or enumeration: all of them when they are packed,
   * else this one. A list has at most as many values as the message has bytes.
   */
  varints(list: u64[]): void {
    if (this.wireType != WireType.Length) {
      const value = this.uint64();
      if (this.fault == Fault.None) list.push(value);
      return;
    }
    const packed = this.bytes();
    const after = this.at;
    const end = this.end;
    this.at = packed.start;
    this.end = packed.start + packed.length;
    while (this.fault == Fault.None && this.at < this.end) {
      const value = this.readVarint();
      if (this.fault == Fault.None) list.push(value);
    }
    this.at = after;
    this.end = end;
  }

  private begin(wireType: WireType): bool {
    if (!this.hasValue || this.fault != Fault.None) return false;
    if (this.wireType != wireType) {
      return this.fail(Fault.OtherType, this.wireType, wireType);
    }
    this.hasValue = false;
    return true;
  }

  private skip(): void {
    if (this.wireType == WireType.Varint) this.uint64();
    else if (this.wireType == WireType.Fixed64) this.fixed64();
    else if (this.wireType == WireType.Fixed32) this.fixed32();
    else this.bytes();
  }

  private readVarint(): u64 {
    let value: u64 = 0;
    let shift: u64 = 0;
    while (this.at < this.end) {
      const byte = <u64>load<u8>(this.at);
      this.at += 1;
      if (shift == 63 && byte > 1) {
        this.fail(Fault.LongNumber);
        return 0;
      }
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
      shift += 7;
    }
    this.fail(Fault.CutNumber);
    return 0;
  }

  private has(size: u64): bool {
    const left = <u64>(this.end - this.at);
    if (size <= left) return true;
    return this.fail(Fault.CutField, size, left);
  }

  private take(size: usize): usize {
    const taken = this.at;
    this.at += size;
    return taken;
  }

  /** @returns `false` */
  private fail(fault: Fault, first: u64 = 0, second: u64 = 0): bool {
    if (this.fault == Fault.None) this.failWith(fault, <u32>(this.fieldStart - this.origin), this.field, first, second);
    return false;
  }

  private failWith(fault: Fault, position: u32, field: u32, first: u64, second: u64): void {
    this.fault = fault;
    this.faultAt = position;
    this.faultField = field;
    this.faultFirst = first;
    this.faultSecond = second;
    this.hasValue = false;
    const parent = this.parent;
    if (parent !== null) parent.failWith(fault, position, field, first, second);
  }

  /** Kept apart from the rest: a filter that never reads the text does not have it. */
  private describe(): string {
    const fault = this.fault;
    const first = this.faultFirst.toString();
    const second = this.faultSecond.toString();
    const field = "field " + this.faultField.toString();
    if (fault == Fault.NoSuchField) return "there is no field " + first;
    if (fault == Fault.UnknownType) return "field " + first + " has wire type " + second;
    if (fault == Fault.OtherType) return field + " has wire type " + first + ", not " + second;
    if (fault == Fault.TooDeep) return "messages are nested more than " + DEEPEST.toString() + " deep";
    if (fault == Fault.LongNumber) return "a number has more than 64 bits";
    if (fault == Fault.CutNumber) return "the message ends within a number";
    return field + " needs " + first + " bytes, " + second + " are left";
  }
}

// @ts-ignore: decorator
@inline
function zigzag(value: u64): i64 {
  return <i64>((value >> 1) ^ (0 - (value & 1)));
}
