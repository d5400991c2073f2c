import { takeScratch } from "../memory/arena";

/**
 * Arithmetic modulo an odd number, on numbers of as many 32-bit words, least significant first (Montgomery's method). A
 * number `x` stands as `x · R`, where R is 2 to the number of bits of all words, in everything but {@link toPlain},
 * {@link fromPlain} and {@link reduce}. All results are below the modulus; arguments must be.
 *
 * The time depends on the numbers: for public ones only.
 */
@final
export class Modulus {
  /** Bytes of a number. */
  readonly size: usize;
  private readonly memory: StaticArray<u8>;
  /** What the product of the modulus with it is -1 modulo 2^32. */
  private readonly inverse: u32;

  /** From `length` bytes at `start`, most significant first; odd, above 1, and without zero bytes in front. */
  constructor(start: usize, length: usize) {
    const size = (length + 3) & ~(<usize>3);
    this.size = size;
    // The modulus, R² and R modulo it, and room for a product with one word more.
    this.memory = new StaticArray<u8>(4 * <i32>size + 8);
    readNumber(start, length, this.modulus, size);
    const low = load<u32>(this.modulus);
    // Each step doubles the bits that are right, from 3.
    let inverse = low;
    for (let step = 0; step < 4; step++) inverse *= 2 - low * inverse;
    this.inverse = 0 - inverse;
    this.computeSquare();
  }

  /** Address of the modulus itself. */
  get modulus(): usize {
    return changetype<usize>(this.memory);
  }

  /** Address of 1. */
  get one(): usize {
    return this.modulus + 2 * this.size;
  }

  private get square(): usize {
    return this.modulus + this.size;
  }

  private get product(): usize {
    return this.modulus + 3 * this.size;
  }

  /** Room for a number in scratch memory. */
  make(): usize {
    return takeScratch(this.size);
  }

  /** `to` = `a` · `b`. All may be the same. */
  multiply(to: usize, a: usize, b: usize): void {
    const size = this.size;
    const modulus = this.modulus;
    const product = this.product;
    const inverse = this.inverse;
    memory.fill(product, 0, size + 4);
    for (let i: usize = 0; i < size; i += 4) {
      const word: u64 = load<u32>(a + i);
      let sum = <u64>load<u32>(product) + word * load<u32>(b);
      const factor: u64 = <u32>sum * inverse;
      let reduced = <u64>(<u32>sum) + factor * load<u32>(modulus);
      for (let j: usize = 4; j < size; j += 4) {
        sum = (sum >>> 32) + load<u32>(product + j) + word * load<u32>(b + j);
        reduced = (reduced >>> 32) + <u32>sum + factor * load<u32>(modulus + j);
        store<u32>(product + j - 4, <u32>reduced);
      }
      sum = (sum >>> 32) + (reduced >>> 32) + load<u32>(product + size);
      store<u64>(product + size - 4, sum);
    }
    this.bringBelow(to, product, load<u32>(product + size));
  }

  /** `to` = `a` + `b`. */
  add(to: usize, a: usize, b: usize): void {
    const size = this.size;
    let sum: u64 = 0;
    for (let i: usize = 0; i < size; i += 4) {
      sum = (sum >>> 32) + load<u32>(a + i) + load<u32>(b + i);
      store<u32>(to + i, <u32>sum);
    }
    this.bringBelow(to, to, <u32>(sum >>> 32));
  }

  /** `to` = `a` - `b`. */
  subtract(to: usize, a: usize, b: usize): void {
    const size = this.size;
    const modulus = this.modulus;
    let difference: i64 = 0;
    for (let i: usize = 0; i < size; i += 4) {
      difference = (difference >> 32) + load<u32>(a + i) - load<u32>(b + i);
      store<u32>(to + i, <u32>difference);
    }
    if (difference >= 0) return;
    let sum: u64 = 0;
    for (let i: usize = 0; i < size; i += 4) {
      sum = (sum >>> 32) + load<u32>(to + i) + load<u32>(modulus + i);
      store<u32>(to + i, <u32>sum);
    }
  }

  /** `to` = -`a`. */
  negate(to: usize, a: usize): void {
    if (this.isZero(a)) memory.copy(to, a, this.size);
    else this.subtract(to, this.modulus, a);
  }

