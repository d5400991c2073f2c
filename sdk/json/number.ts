import { exactF64 } from "./number-exact";

/** How reading a number went. */
export enum NumberStatus {
  Ok,
  /** The value is not a number. The result is 0. */
  NotNumber,
  /** An integer was asked for and the number has a fraction. The result is 0. */
  NotInteger,
  /** Does not fit the type. The result is 0, or an infinity for `f64`. */
  OutOfRange,
}

let status: NumberStatus = NumberStatus.Ok;

/** How the last `read…` of this module went. */
export function numberStatus(): NumberStatus {
  return status;
}

export function noNumber(): i32 {
  status = NumberStatus.NotNumber;
  return 0;
}

/** Reads a valid JSON number, `80`, `80.0` and `8e1` alike, as a signed integer. Exact. */
export function readI64(start: usize, length: i32): i64 {
  const magnitude = readMagnitude(start, length);
  const negative = load<u8>(start) == 0x2d;
  if (magnitude > <u64>i64.MAX_VALUE + u64(negative)) {
    status = NumberStatus.OutOfRange;
    return 0;
  }
  return negative ? -(<i64>magnitude) : <i64>magnitude;
}

/** Reads a valid JSON number as an unsigned integer. Exact. */
export function readU64(start: usize, length: i32): u64 {
  const magnitude = readMagnitude(start, length);
  if (magnitude == 0 || load<u8>(start) != 0x2d) return magnitude;
  status = NumberStatus.OutOfRange;
  return 0;
}

function readMagnitude(start: usize, length: i32): u64 {
  const end = start + length;
  const digitsEnd = findExponent(start, end);
  let scale = readExponent(digitsEnd, end);
  let value: u64 = 0;
  let zeros = 0; // trailing ones, not yet multiplied in
  let fraction = 0;
  status = NumberStatus.Ok;
  for (let p = start; p < digitsEnd; p++) {
    const digit = <u32>load<u8>(p) - 0x30;
    if (digit > 9) {
      fraction = load<u8>(p) == 0x2e ? 1 : 0;
      continue;
    }
    scale -= fraction;
    if (digit == 0) {
      zeros++;
      continue;
    }
    if (value) value = timesPowerOf10(value, zeros + 1);
    zeros = 0;
    if (status != NumberStatus.Ok || value + digit < value) {
      status = NumberStatus.OutOfRange;
      return 0;
    }
    value += digit;
  }
  if (value == 0) return 0;
  scale += zeros;
  if (scale < 0) {
    status = NumberStatus.NotInteger;
    return 0;
  }
  return timesPowerOf10(value, scale);
}

function timesPowerOf10(value: u64, power: i32): u64 {
  for (; power > 0; power--) {
    if (value > u64.MAX_VALUE / 10) {
      status = NumberStatus.OutOfRange;
      return 0;
    }
    value *= 10;
  }
  return value;
}

/** Address of the `e` of a number, or its end. */
function findExponent(p: usize, end: usize): usize {
  while (p < end && (load<u8>(p) | 0x20) != 0x65) p++;
  return p;
}

/** The exponent that begins with the `e` at `p`, 0 without one, cut to a size that cannot overflow. */
function readExponent(p: usize, end: usize): i32 {
  if (++p >= end) return 0;
  const sign = load<u8>(p);
  let exponent = 0;
  for (p += sign < 0x30 ? 1 : 0; p < end; p++) {
    exponent = min(exponent * 10 + load<u8>(p) - 0x30, 100_000_000);
  }
  return sign == 0x2d ? -exponent : exponent;
}

/** Reads a valid JSON number as the nearest double (ties to even), or an infinity and `OutOfRange`. */
export function readF64(start: usize, length: i32): f64 {
  const end = start + length;
  const digitsEnd = findExponent(start, end);
  let scale = readExponent(digitsEnd, end);
  let digits: u64 = 0;
  let count = 0; // of significant digits
  let fraction = 0;
  status = NumberStatus.Ok;
  for (let p = start; p < digitsEnd; p++) {
    const digit = <u32>load<u8>(p) - 0x30;
    if (digit > 9) {
      fraction = load<u8>(p) == 0x2e ? 1 : 0;
      continue;
    }
    scale -= fraction;
    if (digit || count) count++;
    digits = digits * 10 + digit; // wraps only when count is above 19, and is not used then
  }
  const negative = load<u8>(start) == 0x2d;
  let value: f64;
  // Clinger's fast path: both factors are exact, so one operation rounds once.
  if (count <= 19 && digits <= (<u64>1) << 53 && scale >= -22 && scale <= 22) {
    const power = powerOf10(abs(scale));
    value = scale < 0 ? <f64>digits / power : <f64>digits * power;
  } else {
    value = exactF64(start, digitsEnd, scale, count);
  }
  if (value == Infinity) status = NumberStatus.OutOfRange;
  return negative ? -value : value;
}

function powerOf10(n: i32): f64 {
  let power: f64 = 1;
  for (; n > 0; n--) power *= 10;
  return power;
}
