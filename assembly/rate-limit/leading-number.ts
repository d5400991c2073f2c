import { ByteView } from "@attache/sdk";
import { LARGEST_COUNT } from "./read-quota";

/** How many digits the last {@link leadingNumber} has read; it is as long as the text when that is a number and nothing else. */
export let digits: i32 = 0;

/** The decimal number that a text begins with, {@link LARGEST_COUNT} at most; 0 without one. */
export function leadingNumber(text: ByteView): i64 {
  let value: i64 = 0;
  for (digits = 0; digits < text.length; digits++) {
    const digit = <u32>text.at(digits) - 0x30;
    if (digit > 9) break;
    value = min(value * 10 + digit, LARGEST_COUNT);
  }
  return value;
}
