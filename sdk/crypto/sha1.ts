import { Hash } from "./hash";

/**
 * SHA-1 (FIPS 180-4): digests of 20 bytes. For protocols that name it, such as WebSocket; whoever tries can find two texts
 * with one digest.
 */
@final
export class Sha1 extends Hash {
  constructor() {
    super(64, 20, memory.data<u32>([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]), 20, compress);
  }
}

function compress(state: usize, start: usize, end: usize): void {
  const words = memory.data(320, 8);
  for (; start < end; start += 64) {
    for (let at: usize = 0; at < 64; at += 4) store<u32>(words + at, bswap<u32>(load<u32>(start + at)));
    for (let word = words + 64; word < words + 320; word += 4) {
      const mixed = load<u32>(word - 12) ^ load<u32>(word - 32) ^ load<u32>(word - 56) ^ load<u32>(word - 64);
      store<u32>(word, rotl(mixed, 1));
    }
    let a = load<u32>(state);
    let b = load<u32>(state, 4);
    let c = load<u32>(state, 8);
    let d = load<u32>(state, 12);
    let e = load<u32>(state, 16);
    for (let round = 0; round < 80; round++) {
      const mixed =
        round < 20 ? (b & c) ^ (~b & d) : round < 40 || round >= 60 ? b ^ c ^ d : (b & c) ^ (b & d) ^ (c & d);
      const key: u32 = round < 20 ? 0x5a827999 : round < 40 ? 0x6ed9eba1 : round < 60 ? 0x8f1bbcdc : 0xca62c1d6;
      const next = rotl(a, 5) + mixed + e + key + load<u32>(words + ((<usize>round) << 2));
      e = d;
      d = c;
      c = rotl(b, 30);
      b = a;
      a = next;
    }
    store<u32>(state, load<u32>(state) + a);
    store<u32>(state, load<u32>(state, 4) + b, 4);
    store<u32>(state, load<u32>(state, 8) + c, 8);
    store<u32>(state, load<u32>(state, 12) + d, 12);
    store<u32>(state, load<u32>(state, 16) + e, 16);
  }
}
