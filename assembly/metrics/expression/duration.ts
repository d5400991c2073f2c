/** The integer that digits stand for; -1 when there are none or too many, or something else is there. */
export function parseDigits(text: string, end: i32 = text.length): i64 {
  if (end == 0 || end > 18) return -1;
  let number: i64 = 0;
  for (let at = 0; at < end; at++) {
    const digit = <u32>text.charCodeAt(at) - 0x30;
    if (digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

/** Nanoseconds of `300ms`, `2s`, `1m`, `1h`; -1 for anything else. */
export function parseDuration(text: string): i64 {
  const isMs = text.endsWith("ms");
  const number = parseDigits(text, text.length - (isMs ? 2 : 1));
  const unit = isMs ? 1_000_000 : unitNs(text.charCodeAt(text.length - 1));
  return number >= 0 && number < 1_000_000 && unit > 0 ? number * unit : -1;
}

function unitNs(unit: i32): i64 {
  if (unit == 0x73) return 1_000_000_000;
  if (unit == 0x6d) return 60_000_000_000;
  return unit == 0x68 ? 3_600_000_000_000 : 0;
}
