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

/** Decodes valid UTF-8 to a string. Of invalid UTF-8 the result is unspecified; nothing outside is read. */
export function decodeUtf8(start: usize, length: i32): string {
  const end = start + length;
  let units: i32 = 0;
  for (let p = start; p < end; p++) {
    const c = load<u8>(p);
    units += i32((c & 0xc0) != 0x80) + i32(c >= 0xf0);
  }
  const text = changetype<string>(__new((<usize>units) << 1, idof<string>()));
  let to = changetype<usize>(text);
  for (let p = start; p < end;) {
    const first = <u32>load<u8>(p++);
    let code = first;
    if (first >= 0x80) {
      if (first < 0xc0) continue;
      code &= first < 0xe0 ? 0x1f : first < 0xf0 ? 0x0f : 0x07;
      while (p < end && (load<u8>(p) & 0xc0) == 0x80) code = (code << 6) | (load<u8>(p++) & 0x3f);
      if (first >= 0xf0) {
        store<u16>(to, 0xd7c0 + (code >> 10));
        to += 2;
        code = 0xdc00 | (code & 0x3ff);
      }
    }
    store<u16>(to, code);
    to += 2;
  }
  return text;
}
