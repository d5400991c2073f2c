import { ByteView, ConfigReader, decimal } from "@attache/sdk";
import { digits, leadingNumber } from "./leading-number";

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
  const text = ByteView.ofText(config.asString());
  const days = leadingNumber(text);
  return digits > 0 && digits == text.length - 1 && text.at(digits) == 0x64 ? days : -1;
}
