import { takeScratch } from "../memory/arena";

/**
 * Arithmetic modulo p = 2^255 - 19. A number is ten limbs of 32 bits with a sign, least significant first; limb i counts
 * 2^(26 i). So it has many forms, and adding and subtracting carry nothing: what {@link multiply} writes may be added up
 * eight times before it is multiplied again.
 *
 * The time depends on the numbers: for public ones only.
 */

/** Bytes of a number. */
// @ts-ignore: decorator
@inline
export const FIELD_SIZE: usize = 40;

/** Bytes of a plain number: least significant byte first, below 2^255. */
// @ts-ignore: decorator
@inline
export const PLAIN_SIZE: usize = 32;

// @ts-ignore: decorator
@inline
const LIMB_BITS: i64 = 26;
// @ts-ignore: decorator
@inline
const LIMB: i64 = 0x3ffffff;
/** Bits of the last limb below 2^255. */
// @ts-ignore: decorator
@inline
const LAST_BITS: i64 = 21;
/** 2^260 modulo p. */
// @ts-ignore: decorator
@inline
const FOLD: i64 = 608;

/** Room for a number in scratch memory. */
export function makeNumber(): usize {
  return takeScratch(FIELD_SIZE);
}

/** `to` = a number below 2^26. */
export function setSmall(to: usize, value: i32): void {
  memory.fill(to, 0, FIELD_SIZE);
  store<i32>(to, value);
}

/** `to` = `a` + `b`. */
export function add(to: usize, a: usize, b: usize): void {
  for (let at: usize = 0; at < FIELD_SIZE; at += 4) store<i32>(to + at, load<i32>(a + at) + load<i32>(b + at));
}

/** `to` = `a` - `b`. */
export function subtract(to: usize, a: usize, b: usize): void {
  for (let at: usize = 0; at < FIELD_SIZE; at += 4) store<i32>(to + at, load<i32>(a + at) - load<i32>(b + at));
}

/** `to` = -`a`. */
export function negate(to: usize, a: usize): void {
  for (let at: usize = 0; at < FIELD_SIZE; at += 4) store<i32>(to + at, -load<i32>(a + at));
}

