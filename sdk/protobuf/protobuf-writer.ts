import { ByteView } from "../memory/byte-view";
import { encodeText, textSize } from "../memory/utf8";

/**
 * Writes a protobuf message field by field:
 *
 * ```ts
 * new ProtobufWriter().text(1, user).uint64(2, count).written()
 * ```
 *
 * Everything is written that is asked for: proto3 leaves out fields that are 0, `false` or empty.
 */
export class ProtobufWriter {
  private buffer: StaticArray<u8> = new StaticArray<u8>(64);
  private used: i32 = 0;

  /** Number of bytes written. */
  get length(): i32 {
    return this.used;
  }

  /** What was written, until more is. */
  written(): ByteView {
    return ByteView.of(changetype<usize>(this.buffer), this.used);
  }

  /** Forgets what was written, to write another message. */
  clear(): void {
    this.used = 0;
  }

  /** Writes a varint. */
  uint64(field: u32, value: u64): ProtobufWriter {
    this.varint((<u64>field) << 3);
    this.varint(value);
    return this;
  }

  /** Writes a varint, read as signed. */
  int64(field: u32, value: i64): ProtobufWriter {
    return this.uint64(field, <u64>value);
  }

  /** Writes a varint. */
  uint32(field: u32, value: u32): ProtobufWriter {
    return this.uint64(field, <u64>value);
  }

  /** An `int32` or an enumeration. */
  int32(field: u32, value: i32): ProtobufWriter {
    return this.uint64(field, <u64>(<i64>value));
  }

  /** Writes a zigzag varint. */
  sint64(field: u32, value: i64): ProtobufWriter {
    return this.uint64(field, <u64>((value << 1) ^ (value >> 63)));
  }

  /** Writes a zigzag varint. */
  sint32(field: u32, value: i32): ProtobufWriter {
    return this.uint64(field, <u64>(<u32>((value << 1) ^ (value >> 31))));
  }

  /** Writes a varint, not 0. */
  bool(field: u32, value: bool): ProtobufWriter {
    return this.uint64(field, value ? 1 : 0);
  }

  /** Writes eight bytes, unsigned. */
  fixed64(field: u32, value: u64): ProtobufWriter {
    this.varint(((<u64>field) << 3) | 1);
    store<u64>(this.room(8), value);
    return this;
  }

  /** Writes eight bytes, signed. */
  sfixed64(field: u32, value: i64): ProtobufWriter {
    return this.fixed64(field, <u64>value);
  }

  /** Writes four bytes, unsigned. */
  fixed32(field: u32, value: u32): ProtobufWriter {
    this.varint(((<u64>field) << 3) | 5);
    store<u32>(this.room(4), value);
    return this;
  }

  /** Writes four bytes, signed. */
  sfixed32(field: u32, value: i32): ProtobufWriter {
    return this.fixed32(field, <u32>value);
  }

  /** Writes eight bytes, a number with a fraction. */
  double(field: u32, value: f64): ProtobufWriter {
    return this.fixed64(field, reinterpret<u64>(value));
  }

  /** Writes four bytes, a number with a fraction. */
  float(field: u32, value: f32): ProtobufWriter {
    return this.fixed32(field, reinterpret<u32>(value));
  }

  /** Writes text with its length. */
  text(field: u32, value: string): ProtobufWriter {
    const encoded = encodeText(value);
    return this.block(field, encoded, <i32>textSize(encoded));
  }

  /** Writes bytes with their length. */
  bytes(field: u32, value: ByteView): ProtobufWriter {
    return this.block(field, value.start, value.length);
  }

  /** A message within this one: what `inner` has written so far. */
  message(field: u32, inner: ProtobufWriter): ProtobufWriter {
    return this.block(field, changetype<usize>(inner.buffer), inner.used);
  }

  /** A repeated `uint64`, `uint32`, `int64`, `int32`, `bool` or enumeration, packed. */
  varints(field: u32, list: u64[]): ProtobufWriter {
    let size = 0;
    for (let index = 0; index < list.length; index++) size += sizeOf(list[index]);
    this.varint(((<u64>field) << 3) | 2);
    this.varint(size);
    for (let index = 0; index < list.length; index++) this.varint(list[index]);
    return this;
  }

  private block(field: u32, from: usize, size: i32): ProtobufWriter {
    this.varint(((<u64>field) << 3) | 2);
    this.varint(size);
    memory.copy(this.room(size), from, size);
    return this;
  }

  private varint(value: u64): void {
    let to = this.room(sizeOf(value));
    while (value >= 0x80) {
      store<u8>(to, (<u8>value) | 0x80);
      to += 1;
      value >>= 7;
    }
    store<u8>(to, <u8>value);
  }

  /** Makes room for `size` more bytes, and says where. */
  private room(size: i32): usize {
    const needed = this.used + size;
    if (needed > this.buffer.length) {
      const grown = new StaticArray<u8>(max(needed, this.buffer.length << 1));
      memory.copy(changetype<usize>(grown), changetype<usize>(this.buffer), this.used);
      this.buffer = grown;
    }
    const start = changetype<usize>(this.buffer) + this.used;
    this.used = needed;
    return start;
  }
}

/** Bytes of a number on the wire: seven bits each. */
function sizeOf(value: u64): i32 {
  return max((70 - <i32>clz(value)) / 7, 1);
}
