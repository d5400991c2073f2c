import { ConfigReader } from "@attache/sdk";
import { decimal } from "./decimal";

const DAY: i64 = 86_400_000_000_000;

/** Nanoseconds of a duration, which may also be given in days: `1d`. */
export function readPeriod(config: ConfigReader, shortest: i64, longest: i64): i64 {
  const days = daysOf(config);
  if (days < 0) return config.asDuration(shortest, longest);
  if (days == 0 || days > longest / DAY) config.error("expected 1 to " + decimal(longest / DAY) + " days");
  return min(max(days, 1), longest / DAY) * DAY;
}

/** The number in front of a `d`, or -1. */
function daysOf(config: ConfigReader): i64 {
  if (!config.isPresent) return -1;
  const text = config.asString();
  const digits = text.length - 1;
  if (digits < 1 || digits > 9 || text.charCodeAt(digits) != 0x64) return -1;
  let days: i64 = 0;
  for (let index = 0; index < digits; index++) {
    const digit = text.charCodeAt(index) - 0x30;
    if (<u32>digit > 9) return -1;
    days = days * 10 + digit;
  }
  return days;
}
