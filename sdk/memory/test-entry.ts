import { validUtf8Size } from "./utf8-validity";

let buffer = new StaticArray<u8>(1024);

export function input(size: i32): usize {
  if (buffer.length < size) buffer = new StaticArray<u8>(size * 2);
  return changetype<usize>(buffer);
}

export function validSize(start: usize, length: i32): usize {
  return validUtf8Size(start, length);
}