/** `to` = `a` · `b`. All may be the same. */
export function multiply(to: usize, a: usize, b: usize): void {
  const a0: i64 = load<i32>(a);
  const a1: i64 = load<i32>(a, 4);
  const a2: i64 = load<i32>(a, 8);
  const a3: i64 = load<i32>(a, 12);
  const a4: i64 = load<i32>(a, 16);
  const a5: i64 = load<i32>(a, 20);
  const a6: i64 = load<i32>(a, 24);
  const a7: i64 = load<i32>(a, 28);
  const a8: i64 = load<i32>(a, 32);
  const a9: i64 = load<i32>(a, 36);
  const b0: i64 = load<i32>(b);
  const b1: i64 = load<i32>(b, 4);
  const b2: i64 = load<i32>(b, 8);
  const b3: i64 = load<i32>(b, 12);
  const b4: i64 = load<i32>(b, 16);
  const b5: i64 = load<i32>(b, 20);
  const b6: i64 = load<i32>(b, 24);
  const b7: i64 = load<i32>(b, 28);
  const b8: i64 = load<i32>(b, 32);
  const b9: i64 = load<i32>(b, 36);
  // The upper half of the product, carried.
  let sum = a1 * b9 + a2 * b8 + a3 * b7 + a4 * b6 + a5 * b5 + a6 * b4 + a7 * b3 + a8 * b2 + a9 * b1;
  const h0 = sum & LIMB;
  sum = (sum >> LIMB_BITS) + a2 * b9 + a3 * b8 + a4 * b7 + a5 * b6 + a6 * b5 + a7 * b4 + a8 * b3 + a9 * b2;
  const h1 = sum & LIMB;
  sum = (sum >> LIMB_BITS) + a3 * b9 + a4 * b8 + a5 * b7 + a6 * b6 + a7 * b5 + a8 * b4 + a9 * b3;
  const h2 = sum & LIMB;
  sum = (sum >> LIMB_BITS) + a4 * b9 + a5 * b8 + a6 * b7 + a7 * b6 + a8 * b5 + a9 * b4;
  const h3 = sum & LIMB;
  sum = (sum >> LIMB_BITS) + a5 * b9 + a6 * b8 + a7 * b7 + a8 * b6 + a9 * b5;
  const h4 = sum & LIMB;
  sum = (sum >> LIMB_BITS) + a6 * b9 + a7 * b8 + a8 * b7 + a9 * b6;
  const h5 = sum & LIMB;
  sum = (sum >> LIMB_BITS) + a7 * b9 + a8 * b8 + a9 * b7;
  const h6 = sum & LIMB;
  sum = (sum >> LIMB_BITS) + a8 * b9 + a9 * b8;
  const h7 = sum & LIMB;
  sum = (sum >> LIMB_BITS) + a9 * b9;
  const h8 = sum & LIMB;
  const h9 = sum >> LIMB_BITS;
  // The lower half, to which the upper comes back.
  sum = FOLD * h0 + a0 * b0;
  const low = sum & LIMB;
  sum = (sum >> LIMB_BITS) + FOLD * h1 + a0 * b1 + a1 * b0;
  const second = sum & LIMB;
  sum = (sum >> LIMB_BITS) + FOLD * h2 + a0 * b2 + a1 * b1 + a2 * b0;
  store<i32>(to, <i32>(sum & LIMB), 8);
  sum = (sum >> LIMB_BITS) + FOLD * h3 + a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0;
  store<i32>(to, <i32>(sum & LIMB), 12);
  sum = (sum >> LIMB_BITS) + FOLD * h4 + a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0;
  store<i32>(to, <i32>(sum & LIMB), 16);
  sum = (sum >> LIMB_BITS) + FOLD * h5 + a0 * b5 + a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1 + a5 * b0;
  store<i32>(to, <i32>(sum & LIMB), 20);
  sum = (sum >> LIMB_BITS) + FOLD * h6 + a0 * b6 + a1 * b5 + a2 * b4 + a3 * b3 + a4 * b2 + a5 * b1 + a6 * b0;
  store<i32>(to, <i32>(sum & LIMB), 24);
  sum = (sum >> LIMB_BITS) + FOLD * h7 + a0 * b7 + a1 * b6 + a2 * b5 + a3 * b4 + a4 * b3 + a5 * b2 + a6 * b1 + a7 * b0;
  store<i32>(to, <i32>(sum & LIMB), 28);
  sum =
    (sum >> LIMB_BITS) +
    FOLD * h8 +
    (a0 * b8 + a1 * b7 + a2 * b6 + a3 * b5 + a4 * b4 + a5 * b3 + a6 * b2 + a7 * b1 + a8 * b0);
  store<i32>(to, <i32>(sum & LIMB), 32);
  sum =
    (sum >> LIMB_BITS) +
    FOLD * h9 +
    (a0 * b9 + a1 * b8 + a2 * b7 + a3 * b6 + a4 * b5 + a5 * b4 + a6 * b3 + a7 * b2 + a8 * b1 + a9 * b0);
  finish(to, sum, low, second);
}

