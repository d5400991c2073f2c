import { newBytes } from "../json/node";
import { decimal } from "../json/text";

/** `an integer from 1 to 5`; a bound that is `""` does not exist. */
export function range(what: string, low: string, high: string): string {
  if (!low.length) return high.length ? what + " of at most " + high : what;
  return high.length ? what + " from " + low + " to " + high : what + " of at least " + low;
}

/** A number to three decimal places. */
export function formatNumber(value: f64): string {
  const thousandths = <i64>Math.round(abs(value) * 1000);
  const rest = <i32>(thousandths % 1000);
  const sign = value < 0 ? "-" : "";
  return sign + decimal(thousandths / 1000) + (rest ? "." + decimal(1000 + rest).slice(1) : "");
}

/** A duration as one writes it: 1.5 s as `1500ms`. */
export function formatDuration(ns: i64): string {
  if (ns % 1_000_000_000 == 0) return decimal(ns / 1_000_000_000) + "s";
  if (ns % 1_000_000 == 0) return decimal(ns / 1_000_000) + "ms";
  return decimal(ns) + "ns";
}

/** A string as UTF-8 bytes. */
export function encode(text: string): StaticArray<u8> {
  const bytes = newBytes(String.UTF8.byteLength(text));
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, changetype<usize>(bytes));
  return bytes;
}
