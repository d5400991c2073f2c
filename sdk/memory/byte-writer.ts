import { encodeText, textSize } from "./utf8";
import { takeScratch } from "./arena";

/**
 * Builds bytes piece by piece in scratch memory: log lines, header pairs, keys. One writer is in use at a time; the
 * result is valid until the current callback returns.
 */

let start: usize = 0;
let next: usize = 0;
let end: usize = 0;

/** Begins anew, with room for `expected` bytes; more is made when needed. */
export function beginBytes(expected: usize = 128): void {
  start = takeScratch(expected);
  next = start;
  end = start + expected;
}

/** Address of what has been written; {@link writtenSize} is its size. */
export function writtenBytes(): usize {
  return start;
}

/** Number of bytes written since {@link beginBytes}. */
export function writtenSize(): usize {
  return next - start;
}

export function writeBytes(from: usize, size: usize): void {
  reserve(size);
  memory.copy(next, from, size);
  next += size;
}

export function writeText(text: string): void {
  const encoded = encodeText(text);
  writeBytes(encoded, textSize(encoded));
}

/** `value` in decimal. */
export function writeNumber(value: u32): void {
  let divisor: u32 = 1;
  while (value / divisor >= 10) divisor *= 10;
  for (; divisor != 0; divisor /= 10) writeByte(<u8>(0x30 + ((value / divisor) % 10)));
}

export function writeByte(byte: u8): void {
  reserve(1);
  store<u8>(next, byte);
  next += 1;
}

/** `value` as four bytes, little endian. */
export function writeU32(value: u32): void {
  reserve(4);
  store<u32>(next, value);
  next += 4;
}

function reserve(size: usize): void {
  if (size <= end - next) return;
  const used = next - start;
  const capacity = max((end - start) << 1, used + size);
  const moved = takeScratch(capacity);
  memory.copy(moved, start, used);
  start = moved;
  next = moved + used;
  end = moved + capacity;
}