/** `to` = `a`²; both may be the same. */
export function square(to: usize, a: usize): void {
  const a0: i64 = load<i32>(a);
  const a1: i64 = load<i32>(a, 4);
  const a2: i64 = load<i32>(a, 8);
  const a3: i64 = load<i32>(a, 12);
  const a4: i64 = load<i32>(a, 16);
  const a5: i64 = load<i32>(a, 20);
  const a6: i64 = load<i32>(a, 24);
  const a7: i64 = load<i32>(a, 28);
  const a8: i64 = load<i32>(a, 32);
  const a9: i64 = load<i32>(a, 36);
  let sum = ((a1 * a9 + a2 * a8 + a3 * a7 + a4 * a6) << 1) + a5 * a5;
  const h0 = sum & LIMB;
  sum = (sum >> LIMB_BITS) + ((a2 * a9 + a3 * a8 + a4 * a7 + a5 * a6) << 1);
  const h1 = sum & LIMB;
  sum = (sum >> LIMB_BITS) + ((a3 * a9 + a4 * a8 + a5 * a7) << 1) + a6 * a6;
  const h2 = sum & LIMB;
  sum = (sum >> LIMB_BITS) + ((a4 * a9 + a5 * a8 + a6 * a7) << 1);
  const h3 = sum & LIMB;
  sum = (sum >> LIMB_BITS) + ((a5 * a9 + a6 * a8) << 1) + a7 * a7;
  const h4 = sum & LIMB;
  sum = (sum >> LIMB_BITS) + ((a6 * a9 + a7 * a8) << 1);
  const h5 = sum & LIMB;
  sum = (sum >> LIMB_BITS) + ((a7 * a9) << 1) + a8 * a8;
  const h6 = sum & LIMB;
  sum = (sum >> LIMB_BITS) + ((a8 * a9) << 1);
  const h7 = sum & LIMB;
  sum = (sum >> LIMB_BITS) + a9 * a9;
  const h8 = sum & LIMB;
  const h9 = sum >> LIMB_BITS;
  sum = FOLD * h0 + a0 * a0;
  const low = sum & LIMB;
  sum = (sum >> LIMB_BITS) + FOLD * h1 + ((a0 * a1) << 1);
  const second = sum & LIMB;
  sum = (sum >> LIMB_BITS) + FOLD * h2 + ((a0 * a2) << 1) + a1 * a1;
  store<i32>(to, <i32>(sum & LIMB), 8);
  sum = (sum >> LIMB_BITS) + FOLD * h3 + ((a0 * a3 + a1 * a2) << 1);
  store<i32>(to, <i32>(sum & LIMB), 12);
  sum = (sum >> LIMB_BITS) + FOLD * h4 + ((a0 * a4 + a1 * a3) << 1) + a2 * a2;
  store<i32>(to, <i32>(sum & LIMB), 16);
  sum = (sum >> LIMB_BITS) + FOLD * h5 + ((a0 * a5 + a1 * a4 + a2 * a3) << 1);
  store<i32>(to, <i32>(sum & LIMB), 20);
  sum = (sum >> LIMB_BITS) + FOLD * h6 + ((a0 * a6 + a1 * a5 + a2 * a4) << 1) + a3 * a3;
  store<i32>(to, <i32>(sum & LIMB), 24);
  sum = (sum >> LIMB_BITS) + FOLD * h7 + ((a0 * a7 + a1 * a6 + a2 * a5 + a3 * a4) << 1);
  store<i32>(to, <i32>(sum & LIMB), 28);
  sum = (sum >> LIMB_BITS) + FOLD * h8 + ((a0 * a8 + a1 * a7 + a2 * a6 + a3 * a5) << 1) + a4 * a4;
  store<i32>(to, <i32>(sum & LIMB), 32);
  sum = (sum >> LIMB_BITS) + FOLD * h9 + ((a0 * a9 + a1 * a8 + a2 * a7 + a3 * a6 + a4 * a5) << 1);
  finish(to, sum, low, second);
}

/** Writes the last limb and the first two, to which the carry of the last comes back. */
// @ts-ignore: decorator
@inline
function finish(to: usize, last: i64, low: i64, second: i64): void {
  store<i32>(to, <i32>(last & LIMB), 36);
  const sum = low + FOLD * (last >> LIMB_BITS);
  store<i32>(to, <i32>(sum & LIMB));
  store<i32>(to, <i32>(second + (sum >> LIMB_BITS)), 4);
}

/** `to` = `a`, squared `times` times. */
function squareTimes(to: usize, a: usize, times: i32): void {
  square(to, a);
  while (--times > 0) square(to, to);
}

/** `to` = 1 / `a`, or 0 of 0: `a` to the power of p - 2 = 2^255 - 21 (Fermat). `to` may be `a`. */
export function invert(to: usize, a: usize): void {
  const power = makeNumber();
  const eleventh = powers(power, a);
  squareTimes(power, power, 5);
  multiply(to, power, eleventh);
}

/** `to` = `a` to the power of (p - 5) / 8 = 2^252 - 3. `to` may be `a`. */
export function rootPower(to: usize, a: usize): void {
  const power = makeNumber();
  powers(power, a);
  squareTimes(power, power, 2);
  multiply(to, power, a);
}

