// @ts-ignore: decorator
@inline
const WIDTH: u32 = 5;

/**
 * Writes a plain number of `size` bytes, least significant first, as digits that are 0 or odd, from -15 to 15: each stands
 * for a power of 2, least significant first, and at most every fifth is not 0. Their number is 8 · `size` + 1.
 */
export function writeSignedDigits(number: usize, size: usize, to: usize): void {
  const count = ((<u32>size) << 3) + 1;
  memory.fill(to, 0, count);
  let carry: u32 = 0;
  for (let at: u32 = 0; at < count;) {
    if (bitsAt(number, size, at, 1) == carry) {
      at += 1;
      continue;
    }
    const digit = bitsAt(number, size, at, WIDTH) + carry;
    carry = digit >> (WIDTH - 1);
    store<i8>(to + at, <i8>(<i32>digit - <i32>(carry << WIDTH)));
    at += WIDTH;
  }
}

/** Number of different digits above 0. */
// @ts-ignore: decorator
@inline
export const ODD_DIGITS: usize = 8;

/** `count` bits from bit `from` on; those behind the number are 0. */
function bitsAt(number: usize, size: usize, from: u32, count: u32): u32 {
  let bits: u32 = 0;
  const byte = from >> 3;
  if (byte < <u32>size) bits = load<u8>(number + byte);
  if (byte + 1 < <u32>size) bits |= (<u32>load<u8>(number + byte, 1)) << 8;
  return (bits >> (from & 7)) & ((1 << count) - 1);
}
