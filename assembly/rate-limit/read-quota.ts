import { ConfigReader, decimal } from "@attache/sdk";
import { Algorithm } from "./algorithm";
import { CalendarWindow } from "./calendar-window";
import { Concurrency } from "./concurrency";
import { FixedWindow } from "./fixed-window";
import { Gcra } from "./gcra";
import { checkName } from "./limit-name";
import { readPeriod } from "./period";
import { Quota } from "./quota";
import { LONGEST_LOG, SlidingLog } from "./sliding-log";
import { SlidingWindow } from "./sliding-window";
import { TokenBucket } from "./token-bucket";
import { LONGEST_NS, Window } from "./window";

/** Largest limit, burst and cost: what JSON numbers hold exactly. */
// @ts-ignore: decorator
@inline
export const LARGEST_COUNT: i64 = 1 << 53;

const SECOND: i64 = 1_000_000_000;

/**
 * The windows that stand in `config` itself, or in its `windows`.
 *
 * @param parts of what passes, one of which the windows have
 */
export function readQuota(config: ConfigReader, algorithm: Algorithm, name: string, parts: i64): Quota {
  const quota = new Quota();
  const isBucket = algorithm == Algorithm.TokenBucket;
  const own = config.has(isBucket ? "maxTokens" : "limit") || config.has(isBucket ? "fillInterval" : "per");
  const windows = config.array("windows");
  if (config.has("windows")) {
    if (own) config.error("give either windows or a limit of its own");
    if (windows.length == 0) windows.error("at least one window must be given");
    for (let index = 0; index < windows.length; index++) {
      const window = windows.at(index).asObject();
      const ownName = windowName(window, windows.length > 1 ? name + "-" + decimal(index + 1) : name);
      readWindow(window, algorithm, ownName, parts, quota);
    }
  } else {
    readWindow(config, algorithm, name, parts, quota);
  }
  return quota;
}

function readWindow(config: ConfigReader, algorithm: Algorithm, name: string, parts: i64, quota: Quota): void {
  if (algorithm == Algorithm.TokenBucket) {
    const maxTokens = partOf(config.required("maxTokens").asInteger(0, LARGEST_COUNT), parts);
    const tokensPerFill = partOf(config.integer("tokensPerFill", 1, 1, LARGEST_COUNT), parts);
    const interval = readPeriod(config.required("fillInterval"));
    const bucket = new TokenBucket(name, maxTokens, tokensPerFill, interval);
    checkLongest(config.get("maxTokens"), bucket.fullNs);
    quota.windows.push(bucket);
    quota.define(algorithm, maxTokens, tokensPerFill, interval);
    return;
  }
  const isLog = algorithm == Algorithm.SlidingLog;
  const all = config.required("limit").asInteger(0, isLog ? LONGEST_LOG : LARGEST_COUNT);
  const limit = partOf(all, parts);
  if (limit == 0) quota.isBan = true;
  let burst: i64 = limit;
  let period: i64 = 0;
  let window: Window;
  const months = algorithm == Algorithm.FixedWindow ? monthsOf(config) : 0;
  if (months > 0) {
    window = new CalendarWindow(name, limit, months);
    period = months;
  } else if (algorithm == Algorithm.Concurrency) {
    period = config.duration("longest", 3600 * SECOND, SECOND, 86_400 * SECOND);
    window = new Concurrency(name, limit, period);
  } else {
    period = readPeriod(config.required("per"));
    if (algorithm == Algorithm.Gcra) {
      burst = partOf(config.integer("burst", max(all, 1), 1, LARGEST_COUNT), parts);
      const gcra = new Gcra(name, max(limit, 1), period, burst);
      checkLongest(config.get("burst"), gcra.burstNs);
      window = gcra;
    } else if (isLog) window = new SlidingLog(name, limit, period);
    else if (algorithm == Algorithm.FixedWindow) window = new FixedWindow(name, limit, period);
    else window = new SlidingWindow(name, limit, period);
  }
  quota.windows.push(window);
  quota.define(algorithm, limit, burst, period);
}

/** One of so many equal parts, which together are no less than `count`. */
function partOf(count: i64, parts: i64): i64 {
  return (count + parts - 1) / parts;
}

/** How many months of the calendar a period is; 0 when it is another one. */
function monthsOf(config: ConfigReader): i64 {
  const per = config.get("per");
  if (!per.isPresent) return 0;
  const text = per.asString();
  return text == "month" ? 1 : text == "year" ? 12 : 0;
}

function checkLongest(config: ConfigReader, ns: u64): void {
  if (ns > LONGEST_NS) config.error("so much would take longer than 146 years to come back");
}

function windowName(config: ConfigReader, otherwise: string): string {
  const name = config.string("name", otherwise);
  checkName(config.get("name"), name);
  return name;
}

/** What a global limit says itself: nothing, or a limit that the service shall count by. */
export function readServiceQuota(config: ConfigReader): Quota {
  const quota = new Quota();
  if (!config.has("limit") && !config.has("per")) return quota;
  quota.perUnit = <u32>config.required("limit").asInteger(0, u32.MAX_VALUE);
  // In the order of the service's numbers for units, from 1 on.
  const units: StaticArray<string> = ["1s", "1m", "1h", "1d", "month", "year", "week"];
  quota.unit = config.required("per").asOneOf(units) + 1;
  return quota;
}
