/** Whether `size` bytes at `start` are UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). */
export function isUtf8(start: usize, size: usize): bool {
  return validUtf8Size(start, size) == size;
}

/**
 * How many of `size` bytes at `start` are UTF-8, up to the first sequence that is not: `size` when all are.
 *
 * Cost: ASCII is skipped 8 bytes at a time, or 16 when the filter is compiled with SIMD (`"enable": ["simd"]`).
 */
export function validUtf8Size(start: usize, size: usize): usize {
  const end = start + size;
  let from = skipAscii(start, end);
  while (from < end) {
    const length = sequenceLength(from, end);
    if (length == 0) break;
    from += length;
    if (from < end && load<u8>(from) < 0x80) from = skipAscii(from, end);
  }
  return from - start;
}

/** The address of the first byte that is not ASCII, or `end`. */
function skipAscii(from: usize, end: usize): usize {
  if (ASC_FEATURE_SIMD) {
    while (from + 16 <= end) {
      const high = i8x16.bitmask(v128.load(from));
      if (high) return from + ctz(high);
      from += 16;
    }
  }
  while (from + 8 <= end) {
    const high = load<u64>(from) & 0x8080808080808080;
    if (high) return from + ((<usize>ctz(high)) >> 3);
    from += 8;
  }
  while (from < end && load<u8>(from) < 0x80) from++;
  return from;
}

/** Bytes of the sequence at `from`, or 0 when it is not valid. */
function sequenceLength(from: usize, end: usize): usize {
  const lead = <u32>load<u8>(from);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const length: usize = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (length > end - from) return 0;
  const second = <u32>load<u8>(from, 1);
  const lowest: u32 = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const highest: u32 = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (second < lowest || second > highest) return 0;
  for (let index: usize = 2; index < length; index++) {
    if ((load<u8>(from + index) & 0xc0) != 0x80) return 0;
  }
  return length;
}
