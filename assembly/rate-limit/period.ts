import { ConfigReader } from "@attache/sdk";
import { decimal } from "./decimal";

const SHORTEST: i64 = 1_000_000;
const DAY: i64 = 86_400_000_000_000;
const MOST_DAYS: i64 = 366;

/** Nanoseconds of a period, from 1 ms to 366 days, which may also be given in days: `1d`. */
export function readPeriod(config: ConfigReader): i64 {
  const days = daysOf(config);
  if (days < 0) return config.asDuration(SHORTEST, MOST_DAYS * DAY);
  if (days == 0 || days > MOST_DAYS) config.error("expected 1 to " + decimal(MOST_DAYS) + " days");
  return min(max(days, 1), MOST_DAYS) * DAY;
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
