/** What the last {@link mulDiv} left over, less than its divisor. */
export let remainder: u64 = 0;

/**
 * (a · b + addend) / divisor, rounded down, with 128 bits in between. The quotient must fit 64 bits, and the divisor 63;
 * a quotient that does not fit is `u64.MAX_VALUE`.
 */
export function mulDiv(a: u64, b: u64, divisor: u64, addend: u64 = 0): u64 {
  // With 65 leading zeros in both, the product has at most 63 bits.
  if (clz(a) + clz(b) >= 65 && addend >>> 63 == 0) {
    const dividend = a * b + addend;
    remainder = dividend % divisor;
    return dividend / divisor;
  }
  const aLow = a & 0xffffffff;
  const aHigh = a >>> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >>> 32;
  const lowLow = aLow * bLow;
  const middle = aHigh * bLow + (lowLow >>> 32);
  const middleLow = aLow * bHigh + (middle & 0xffffffff);
  let high = aHigh * bHigh + (middle >>> 32) + (middleLow >>> 32);
  let low = (middleLow << 32) | (lowLow & 0xffffffff);
  low += addend;
  if (low < addend) high += 1;
  if (high >= divisor) return u64.MAX_VALUE;
  // Long division, bit by bit: what is left of the dividend stays below the divisor, so it never loses its top bit.
  let quotient: u64 = 0;
  for (let bit = 63; bit >= 0; bit--) {
    high = (high << 1) | (low >>> 63);
    low <<= 1;
    quotient <<= 1;
    if (high >= divisor) {
      high -= divisor;
      quotient |= 1;
    }
  }
  remainder = high;
  return quotient;
}

/** a / b, rounded up. */
export function divideUp(a: u64, b: u64): u64 {
  return a / b + (a % b == 0 ? 0 : 1);
}
