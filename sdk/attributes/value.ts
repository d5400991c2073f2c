import { ByteView } from "../memory/byte-view";

/** The text of an attribute; `null` when it does not exist. What is not UTF-8 becomes U+FFFD. */
export function attributeText(value: ByteView | null): string | null {
  return value === null ? null : value.toString();
}

/**
 * The integer of an attribute; `absent` when it does not exist or is none.
 *
 * Decimal digits are read too, as proxies write them that know only text. (Eight digits are never a binary number that
 * an attribute has: it would be above 3 · 10¹⁸.)
 */
export function attributeInteger(value: ByteView | null, absent: i64 = -1): i64 {
  if (value === null || value.length == 0 || value.length > 18) return absent;
  let decimal: i64 = 0;
  for (let index = 0; index < value.length; index++) {
    const digit = <u32>value.at(index) - 0x30;
    if (digit > 9) return value.length == 8 ? load<i64>(value.start) : absent;
    decimal = decimal * 10 + digit;
  }
  return decimal;
}

/** The number of dynamic metadata or of an attribute that is a double; NaN when it does not exist or is text. */
export function attributeNumber(value: ByteView | null): f64 {
  return value !== null && value.length == 8 ? load<f64>(value.start) : NaN;
}

/** The truth of an attribute; `absent` when it does not exist or is none. `true` and `false` in letters are read too. */
export function attributeBool(value: ByteView | null, absent: bool = false): bool {
  if (value === null) return absent;
  if (value.length == 1 && value.at(0) < 2) return value.at(0) == 1;
  if (value.equals("true")) return true;
  return value.equals("false") ? false : absent;
}

/** Nanoseconds of a duration or time; -1 when it does not exist. Text is none: its unit would be unknown. */
export function attributeNs(value: ByteView | null): i64 {
  return value !== null && value.length == 8 ? load<i64>(value.start) : -1;
}
