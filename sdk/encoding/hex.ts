/**
 * Writes `size` bytes at `start` in lower-case hexadecimal to `to`, where twice as many bytes have room, and returns the
 * address behind them.
 */
export function encodeHex(start: usize, size: usize, to: usize): usize {
  for (const end = start + size; start < end; start++) {
    const byte = <u32>load<u8>(start);
    store<u8>(to, digit(byte >> 4));
    store<u8>(to, digit(byte & 15), 1);
    to += 2;
  }
  return to;
}

/**
 * Decodes `length` hexadecimal digits of either case at `start` to `to`, where half as many bytes have room; `to` may
 * be `start`.
 *
 * @returns the number of bytes written, or `~offset` (a negative number) of the first byte that is wrong; the offset is
 *   `length` when the last digit is missing
 */
export function decodeHex(start: usize, length: i32, to: usize): i32 {
  for (let index = 0; index < length; index += 2) {
    const high = hexValue(load<u8>(start + index));
    if (high > 15) return ~index;
    if (index + 1 == length) return ~length;
    const low = hexValue(load<u8>(start + index + 1));
    if (low > 15) return ~(index + 1);
    store<u8>(to + (index >> 1), (high << 4) | low);
  }
  return length >> 1;
}

/** What the hexadecimal digit `byte` stands for; above 15 when it is none. */
// @ts-ignore: decorator
@inline
export function hexValue(byte: u32): u32 {
  const letter = (byte | 0x20) - 0x61;
  return letter < 6 ? letter + 10 : byte - 0x30 <= 9 ? byte - 0x30 : 16;
}

// @ts-ignore: decorator
@inline
function digit(value: u32): u32 {
  return value < 10 ? value + 0x30 : value + 0x57;
}
