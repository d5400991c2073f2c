import { decodeText } from "../memory/utf8";
import { utf8SequenceLength } from "./utf8";

/** Bytes of a value that a message shows. */
const SHOWN: i32 = 60;

/** A number in decimal. One allocation, and a kilobyte of code less than the standard library's. */
export function decimal(value: i64): string {
  const signs: usize = value < 0 ? 1 : 0;
  let rest: u64 = abs(value);
  let size = signs + 1;
  for (let left = rest; left >= 10; left /= 10) size += 1;
  const text = __new(size << 1, idof<string>());
  store<u16>(text, 0x2d);
  for (let at = size; at > signs; rest /= 10) {
    at -= 1;
    store<u16>(text + (at << 1), <u16>(0x30 + (rest % 10)));
  }
  return changetype<string>(text);
}

/** The UTF-16 unit at an index that is known to be in range. */
// @ts-ignore: decorator
@inline
export function unitAt(text: string, index: i32): u32 {
  return load<u16>(changetype<usize>(text) + ((<usize>index) << 1));
}

/** UTF-8 for people, in quotes: cut to a sane length, control characters as `\u0007`. */
export function quote(start: usize, length: i32): string {
  return '"' + visible(start, length) + '"';
}

/** Like {@link quote}, without quotes. */
export function visible(start: usize, length: i32): string {
  let end = start + length;
  let rest = "";
  if (length > SHOWN) {
    end = start + SHOWN;
    while ((load<u8>(end) & 0xc0) == 0x80) end--;
    rest = "…";
  }
  let shown = "";
  let run = start;
  for (let p = start; p < end; p++) {
    const c = <u32>load<u8>(p);
    if (c >= 0x20 && c != 0x7f) continue;
    shown += decodeText(run, <i32>(p - run)) + "\\u00" + hexByte(c);
    run = p + 1;
  }
  return shown + decodeText(run, <i32>(end - run)) + rest;
}

/** What stands at `p`: `'x'`, `the byte 0xFF`, `a line break`, `the end of the text`. A zero follows the text. */
export function describeCharacter(p: usize, end: usize): string {
  if (p >= end) return "the end of the text";
  const first = load<u8>(p);
  if (first == 0x0a || first == 0x0d) return "a line break";
  const length = utf8SequenceLength(p);
  if (first < 0x20 || first == 0x7f || !length) return "the byte 0x" + hexByte(first);
  if (length == 3 && load<u16>(p) == 0xbbef && load<u8>(p, 2) == 0xbf) return "a byte order mark";
  return "'" + decodeText(p, <i32>length) + "'";
}

/** A string of one UTF-16 unit. */
function character(unit: u32): string {
  const text = changetype<string>(__new(2, idof<string>()));
  store<u16>(changetype<usize>(text), unit);
  return text;
}

function hexByte(value: u32): string {
  return hexDigit(value >> 4) + hexDigit(value & 15);
}

function hexDigit(value: u32): string {
  return character(value < 10 ? 48 + value : 55 + value);
}
