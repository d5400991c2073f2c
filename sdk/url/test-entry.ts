import { ByteView } from "../memory/byte-view";
import { Cookies, cookieValue } from "./cookies";
import { normalizePath, PathNormalization } from "./path-normalization";
import { Query, queryParameter } from "./query";
import { beginBytes, writeByte, writeBytes, writeText, writtenBytes, writtenSize } from "../memory/byte-writer";
import { resetArena } from "../memory/arena";
import { Url } from "./url";

let buffer = new StaticArray<u8>(1024);

export function input(size: i32): usize {
  resetArena();
  if (buffer.length < size) buffer = new StaticArray<u8>(size * 2);
  return changetype<usize>(buffer);
}

export function outputSize(): usize {
  return writtenSize();
}

/** The result at its address, or 0 when there is none. */
function output(view: ByteView | null): usize {
  if (view === null) return 0;
  beginBytes();
  writeBytes(view.start, view.length);
  return writtenBytes();
}

export function normalize(start: usize, length: i32, mode: PathNormalization): usize {
  return output(normalizePath(ByteView.of(start, length), mode));
}

/** Whether the very view comes back. */
export function isUnchanged(start: usize, length: i32, mode: PathNormalization): bool {
  const path = ByteView.of(start, length);
  return normalizePath(path, mode) === path;
}

/** Names and values, each preceded by a byte 0xff. */
export function query(start: usize, length: i32): usize {
  const parameters = Query.of(ByteView.of(start, length));
  beginBytes();
  while (parameters.next()) {
    writeByte(0xff);
    writeBytes(parameters.name.start, parameters.name.length);
    writeByte(0xff);
    writeBytes(parameters.value.start, parameters.value.length);
  }
  return writtenBytes();
}

export function firstA(start: usize, length: i32): usize {
  return output(queryParameter(ByteView.of(start, length), "a"));
}

/** Names and values, each preceded by a byte 0xff. */
export function cookies(start: usize, length: i32): usize {
  const reader = Cookies.in(ByteView.of(start, length));
  beginBytes();
  while (reader.next()) {
    writeByte(0xff);
    writeBytes(reader.name.start, reader.name.length);
    writeByte(0xff);
    writeBytes(reader.value.start, reader.value.length);
  }
  return writtenBytes();
}

export function cookieA(start: usize, length: i32): usize {
  return output(cookieValue(ByteView.of(start, length), "a"));
}

/** The parts, each preceded by a byte 0xff; what is absent is `null`. */
export function split(start: usize, length: i32): usize {
  const url = Url.parse(ByteView.of(start, length));
  if (url === null) return 0;
  beginBytes();
  writePart(url.scheme);
  writePart(url.host);
  writeByte(0xff);
  writeText(url.port.toString());
  writePart(url.path);
  writePart(url.query);
  writePart(url.fragment);
  return writtenBytes();
}

function writePart(part: ByteView | null): void {
  writeByte(0xff);
  if (part === null) writeText("null");
  else writeBytes(part.start, part.length);
}

export function pages(): i32 {
  return memory.size();
}
