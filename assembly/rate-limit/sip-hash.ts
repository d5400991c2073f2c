/**
 * SipHash-1-3 (Aumasson, Bernstein 2012) of `size` bytes at `start` under a key of 128 bits: who does not know the key
 * cannot find texts with the same hash.
 */
export function sipHash(start: usize, size: usize, key0: u64, key1: u64): u64 {
  let a = key0 ^ 0x736f6d6570736575;
  let b = key1 ^ 0x646f72616e646f6d;
  let c = key0 ^ 0x6c7967656e657261;
  let d = key1 ^ 0x7465646279746573;
  const words = size >> 3;
  // One round for each word, one for the last bytes with the size, and three without any.
  for (let index: usize = 0; index < words + 4; index++) {
    let word: u64 = 0;
    if (index < words) word = load<u64>(start + (index << 3));
    else if (index == words) word = lastWord(start, size);
    else if (index == words + 1) c ^= 0xff;
    d ^= word;
    a += b;
    b = rotl(b, 13) ^ a;
    c += d;
    d = rotl(d, 16) ^ c;
    a = rotl(a, 32) + d;
    d = rotl(d, 21) ^ a;
    c += b;
    b = rotl(b, 17) ^ c;
    c = rotl(c, 32);
    a ^= word;
  }
  return a ^ b ^ c ^ d;
}

/** The bytes after the last whole word, and the size. */
function lastWord(start: usize, size: usize): u64 {
  const last = start + (size & ~7);
  let word = (<u64>size) << 56;
  for (let index: usize = 0; index < (size & 7); index++) {
    const byte: u64 = load<u8>(last + index);
    word |= byte << (index << 3);
  }
  return word;
}