  /** `to` = `base` to the power of the plain number of `size` bytes at `exponent`. None may be another. */
  power(to: usize, base: usize, exponent: usize): void {
    const size = this.size;
    const powers = takeScratch(size << 4);
    memory.copy(powers, this.one, size);
    for (let index: usize = 1; index < 16; index++) {
      this.multiply(powers + index * size, powers + (index - 1) * size, base);
    }
    memory.copy(to, this.one, size);
    for (let at = size; at-- > 0;) {
      const byte = <usize>load<u8>(exponent + at);
      for (let half = 0; half < 2; half++) {
        for (let bit = 0; bit < 4; bit++) this.multiply(to, to, to);
        const digit = half == 0 ? byte >> 4 : byte & 15;
        if (digit != 0) this.multiply(to, to, powers + digit * size);
      }
    }
  }

  /** `to` = 1 / `a`, or 0 of 0, when the modulus is prime (Fermat). */
  invert(to: usize, a: usize): void {
    const exponent = this.make();
    memory.copy(exponent, this.modulus, this.size);
    // No prime in use ends with a word of 0 or 1.
    store<u32>(exponent, load<u32>(exponent) - 2);
    this.power(to, a, exponent);
  }

  /** From a plain number, which may be anything that has room, above the modulus too. */
  fromPlain(to: usize, plain: usize): void {
    this.multiply(to, plain, this.square);
  }

  /** To a plain number. */
  toPlain(to: usize, a: usize): void {
    const one = this.make();
    memory.fill(one, 0, this.size);
    store<u32>(one, 1);
    this.multiply(to, a, one);
  }

  /** Brings a plain number that has room below the modulus. */
  reduce(to: usize, plain: usize): void {
    this.fromPlain(to, plain);
    this.toPlain(to, to);
  }

  /** Reads `length` bytes, most significant first, as a plain number; `false` when it is not below the modulus. */
  read(to: usize, start: usize, length: usize): bool {
    readNumber(start, length, to, this.size);
    return this.isBelow(to);
  }

  /** Whether a plain number is below the modulus. */
  isBelow(plain: usize): bool {
    return compareNumbers(plain, this.modulus, this.size) < 0;
  }

  isZero(a: usize): bool {
    for (let i: usize = 0; i < this.size; i += 4) if (load<u32>(a + i) != 0) return false;
    return true;
  }

  areEqual(a: usize, b: usize): bool {
    return memory.compare(a, b, this.size) == 0;
  }

  /** Copies a number below twice the modulus, `carry` its highest word, and takes the modulus away if it can be. */
  private bringBelow(to: usize, from: usize, carry: u32): void {
    const size = this.size;
    const modulus = this.modulus;
    if (carry == 0 && compareNumbers(from, modulus, size) < 0) {
      if (to != from) memory.copy(to, from, size);
      return;
    }
    let difference: i64 = 0;
    for (let i: usize = 0; i < size; i += 4) {
      difference = (difference >> 32) + load<u32>(from + i) - load<u32>(modulus + i);
      store<u32>(to + i, <u32>difference);
    }
  }

  /** R modulo the modulus by doubling from 1, then R² from R · 2^k, whose square is R · 2^2k. */
  private computeSquare(): void {
    const size = this.size;
    const one = this.one;
    const bits = (<u32>size) << 3;
    memory.fill(one, 0, size);
    store<u32>(one, 1);
    // Up to the highest bit of the modulus, nothing but shifting happens.
    for (let bit: u32 = 0; bit < bits; bit++) this.add(one, one, one);
    memory.copy(this.square, one, size);
    const squarings = ctz(bits);
    for (let bit: u32 = 0; bit < bits >> squarings; bit++) this.add(this.square, this.square, this.square);
    for (let step: u32 = 0; step < squarings; step++) this.multiply(this.square, this.square, this.square);
  }
}

/** Writes `length` bytes, most significant first, as words, least significant first; what has no room is left out. */
export function readNumber(start: usize, length: usize, to: usize, size: usize): void {
  memory.fill(to, 0, size);
  const most = min(length, size);
  for (let at: usize = 0; at < most; at++) store<u8>(to + at, load<u8>(start + length - 1 - at));
}

/** Writes a number as `length` bytes, most significant first. */
export function writeNumber(from: usize, to: usize, length: usize): void {
  for (let at: usize = 0; at < length; at++) store<u8>(to + at, load<u8>(from + length - 1 - at));
}

/** Below 0, 0 or above 0, as `a` is less, the same or more. */
export function compareNumbers(a: usize, b: usize, size: usize): i32 {
  for (let at = size; at > 0; at -= 4) {
    const first = load<u32>(a + at - 4);
    const second = load<u32>(b + at - 4);
    if (first != second) return first < second ? -1 : 1;
  }
  return 0;
}
