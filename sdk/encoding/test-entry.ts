import { base64Size, base64UrlSize, decodeBase64, decodeBase64Url, encodeBase64, encodeBase64Url } from "./base64";
import { decodeHex, encodeHex } from "./hex";
import { resetArena } from "../memory/arena";
import { ByteView } from "../memory/byte-view";

let buffer = new StaticArray<u8>(1024);
let output = new StaticArray<u8>(1024);
let written: i32 = 0;

export function input(size: i32): usize {
  if (buffer.length < size) buffer = new StaticArray<u8>(size * 2);
  return changetype<usize>(buffer);
}

/** Room for `size` bytes, and one that must stay. */
function room(size: usize): usize {
  if (<usize>output.length <= size) output = new StaticArray<u8>(<i32>size * 2);
  store<u8>(changetype<usize>(output) + size, 0xa5);
  return changetype<usize>(output);
}

export function outputStart(): usize {
  return changetype<usize>(output);
}

function encoded(end: usize, size: usize): i32 {
  written = <i32>(end - changetype<usize>(output));
  assert(<usize>written == size && load<u8>(end) == 0xa5);
  return written;
}

export function toBase64(start: usize, length: i32): i32 {
  const size = base64Size(length);
  return encoded(encodeBase64(start, length, room(size)), size);
}

export function toBase64Url(start: usize, length: i32): i32 {
  const size = base64UrlSize(length);
  return encoded(encodeBase64Url(start, length, room(size)), size);
}

export function toHex(start: usize, length: i32): i32 {
  return encoded(encodeHex(start, length, room(length << 1)), length << 1);
}

export function fromBase64(start: usize, length: i32): i32 {
  return decoded(decodeBase64(start, length, room((length * 3) >> 2)), (length * 3) >> 2);
}

export function fromBase64Url(start: usize, length: i32): i32 {
  return decoded(decodeBase64Url(start, length, room((length * 3) >> 2)), (length * 3) >> 2);
}

export function fromHex(start: usize, length: i32): i32 {
  return decoded(decodeHex(start, length, room(length >> 1)), length >> 1);
}

/** Decodes where the text stands. */
export function fromBase64UrlInPlace(start: usize, length: i32): i32 {
  const size = decodeBase64Url(start, length, start);
  if (size > 0) memory.copy(room(size), start, size);
  return size;
}

function decoded(size: i32, room: i32): i32 {
  assert(size <= room && load<u8>(changetype<usize>(output) + room) == 0xa5);
  return size;
}

/** A view's texts, and what those give back in hexadecimal. */
export function viewTexts(start: usize, length: i32): string {
  resetArena();
  const view = ByteView.of(start, length);
  const base64 = view.toBase64();
  const base64Url = view.toBase64Url();
  const hex = view.toHex();
  const back = hexOf(ByteView.fromHex(ByteView.ofText(hex)));
  const backFromBase64 = hexOf(ByteView.fromBase64(ByteView.ofText(base64)));
  return [
    hex,
    base64,
    base64Url,
    back,
    backFromBase64,
    hexOf(ByteView.fromBase64Url(ByteView.ofText(base64Url))),
  ].join();
}

/** What views make of one text in each encoding, in hexadecimal; `null` where it is none. */
export function readTexts(start: usize, length: i32): string {
  resetArena();
  const text = ByteView.of(start, length);
  return [hexOf(ByteView.fromHex(text)), hexOf(ByteView.fromBase64(text)), hexOf(ByteView.fromBase64Url(text))].join();
}

function hexOf(view: ByteView | null): string {
  return view === null ? "null" : view.toHex();
}
