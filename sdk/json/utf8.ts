/**
 * Bytes that the UTF-8 sequence at `start` takes (1 to 4), or 0 when it is not valid (RFC 3629 §4). The text ends with
 * a zero.
 */
export function utf8SequenceLength(start: usize): usize {
  const first = <u32>load<u8>(start);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const second = <u32>load<u8>(start, 1);
  const low: u32 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const high: u32 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  const length: usize = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  for (let i: usize = 2; i < length; i++) {
    if ((load<u8>(start + i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

/** Writes a code point as UTF-8 and returns the address behind it. Surrogates are the caller's to avoid. */
export function writeUtf8(code: u32, to: usize): usize {
  if (code < 0x80) {
    store<u8>(to, code);
    return to + 1;
  }
  let more: u32 = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  store<u8>(to++, (0xff00 >> (more + 1)) | (code >> (6 * more)));
  while (more--) store<u8>(to++, 0x80 | ((code >> (6 * more)) & 63));
  return to;
}
