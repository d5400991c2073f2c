import { ConfigReader } from "@attache/sdk";

const MILLISECOND: i64 = 1_000_000;
const SECOND: i64 = 1_000_000_000;

/** Milliseconds of the duration `name`; anything finer is a problem, as in Istio: 0 would mean that there is no limit. */
export function readMilliseconds(config: ConfigReader, name: string): i64 {
  const duration = config.duration(name, 0);
  if (duration % MILLISECOND != 0) config.get(name).error("only durations to ms precision are supported");
  return duration / MILLISECOND;
}

/** Seconds of the duration `name`; anything finer is a problem, as in Istio. */
export function readSeconds(config: ConfigReader, name: string): i64 {
  const duration = config.duration(name, 0);
  if (duration % SECOND != 0) config.get(name).error("the duration is accurate only to seconds precision");
  return duration / SECOND;
}
