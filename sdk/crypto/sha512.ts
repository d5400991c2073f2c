import { Hash } from "./hash";

/** SHA-512 (FIPS 180-4): digests of 64 bytes. */
@final
export class Sha512 extends Hash {
  constructor() {
    super(
      128,
      64,
      memory.data<u64>([
        0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1, 0x510e527fade682d1,
        0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
      ]),
      64,
      compress,
    );
  }
}

/** SHA-384 (FIPS 180-4): digests of 48 bytes. */
@final
export class Sha384 extends Hash {
  constructor() {
    super(
      128,
      48,
      memory.data<u64>([
        0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939, 0x67332667ffc00b31,
        0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4,
      ]),
      64,
      compress,
    );
  }
}

function compress(state: usize, start: usize, end: usize): void {
  const keys = memory.data<u64>([
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538,
    0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
    0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
    0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
    0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
    0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
    0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
    0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8, 0x1e376c085141ab53,
    0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
    0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c,
    0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
    0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
    0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
  ]);
  const words = memory.data(640, 8);
  for (; start < end; start += 128) {
    for (let at: usize = 0; at < 128; at += 8) store<u64>(words + at, bswap<u64>(load<u64>(start + at)));
    // The last two words stay out of memory: each word waits for the one before the last.
    let even = load<u64>(words, 112);
    let odd = load<u64>(words, 120);
    for (let word = words; word < words + 512; word += 16) {
      const next = load<u64>(word, 8);
      even = lower1(even) + load<u64>(word, 72) + lower0(next) + load<u64>(word);
      store<u64>(word, even, 128);
      odd = lower1(odd) + load<u64>(word, 80) + lower0(load<u64>(word, 16)) + next;
      store<u64>(word, odd, 136);
    }
    let a = load<u64>(state);
    let b = load<u64>(state, 8);
    let c = load<u64>(state, 16);
    let d = load<u64>(state, 24);
    let e = load<u64>(state, 32);
    let f = load<u64>(state, 40);
    let g = load<u64>(state, 48);
    let h = load<u64>(state, 56);
    let t: u64;
    // Eight rounds at a time bring the variables back to their places. What comes last out of a round before is added last.
    for (let at: usize = 0; at < 640; at += 64) {
      t = h + load<u64>(keys + at) + load<u64>(words + at) + choose(e, f, g) + upper1(e);
      d += t;
      h = upper0(a) + majority(a, b, c) + t;
      t = g + load<u64>(keys + at, 8) + load<u64>(words + at, 8) + choose(d, e, f) + upper1(d);
      c += t;
      g = upper0(h) + majority(h, a, b) + t;
      t = f + load<u64>(keys + at, 16) + load<u64>(words + at, 16) + choose(c, d, e) + upper1(c);
      b += t;
      f = upper0(g) + majority(g, h, a) + t;
      t = e + load<u64>(keys + at, 24) + load<u64>(words + at, 24) + choose(b, c, d) + upper1(b);
      a += t;
      e = upper0(f) + majority(f, g, h) + t;
      t = d + load<u64>(keys + at, 32) + load<u64>(words + at, 32) + choose(a, b, c) + upper1(a);
      h += t;
      d = upper0(e) + majority(e, f, g) + t;
      t = c + load<u64>(keys + at, 40) + load<u64>(words + at, 40) + choose(h, a, b) + upper1(h);
      g += t;
      c = upper0(d) + majority(d, e, f) + t;
      t = b + load<u64>(keys + at, 48) + load<u64>(words + at, 48) + choose(g, h, a) + upper1(g);
      f += t;
      b = upper0(c) + majority(c, d, e) + t;
      t = a + load<u64>(keys + at, 56) + load<u64>(words + at, 56) + choose(f, g, h) + upper1(f);
      e += t;
      a = upper0(b) + majority(b, c, d) + t;
    }
    store<u64>(state, load<u64>(state) + a);
    store<u64>(state, load<u64>(state, 8) + b, 8);
    store<u64>(state, load<u64>(state, 16) + c, 16);
    store<u64>(state, load<u64>(state, 24) + d, 24);
    store<u64>(state, load<u64>(state, 32) + e, 32);
    store<u64>(state, load<u64>(state, 40) + f, 40);
    store<u64>(state, load<u64>(state, 48) + g, 48);
    store<u64>(state, load<u64>(state, 56) + h, 56);
  }
}

// @ts-ignore: decorator
@inline
function choose(x: u64, y: u64, z: u64): u64 {
  return z ^ (x & (y ^ z));
}

// @ts-ignore: decorator
@inline
function majority(x: u64, y: u64, z: u64): u64 {
  return (x & y) ^ (z & (x ^ y));
}

// @ts-ignore: decorator
@inline
function upper0(x: u64): u64 {
  return rotr(x, 28) ^ rotr(x, 34) ^ rotr(x, 39);
}

// @ts-ignore: decorator
@inline
function upper1(x: u64): u64 {
  return rotr(x, 14) ^ rotr(x, 18) ^ rotr(x, 41);
}

// @ts-ignore: decorator
@inline
function lower0(x: u64): u64 {
  return rotr(x, 1) ^ rotr(x, 8) ^ (x >>> 7);
}

// @ts-ignore: decorator
@inline
function lower1(x: u64): u64 {
  return rotr(x, 19) ^ rotr(x, 61) ^ (x >>> 6);
}
