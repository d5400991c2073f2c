/** Seeded randomness (xoshiro128**): the same seed gives the same sequence. */
export class Random {
  readonly #state = new Uint32Array(4);

  constructor(seed: number) {
    for (let i = 0, mix = seed >>> 0; i < 4; i++) {
      mix = (mix + 0x9e3779b9) >>> 0;
      let word = Math.imul(mix ^ (mix >>> 16), 0x21f0aaad);
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
      this.#state[i] = word ^ (word >>> 15);
    }
  }

  /** 32 bits. */
  next(): number {
    const state = this.#state;
    const s1 = state[1]!;
    const result = Math.imul(rotate(Math.imul(s1, 5), 7), 9) >>> 0;
    state[2]! ^= state[0]!;
    state[3]! ^= s1;
    state[1]! ^= state[2]!;
    state[0]! ^= state[3]!;
    state[2]! ^= s1 << 9;
    state[3] = rotate(state[3]!, 11);
    return result;
  }

  fill(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.next() >>> 24;
  }

  /** A random UUID (version 4). */
  uuid(): string {
    const a = this.next();
    const b = (this.next() & 0xffff0fff) | 0x4000;
    const c = (this.next() & 0x3fffffff) | 0x80000000;
    return `${hex4(a >>> 16)}${hex4(a)}-${hex4(b >>> 16)}-${hex4(b)}-${hex4(c >>> 16)}-${hex4(c)}${hex8(this.next())}`;
  }
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function hex8(value: number): string {
  return hex4(value >>> 16) + hex4(value);
}

function hex4(value: number): string {
  return hexPairs[(value >>> 8) & 0xff]! + hexPairs[value & 0xff]!;
}

const hexPairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
