import { resetArena } from "../memory/arena";
import { formatHttpDate, parseHttpDate } from "./http-date";

let buffer = new StaticArray<u8>(1024);

export function input(size: i32): usize {
  resetArena();
  if (buffer.length < size) buffer = new StaticArray<u8>(size * 2);
  return changetype<usize>(buffer);
}

export function format(seconds: i64): usize {
  resetArena();
  const date = formatHttpDate(seconds);
  assert(date.length == 29);
  return date.start;
}

export function parse(start: usize, length: i32, now: f64): i64 {
  return parseHttpDate(start, length, <i64>now);
}
