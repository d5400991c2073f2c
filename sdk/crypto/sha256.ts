import { Hash } from "./hash";

/** SHA-256 (FIPS 180-4): digests of 32 bytes. */
@final
export class Sha256 extends Hash {
  constructor() {
    super(
      64,
      32,
      memory.data<u32>([
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
      ]),
      32,
      compress,
    );
  }
}

function compress(state: usize, start: usize, end: usize): void {
  const keys = memory.data<u32>([
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
    0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
    0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
    0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2,
  ]);
  const words = memory.data(256, 8);
  for (; start < end; start += 64) {
    for (let at: usize = 0; at < 64; at += 4) store<u32>(words + at, bswap<u32>(load<u32>(start + at)));
    // The last two words stay out of memory: each word waits for the one before the last.
    let even = load<u32>(words, 56);
    let odd = load<u32>(words, 60);
    for (let word = words; word < words + 192; word += 8) {
      const next = load<u32>(word, 4);
      even = lower1(even) + load<u32>(word, 36) + lower0(next) + load<u32>(word);
      store<u32>(word, even, 64);
      odd = lower1(odd) + load<u32>(word, 40) + lower0(load<u32>(word, 8)) + next;
      store<u32>(word, odd, 68);
    }
    let a = load<u32>(state);
    let b = load<u32>(state, 4);
    let c = load<u32>(state, 8);
    let d = load<u32>(state, 12);
    let e = load<u32>(state, 16);
    let f = load<u32>(state, 20);
    let g = load<u32>(state, 24);
    let h = load<u32>(state, 28);
    let t: u32;
    // Eight rounds at a time bring the variables back to their places. What comes last out of a round before is added last.
    for (let at: usize = 0; at < 256; at += 32) {
      t = h + load<u32>(keys + at) + load<u32>(words + at) + choose(e, f, g) + upper1(e);
      d += t;
      h = upper0(a) + majority(a, b, c) + t;
      t = g + load<u32>(keys + at, 4) + load<u32>(words + at, 4) + choose(d, e, f) + upper1(d);
      c += t;
      g = upper0(h) + majority(h, a, b) + t;
      t = f + load<u32>(keys + at, 8) + load<u32>(words + at, 8) + choose(c, d, e) + upper1(c);
      b += t;
      f = upper0(g) + majority(g, h, a) + t;
      t = e + load<u32>(keys + at, 12) + load<u32>(words + at, 12) + choose(b, c, d) + upper1(b);
      a += t;
      e = upper0(f) + majority(f, g, h) + t;
      t = d + load<u32>(keys + at, 16) + load<u32>(words + at, 16) + choose(a, b, c) + upper1(a);
      h += t;
      d = upper0(e) + majority(e, f, g) + t;
      t = c + load<u32>(keys + at, 20) + load<u32>(words + at, 20) + choose(h, a, b) + upper1(h);
      g += t;
      c = upper0(d) + majority(d, e, f) + t;
      t = b + load<u32>(keys + at, 24) + load<u32>(words + at, 24) + choose(g, h, a) + upper1(g);
      f += t;
      b = upper0(c) + majority(c, d, e) + t;
      t = a + load<u32>(keys + at, 28) + load<u32>(words + at, 28) + choose(f, g, h) + upper1(f);
      e += t;
      a = upper0(b) + majority(b, c, d) + t;
    }
    store<u32>(state, load<u32>(state) + a);
    store<u32>(state, load<u32>(state, 4) + b, 4);
    store<u32>(state, load<u32>(state, 8) + c, 8);
    store<u32>(state, load<u32>(state, 12) + d, 12);
    store<u32>(state, load<u32>(state, 16) + e, 16);
    store<u32>(state, load<u32>(state, 20) + f, 20);
    store<u32>(state, load<u32>(state, 24) + g, 24);
    store<u32>(state, load<u32>(state, 28) + h, 28);
  }
}

// @ts-ignore: decorator
@inline
function choose(x: u32, y: u32, z: u32): u32 {
  return z ^ (x & (y ^ z));
}

// @ts-ignore: decorator
@inline
function majority(x: u32, y: u32, z: u32): u32 {
  return (x & y) ^ (z & (x ^ y));
}

// @ts-ignore: decorator
@inline
function upper0(x: u32): u32 {
  return rotr(x, 2) ^ rotr(x, 13) ^ rotr(x, 22);
}

// @ts-ignore: decorator
@inline
function upper1(x: u32): u32 {
  return rotr(x, 6) ^ rotr(x, 11) ^ rotr(x, 25);
}

// @ts-ignore: decorator
@inline
function lower0(x: u32): u32 {
  return rotr(x, 7) ^ rotr(x, 18) ^ (x >>> 3);
}

// @ts-ignore: decorator
@inline
function lower1(x: u32): u32 {
  return rotr(x, 17) ^ rotr(x, 19) ^ (x >>> 10);
}
