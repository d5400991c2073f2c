import { resetArena } from "../memory/arena";
import { ByteView } from "../memory/byte-view";
import { ProtobufReader, ProtobufWriter } from "./index";

let buffer = new StaticArray<u8>(1024);

export function input(size: i32): usize {
  if (buffer.length < size) buffer = new StaticArray<u8>(size * 2);
  return changetype<usize>(buffer);
}

/**
 * Reads a message whose field numbers stand for types (1 uint64, 2 sint64, 3 fixed64, 4 fixed32, 5 bytes, 6 text, 7 the same
 * message, 8 packed, 9 bool, 10 double, 11 int32, 12 sint32, 13 float), shows it, and writes it again: `error`, or the text, `|`
 * and hexadecimal bytes.
 */
export function read(start: usize, length: i32): string {
  __collect();
  resetArena();
  const reader = new ProtobufReader(ByteView.of(start, length));
  const writer = new ProtobufWriter();
  const text = show(reader, writer);
  const error = reader.error;
  return error === null ? text + "|" + hex(writer.written()) : error;
}

/** Only skips the fields. */
export function skip(start: usize, length: i32): string {
  resetArena();
  const reader = new ProtobufReader(ByteView.of(start, length));
  let count = 0;
  while (reader.next()) count += 1;
  const error = reader.error;
  return error === null ? count.toString() : error;
}

/** The wire type of field 1 is not the one that is asked for. */
export function readAsText(start: usize, length: i32): string {
  const reader = new ProtobufReader(ByteView.of(start, length));
  reader.next();
  const text = reader.text();
  const error = reader.error;
  return error === null ? text : error;
}

export function pages(): i32 {
  return memory.size();
}

function show(reader: ProtobufReader, writer: ProtobufWriter): string {
  let text = "";
  while (reader.next()) {
    const field = reader.field;
    text += field.toString() + ":";
    if (field == 1) {
      const value = reader.uint64();
      text += value.toString();
      writer.uint64(field, value);
    } else if (field == 2) {
      const value = reader.sint64();
      text += value.toString();
      writer.sint64(field, value);
    } else if (field == 3) {
      const value = reader.fixed64();
      text += value.toString();
      writer.fixed64(field, value);
    } else if (field == 4) {
      const value = reader.fixed32();
      text += value.toString();
      writer.fixed32(field, value);
    } else if (field == 5) {
      const value = reader.bytes();
      text += hex(value);
      writer.bytes(field, value);
    } else if (field == 6) {
      const value = reader.text();
      text += value;
      writer.text(field, value);
    } else if (field == 7) {
      const inner = new ProtobufWriter();
      text += "{" + show(reader.message(), inner) + "}";
      writer.message(field, inner);
    } else if (field == 8) {
      const list: u64[] = [];
      reader.varints(list);
      text += "[" + list.join(",") + "]";
      writer.varints(field, list);
    } else if (field == 9) {
      const value = reader.bool();
      text += value.toString();
      writer.bool(field, value);
    } else if (field == 10) {
      const value = reader.double();
      text += reinterpret<u64>(value).toString();
      writer.double(field, value);
    } else if (field == 11) {
      const value = reader.int32();
      text += value.toString();
      writer.int32(field, value);
    } else if (field == 12) {
      const value = reader.sint32();
      text += value.toString();
      writer.sint32(field, value);
    } else if (field == 13) {
      const value = reader.float();
      text += reinterpret<u32>(value).toString();
      writer.float(field, value);
    } else {
      text += "?";
    }
    text += ";";
  }
  return text;
}

function hex(bytes: ByteView): string {
  let text = "";
  for (let index = 0; index < bytes.length; index++) text += (0x100 + <u32>bytes.at(index)).toString(16).substring(1);
  return text;
}
