import { beginBytes, writeByte, writeBytes, writtenBytes, writtenSize } from "../memory/byte-writer";
import { ByteView } from "../memory/byte-view";
import { encodeText, textSize } from "../memory/utf8";
import { ForeignFunction } from "./foreign-function";

/** Protobuf messages as Envoy's foreign functions take them: a few fields, each once. Between them nothing else may be built. */

export function beginMessage(): void {
  beginBytes();
}

export function writeTextField(field: u32, text: string): void {
  const encoded = encodeText(text);
  writeBytesField(field, encoded, textSize(encoded));
}

export function writeBytesField(field: u32, start: usize, size: usize): void {
  writeVarint((field << 3) | 2);
  writeVarint(<u32>size);
  writeBytes(start, size);
}

export function writeNumberField(field: u32, value: u32): void {
  writeVarint(field << 3);
  writeVarint(value);
}

/** Calls `callee` with the message built last. */
export function callWithMessage(callee: ForeignFunction): ByteView | null {
  return callee.callBytes(writtenBytes(), writtenSize());
}

function writeVarint(value: u32): void {
  while (value >= 0x80) {
    writeByte(<u8>(value | 0x80));
    value >>= 7;
  }
  writeByte(<u8>value);
}