/** `to` = `a` to the power of 2^250 - 1; returns its eleventh power. */
function powers(to: usize, a: usize): usize {
  const eleventh = makeNumber();
  const twice = makeNumber();
  square(twice, a);
  squareTimes(to, twice, 2);
  multiply(to, to, a);
  multiply(eleventh, to, twice);
  // 31 = 2 · 11 + 9
  square(twice, eleventh);
  multiply(to, to, twice);
  // From here on the exponent is a row of ones, 5 of them now.
  const ones = makeNumber();
  append(to, to, 5);
  memory.copy(ones, to, FIELD_SIZE);
  append(to, to, 10);
  append(to, to, 20);
  append(to, ones, 10);
  memory.copy(ones, to, FIELD_SIZE);
  append(to, to, 50);
  append(to, to, 100);
  append(to, ones, 50);
  return eleventh;
}

/** Appends the `bits` bits of the exponent of `tail` to that of `to`. */
function append(to: usize, tail: usize, bits: i32): void {
  const shifted = makeNumber();
  squareTimes(shifted, to, bits);
  multiply(to, shifted, tail);
}

/** From the low 255 bits of {@link PLAIN_SIZE} bytes. */
export function fromPlain(to: usize, plain: usize): void {
  const bytes = makeNumber();
  memory.copy(bytes, plain, PLAIN_SIZE);
  store<u64>(bytes, 0, PLAIN_SIZE);
  store<u8>(bytes, load<u8>(bytes, PLAIN_SIZE - 1) & 0x7f, PLAIN_SIZE - 1);
  for (let limb: usize = 0; limb < 10; limb++) {
    const bit = limb * 26;
    store<u32>(to + (limb << 2), (load<u32>(bytes + (bit >> 3)) >>> (bit & 7)) & 0x3ffffff);
  }
}

/** Writes the form below p as {@link PLAIN_SIZE} bytes. */
export function toPlain(to: usize, a: usize): void {
  const limbs = makeNumber();
  memory.copy(limbs, a, FIELD_SIZE);
  // Brings the value into 0 to 2^260 - 1: the first carry leaves it that much above or below, the second undoes it.
  for (let round = 0; round < 3; round++) {
    const carry = carryThrough(limbs, LIMB_BITS);
    store<i32>(limbs, load<i32>(limbs) + <i32>(FOLD * carry));
  }
  store<i32>(limbs, load<i32>(limbs) + 19 * <i32>carryThrough(limbs, LAST_BITS));
  // Below 2^255 + 19 · 2^5 now: p goes into it once if adding 19 reaches 2^255.
  store<i32>(limbs, load<i32>(limbs) + 19);
  if (carryThrough(limbs, LAST_BITS) == 0) store<i32>(limbs, load<i32>(limbs) - 19);
  carryThrough(limbs, LAST_BITS);
  let bits: u64 = 0;
  let count: i64 = 0;
  for (let limb: usize = 0; limb < 10; limb++) {
    bits |= (<u64>load<u32>(limbs + (limb << 2))) << count;
    count += LIMB_BITS;
    for (; count >= 8; count -= 8) {
      store<u8>(to++, bits);
      bits >>>= 8;
    }
  }
}

/** Brings all limbs into their bits, the last into `last` bits; what does not go into that. */
function carryThrough(limbs: usize, last: i64): i64 {
  let carry: i64 = 0;
  for (let limb: usize = 0; limb < 10; limb++) {
    const width = limb == 9 ? last : LIMB_BITS;
    carry += load<i32>(limbs + (limb << 2));
    store<i32>(limbs + (limb << 2), <i32>(carry & ((1 << width) - 1)));
    carry >>= width;
  }
  return carry;
}

export function areEqual(a: usize, b: usize): bool {
  const difference = makeNumber();
  subtract(difference, a, b);
  return isZero(difference);
}

export function isZero(a: usize): bool {
  const plain = takeScratch(PLAIN_SIZE);
  toPlain(plain, a);
  return (load<u64>(plain) | load<u64>(plain, 8) | load<u64>(plain, 16) | load<u64>(plain, 24)) == 0;
}
