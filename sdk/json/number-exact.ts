/** A double that lies half-way between two others has at most 767 digits: more decide no rounding but "above". */
const MAX_DIGITS: i32 = 770;

/** 10^(770 + 323) shifted by 64 bits of quotient, or 770 digits, in words of 32 bits, and room to spare. */
const MAX_WORDS: i32 = 128;

/** A natural number, least word first. Parsing is not re-entered, so one is enough. */
const words: usize = memory.data(MAX_WORDS * 4, 8);
let wordCount: i32 = 0;

/**
 * The double nearest to the digits in [start, end), of which `count` are significant, times 10^scale.
 *
 * Computes in whole numbers, so it is right by construction; for the numbers that the fast path does not cover.
 * Cost: about 1 µs, at most 50 µs for hundreds of digits.
 */
export function exactF64(start: usize, end: usize, scale: i32, count: i32): f64 {
  if (count == 0 || count + scale < -323) return 0;
  if (count + scale > 310) return Infinity;
  const dropped = max(count - MAX_DIGITS, 0);
  let inexact = false;
  scale += dropped;
  count -= dropped;
  wordCount = 0;
  let p = start;
  while (count > 0) {
    const digit = <u32>load<u8>(p++) - 0x30;
    if (digit > 9 || (digit == 0 && wordCount == 0)) continue;
    multiplyAdd(10, digit);
    count--;
  }
  for (; p < end; p++) {
    if (<u32>load<u8>(p) - 0x31 < 9) inexact = true;
  }
  for (; scale > 9; scale -= 9) multiplyAdd(powerOf10(9), 0);
  if (scale > 0) multiplyAdd(powerOf10(scale), 0);
  let shift = 0; // the value is words / 2^shift
  if (scale < 0) {
    // 10^n has fewer than n * 10/3 + 1 bits; 64 more of them keep 64 in the quotient.
    const zeros = max((-scale * 10) / 3 / 32 + 4 - wordCount, 0);
    memory.copy(words + ((<usize>zeros) << 2), words, (<usize>wordCount) << 2);
    memory.fill(words, 0, (<usize>zeros) << 2);
    wordCount += zeros;
    shift = zeros * 32;
    for (; scale < 0; scale += 9) inexact = divide(powerOf10(min(-scale, 9))) != 0 || inexact;
  }
  return round(shift, inexact);
}

function powerOf10(n: i32): u32 {
  let power: u32 = 1;
  for (; n > 0; n--) power *= 10;
  return power;
}

function multiplyAdd(factor: u32, carry: u64): void {
  for (let i = 0; i < wordCount; i++) {
    const at = words + ((<usize>i) << 2);
    carry += <u64>load<u32>(at) * factor;
    store<u32>(at, carry as u32);
    carry >>= 32;
  }
  if (carry) store<u32>(words + ((<usize>wordCount) << 2), carry as u32);
  if (carry) wordCount++;
}

/** Divides and returns the remainder. */
function divide(divisor: u32): u64 {
  let remainder: u64 = 0;
  for (let i = wordCount - 1; i >= 0; i--) {
    const at = words + ((<usize>i) << 2);
    remainder = (remainder << 32) | load<u32>(at);
    store<u32>(at, (remainder / divisor) as u32);
    remainder %= divisor;
  }
  while (wordCount > 0 && load<u32>(words + ((<usize>(wordCount - 1)) << 2)) == 0) wordCount--;
  return remainder;
}

/** `words / 2^shift`, plus a little when `inexact`, to the nearest double. */
function round(shift: i32, inexact: bool): f64 {
  const top = load<u32>(words + ((<usize>(wordCount - 1)) << 2));
  const leading = clz(top);
  let bits: u64 = 0; // the 64 most significant
  for (let i = 0; i < 3; i++) {
    const index = wordCount - 1 - i;
    const word: u64 = index >= 0 ? load<u32>(words + ((<usize>index) << 2)) : 0;
    const move = 32 - 32 * i + leading;
    bits |= move >= 0 ? word << move : word >> -move;
    if (move < 0 && word << (64 + move)) inexact = true;
  }
  for (let i = wordCount - 4; i >= 0; i--) {
    if (load<u32>(words + ((<usize>i) << 2))) inexact = true;
  }
  const exponent = wordCount * 32 - leading - 1 - shift; // of the most significant bit
  if (exponent > 1023) return Infinity;
  const cut = 11 + max(-1022 - exponent, 0); // a subnormal keeps fewer bits
  if (cut > 64) return 0;
  const rest = bits << (64 - cut);
  let mantissa = cut == 64 ? 0 : bits >> cut;
  const half: u64 = 1 << 63;
  if (rest > half || (rest == half && (inexact || mantissa & 1))) mantissa++;
  const biased: u64 = cut == 11 ? (<u64>(exponent + 1022)) << 52 : 0;
  return reinterpret<f64>(biased + mantissa); // a carry out of the mantissa rightly raises the exponent
}
