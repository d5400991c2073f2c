/**
 * Turns an ECDSA signature from DER (RFC 3279 §2.2.3: a SEQUENCE of two INTEGERs) into two numbers of `half` bytes each,
 * one after the other, at `to`, as tokens have it and {@link VerificationKey} takes it. `false` for anything but DER in its
 * one form: with lengths in more bytes than needed, numbers that are negative, too long or padded, or bytes behind.
 */
export function ecdsaFromDer(start: usize, length: usize, half: usize, to: usize): bool {
  const end = start + length;
  let next = start + 2;
  if (length < 2 || load<u8>(start) != 0x30) return false;
  let size = <usize>load<u8>(start, 1);
  if (size == 0x81) {
    // The one longer form that P-521 needs.
    if (length < 3) return false;
    size = load<u8>(next++);
    if (size < 0x80) return false;
  } else if (size >= 0x80) return false;
  if (end - next != size) return false;
  next = readInteger(next, end, half, to);
  return next != 0 && readInteger(next, end, half, to + half) == end;
}

/** Turns two numbers of `half` bytes each into DER at `to`, where 2 · `half` + 9 bytes have room; returns the end. */
export function ecdsaToDer(start: usize, half: usize, to: usize): usize {
  const first = integerSize(start, half);
  const second = integerSize(start + half, half);
  const size = first + second + 4;
  store<u8>(to++, 0x30);
  if (size >= 0x80) store<u8>(to++, 0x81);
  store<u8>(to++, <u8>size);
  return writeInteger(start + half, half, second, writeInteger(start, half, first, to));
}

/** Reads a number that is not negative, and returns the address behind it, or 0. */
function readInteger(from: usize, end: usize, half: usize, to: usize): usize {
  if (end - from < 3 || load<u8>(from) != 0x02) return 0;
  let size = <usize>load<u8>(from, 1);
  from += 2;
  if (size == 0 || size > end - from || load<u8>(from) >= 0x80) return 0;
  if (load<u8>(from) == 0 && size > 1) {
    if (load<u8>(from, 1) < 0x80) return 0;
    from += 1;
    size -= 1;
  }
  if (size > half) return 0;
  memory.fill(to, 0, half - size);
  memory.copy(to + half - size, from, size);
  return from + size;
}

/** Bytes of the number of `half` bytes as an INTEGER: without zeros in front, but one before a high bit. */
function integerSize(start: usize, half: usize): usize {
  while (half > 1 && load<u8>(start) == 0) {
    start += 1;
    half -= 1;
  }
  return half + (load<u8>(start) >> 7);
}

function writeInteger(start: usize, half: usize, size: usize, to: usize): usize {
  store<u8>(to, 0x02);
  store<u8>(to, <u8>size, 1);
  store<u8>(to, 0, 2);
  const copied = min(size, half);
  memory.copy(to + 2 + size - copied, start + half - copied, copied);
  return to + 2 + size;
}
