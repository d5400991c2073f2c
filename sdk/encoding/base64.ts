/**
 * Base64 (RFC 4648 §4) and base64url without padding (§5, as RFC 7515 §2 writes it), between two places in memory.
 *
 * Decoding is strict: each sequence of bytes has exactly one text that decodes to it, so a signed text cannot be varied.
 * Refused are characters outside the alphabet (blanks and line breaks too), padding that is missing or too much in
 * base64 and any in base64url, a single last character, and last bits that are not zero.
 */

/** Bytes that {@link encodeBase64} writes for `size` bytes. */
export function base64Size(size: usize): usize {
  return ((size + 2) / 3) << 2;
}

/** Bytes that {@link encodeBase64Url} writes for `size` bytes. */
export function base64UrlSize(size: usize): usize {
  return ((size << 2) + 2) / 3;
}

/**
 * Writes `size` bytes at `start` as base64 to `to`, where {@link base64Size} bytes have room, and returns the address
 * behind them.
 */
export function encodeBase64(start: usize, size: usize, to: usize): usize {
  let end = encode(start, size, to, 0x2b, 0x2f);
  for (; (end - to) & 3; end++) store<u8>(end, PADDING);
  return end;
}

/**
 * Writes `size` bytes at `start` as base64url without padding to `to`, where {@link base64UrlSize} bytes have room, and
 * returns the address behind them.
 */
export function encodeBase64Url(start: usize, size: usize, to: usize): usize {
  return encode(start, size, to, 0x2d, 0x5f);
}

/**
 * Decodes `length` bytes of base64 at `start` to `to`, where three quarters of the length have room; `to` may be
 * `start`.
 *
 * @returns the number of bytes written, or `~offset` (a negative number) of the first byte that is wrong; the offset is
 *   `length` when something is missing
 */
export function decodeBase64(start: usize, length: i32, to: usize): i32 {
  let padding = 0;
  while (padding < 2 && padding < length && load<u8>(start + length - 1 - padding) == PADDING) padding++;
  const unpadded = length - padding;
  const result = decode(start, unpadded, to, 0x2b, 0x2f);
  if (result < 0) return result;
  if (length & 3) return padding ? ~unpadded : ~length;
  return result;
}

/**
 * Decodes `length` bytes of base64url without padding at `start` to `to`, where three quarters of the length have room;
 * `to` may be `start`.
 *
 * @returns as {@link decodeBase64}
 */
export function decodeBase64Url(start: usize, length: i32, to: usize): i32 {
  return decode(start, length, to, 0x2d, 0x5f);
}

// @ts-ignore: decorator
@inline
const PADDING: u8 = 0x3d;

/** Character 62 and 63 of the alphabet are what the two kinds differ in. */
function encode(start: usize, size: usize, to: usize, character62: u32, character63: u32): usize {
  const characters = tables(character62, character63) + 256;
  let from = start;
  const end = start + size;
  for (; from + 3 <= end; from += 3) {
    const bits = ((<u32>load<u8>(from)) << 16) | ((<u32>load<u8>(from, 1)) << 8) | load<u8>(from, 2);
    store<u8>(to, load<u8>(characters + (bits >> 18)));
    store<u8>(to, load<u8>(characters + ((bits >> 12) & 63)), 1);
    store<u8>(to, load<u8>(characters + ((bits >> 6) & 63)), 2);
    store<u8>(to, load<u8>(characters + (bits & 63)), 3);
    to += 4;
  }
  if (from == end) return to;
  const isPair = from + 2 == end;
  const bits = ((<u32>load<u8>(from)) << 16) | (isPair ? (<u32>load<u8>(from, 1)) << 8 : 0);
  store<u8>(to, load<u8>(characters + (bits >> 18)));
  store<u8>(to, load<u8>(characters + ((bits >> 12) & 63)), 1);
  if (!isPair) return to + 2;
  store<u8>(to, load<u8>(characters + ((bits >> 6) & 63)), 2);
  return to + 3;
}

function character(value: u32, character62: u32, character63: u32): u32 {
  if (value < 26) return value + 0x41;
  if (value < 52) return value + 0x47;
  if (value < 62) return value - 4;
  return value == 62 ? character62 : character63;
}

function decode(start: usize, length: i32, to: usize, character62: u32, character63: u32): i32 {
  const values = tables(character62, character63);
  const first = to;
  const end = start + length;
  let from = start;
  for (; from + 4 <= end; from += 4) {
    const a = valueAt(values, from);
    const b = valueAt(values, from + 1);
    const c = valueAt(values, from + 2);
    const d = valueAt(values, from + 3);
    if ((a | b | c | d) >= INVALID) return ~(<i32>(firstInvalid(values, from) - start));
    const bits = (a << 18) | (b << 12) | (c << 6) | d;
    store<u8>(to, bits >> 16);
    store<u8>(to, bits >> 8, 1);
    store<u8>(to, bits, 2);
    to += 3;
  }
  const rest = end - from;
  if (rest == 0) return <i32>(to - first);
  const a = valueAt(values, from);
  if (a >= INVALID) return ~(<i32>(from - start));
  if (rest == 1) return ~length;
  const b = valueAt(values, from + 1);
  if (b >= INVALID || (rest == 2 && (b & 15) != 0)) return ~(<i32>(from + 1 - start));
  if (rest == 2) {
    store<u8>(to, (a << 2) | (b >> 4));
    return <i32>(to + 1 - first);
  }
  const c = valueAt(values, from + 2);
  if (c >= INVALID || (c & 3) != 0) return ~(<i32>(from + 2 - start));
  store<u8>(to, (a << 2) | (b >> 4));
  store<u8>(to, (b << 4) | (c >> 2), 1);
  return <i32>(to + 2 - first);
}

// @ts-ignore: decorator
@inline
const INVALID: u32 = 64;

// @ts-ignore: decorator
@inline
function valueAt(values: usize, from: usize): u32 {
  return load<u8>(values + load<u8>(from));
}

function firstInvalid(values: usize, from: usize): usize {
  while (valueAt(values, from) < INVALID) from++;
  return from;
}

/** What each byte stands for and, 256 bytes on, the alphabet: made at the first use, for each of the two alphabets. */
function tables(character62: u32, character63: u32): usize {
  const values = memory.data(640) + (character62 == 0x2b ? 0 : 320);
  // The letter A stands for 0; no other byte of a finished table does.
  if (load<u8>(values, 0x42)) return values;
  memory.fill(values, <u8>INVALID, 256);
  for (let value: u32 = 0; value < 64; value++) {
    const byte = character(value, character62, character63);
    store<u8>(values + byte, value);
    store<u8>(values + value, byte, 256);
  }
  return values;
}
