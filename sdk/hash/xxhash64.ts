const PRIME_1: u64 = 0x9e3779b185ebca87;
const PRIME_2: u64 = 0xc2b2ae3d27d4eb4f;
const PRIME_3: u64 = 0x165667b19e3779f9;
const PRIME_4: u64 = 0x85ebca77c2b2ae63;
const PRIME_5: u64 = 0x27d4eb2f165667c5;

/**
 * XXH64 of `size` bytes at `start` (xxHash specification 0.1.1): a fast hash with an even spread and the same value
 * everywhere. Not a cryptographic one.
 *
 * Allowed everywhere. Cost: some 10 ns for a short key.
 */
export function xxHash64(start: usize, size: usize, seed: u64 = 0): u64 {
  const end = start + size;
  let hash: u64;
  if (size >= 32) {
    let a = seed + PRIME_1 + PRIME_2;
    let b = seed + PRIME_2;
    let c = seed;
    let d = seed - PRIME_1;
    do {
      a = round(a, load<u64>(start));
      b = round(b, load<u64>(start, 8));
      c = round(c, load<u64>(start, 16));
      d = round(d, load<u64>(start, 24));
      start += 32;
    } while (start + 32 <= end);
    hash = rotl(a, 1) + rotl(b, 7) + rotl(c, 12) + rotl(d, 18);
    hash = mergeRound(hash, a);
    hash = mergeRound(hash, b);
    hash = mergeRound(hash, c);
    hash = mergeRound(hash, d);
  } else {
    hash = seed + PRIME_5;
  }
  hash += size;
  for (; start + 8 <= end; start += 8) {
    hash = rotl(hash ^ round(0, load<u64>(start)), 27) * PRIME_1 + PRIME_4;
  }
  if (start + 4 <= end) {
    hash = rotl(hash ^ (<u64>load<u32>(start) * PRIME_1), 23) * PRIME_2 + PRIME_3;
    start += 4;
  }
  for (; start < end; start += 1) {
    hash = rotl(hash ^ (<u64>load<u8>(start) * PRIME_5), 11) * PRIME_1;
  }
  hash = (hash ^ (hash >>> 33)) * PRIME_2;
  hash = (hash ^ (hash >>> 29)) * PRIME_3;
  return hash ^ (hash >>> 32);
}

// @ts-ignore: decorator
@inline
function round(accumulator: u64, input: u64): u64 {
  return rotl(accumulator + input * PRIME_2, 31) * PRIME_1;
}

function mergeRound(hash: u64, accumulator: u64): u64 {
  return (hash ^ round(0, accumulator)) * PRIME_1 + PRIME_4;
}
