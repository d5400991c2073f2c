/** What {@link parseDuration} answers for bytes that are not a duration. */
export const NO_DURATION: i64 = i64.MIN_VALUE;

/**
 * Nanoseconds of a duration as Go and proto JSON write it: `1.5s`, `300ms`, `1h30m`, `-2us`, `0`. Units are `ns`, `us`,
 * `ms`, `s`, `m` and `h`. What is finer than a nanosecond is cut off. {@link NO_DURATION} for everything else, and
 * beyond 292 years.
 */
export function parseDuration(start: usize, length: i32): i64 {
  const end = start + length;
  let p = start;
  const negative = byteAt(p, end) == 0x2d;
  if (negative || byteAt(p, end) == 0x2b) p++;
  if (end - p == 1 && load<u8>(p) == 0x30) return 0;
  if (p >= end) return NO_DURATION;
  let total: i64 = 0;
  while (p < end) {
    let q = p;
    while (byteAt(q, end) - 0x30 <= 9 || byteAt(q, end) == 0x2e) q++;
    const unit = unitAt(q, end);
    if (unit == 0) return NO_DURATION;
    let place = unit; // what the last digit is worth
    let point = false;
    let whole: i64 = 0;
    let digits = 0;
    for (; p < q; p++) {
      const digit = <u32>load<u8>(p) - 0x30;
      if (digit > 9) {
        if (point) return NO_DURATION;
        point = true;
        continue;
      }
      digits++;
      if (point) {
        place /= 10;
        total += digit * place;
      } else {
        if (whole > (i64.MAX_VALUE / unit - digit) / 10) return NO_DURATION;
        whole = whole * 10 + digit;
      }
    }
    if (digits == 0) return NO_DURATION;
    total += whole * unit;
    if (total < 0) return NO_DURATION;
    p = q + (unit == HOUR || unit == MINUTE || unit == SECOND ? 1 : 2);
  }
  return negative ? -total : total;
}

export const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/** Nanoseconds of the unit at `p`, or 0. */
function unitAt(p: usize, end: usize): i64 {
  const c = byteAt(p, end);
  const isShort = byteAt(p + 1, end) != 0x73;
  if (c == 0x68) return HOUR;
  if (c == 0x73) return SECOND;
  if (c == 0x6d) return isShort ? MINUTE : 1_000_000;
  if (isShort) return 0;
  return c == 0x75 ? 1_000 : c == 0x6e ? 1 : 0;
}

function byteAt(p: usize, end: usize): u32 {
  return p < end ? <u32>load<u8>(p) : 0;
}
