import { ConfigReader } from "@attache/sdk";
import { decimal } from "./decimal";
import { FixedWindow } from "./fixed-window";
import { Gcra } from "./gcra";
import { readPeriod } from "./period";
import { SlidingWindow } from "./sliding-window";
import { TokenBucket } from "./token-bucket";
import { STATE_SIZE, Window } from "./window";

/** Largest limit, burst and cost: what JSON numbers hold exactly. */
// @ts-ignore: decorator
@inline
export const LARGEST_COUNT: i64 = 1 << 53;

// @ts-ignore: decorator
@lazy
const TOO_LONG = "so much would take longer than 146 years to come back";
const SHORTEST_PERIOD: i64 = 1_000_000;
/** 366 days. */
const LONGEST_PERIOD: i64 = 31_622_400_000_000_000;

export const enum Algorithm {
  Gcra,
  TokenBucket,
  FixedWindow,
  SlidingWindow,
}

/** What a key may use: some windows, all of which must allow a request; or nothing; or everything. */
@final
export class Quota {
  readonly windows: Window[] = [];
  /** The window that the last {@link charge} leaves least in, or that refuses longest. */
  closest: Window | null = null;
  /** Nothing passes. */
  isBan: bool = false;
  /** Everything passes, and nothing is counted. */
  isUnlimited: bool = false;
  /** Algorithm and numbers: what states depend on. */
  definition: string = "";
  /** Of a global limit: so many in a unit of the service's, instead of what is configured there; unit 0: as it is there. */
  perUnit: u32 = 0;
  unit: i32 = 0;

  /** Takes `cost` from all windows of the record at `states`. If one of them refuses, the answer is `false`. */
  charge(states: usize, now: u64, cost: u64): bool {
    const windows = this.windows;
    let passes = true;
    let closest = unchecked(windows[0]);
    for (let index = 0; index < windows.length; index++) {
      const window = unchecked(windows[index]);
      const windowPasses = window.charge(states + <usize>index * STATE_SIZE, now, cost);
      if (windowPasses != passes ? passes : passes ? hasLess(window, closest) : window.waitNs > closest.waitNs) {
        closest = window;
      }
      passes = passes && windowPasses;
    }
    this.closest = closest;
    return passes;
  }

  /** Brings all windows of the record at `states` back to the present; `false` when none was too far in the future. */
  bringBack(states: usize, now: u64): bool {
    const windows = this.windows;
    let isChanged = false;
    for (let index = 0; index < windows.length; index++) {
      if (unchecked(windows[index]).bringBack(states + <usize>index * STATE_SIZE, now)) isChanged = true;
    }
    return isChanged;
  }

  /**
   * Gives back what was charged at `chargedAt`, to the windows in which that has not run out.
   *
   * @param idle when it will have, for each window
   */
  refund(states: usize, now: u64, chargedAt: u64, idle: StaticArray<u64>, cost: u64): void {
    const windows = this.windows;
    for (let index = 0; index < windows.length; index++) {
      if (now > unchecked(idle[index])) continue;
      unchecked(windows[index]).refund(states + <usize>index * STATE_SIZE, chargedAt, cost);
    }
  }

  /** When all windows of the record at `states` are as good as new. */
  idleAt(states: usize): u64 {
    const windows = this.windows;
    let idleAt: u64 = 0;
    for (let index = 0; index < windows.length; index++) {
      idleAt = max(idleAt, unchecked(windows[index]).idleAt(states + <usize>index * STATE_SIZE));
    }
    return idleAt;
  }

  define(algorithm: Algorithm, limit: i64, burst: i64, periodNs: i64): void {
    this.definition += "," + decimal(algorithm) + " " + decimal(limit) + " " + decimal(burst) + " " + decimal(periodNs); // prettier-ignore
  }
}

/** Whether a client should rather know about `window`: less is left in it, or as much for longer. */
export function hasLess(window: Window, other: Window): bool {
  if (window.remaining != other.remaining) return window.remaining < other.remaining;
  return window.periodNs > other.periodNs;
}

export function readAlgorithm(config: ConfigReader): Algorithm {
  const names: StaticArray<string> = [
    "gcra",
    "tokenBucket",
    "fixedWindow",
    "slidingWindow",
    "slidingLog",
    "concurrency",
  ];
  const algorithm = config.oneOf("algorithm", names, Algorithm.Gcra);
  if (algorithm <= Algorithm.SlidingWindow) return algorithm;
  config.get("algorithm").error(names[algorithm] + " is not supported yet"); // prettier-ignore
  return Algorithm.Gcra;
}

/** The windows that stand in `config` itself, or in its `windows`. */
export function readQuota(config: ConfigReader, algorithm: Algorithm, name: string): Quota {
  const quota = new Quota();
  const isBucket = algorithm == Algorithm.TokenBucket;
  const own = config.has(isBucket ? "maxTokens" : "limit") || config.has(isBucket ? "fillInterval" : "per");
  const windows = config.array("windows");
  if (config.has("windows")) {
    if (own) config.error("give either windows or a limit of its own");
    if (windows.length == 0) windows.error("at least one window must be given");
    for (let index = 0; index < windows.length; index++) {
      const window = windows.at(index).asObject();
      readWindow(window, algorithm, windowName(window, windows.length > 1 ? name + "-" + decimal(index + 1) : name), quota); // prettier-ignore
    }
  } else {
    readWindow(config, algorithm, name, quota);
  }
  return quota;
}

function readWindow(config: ConfigReader, algorithm: Algorithm, name: string, quota: Quota): void {
  if (algorithm == Algorithm.TokenBucket) {
    const maxTokens = config.required("maxTokens").asInteger(0, LARGEST_COUNT);
    const tokensPerFill = config.integer("tokensPerFill", 1, 1, LARGEST_COUNT);
    const interval = readPeriod(config.required("fillInterval"), SHORTEST_PERIOD, LONGEST_PERIOD);
    const bucket = new TokenBucket(name, maxTokens, tokensPerFill, interval);
    if (!bucket.isCountable) config.get("maxTokens").error(TOO_LONG);
    quota.windows.push(bucket);
    quota.define(algorithm, maxTokens, tokensPerFill, interval);
    return;
  }
  const limit = config.required("limit").asInteger(0, LARGEST_COUNT);
  const period = readPeriod(config.required("per"), SHORTEST_PERIOD, LONGEST_PERIOD);
  if (limit == 0) quota.isBan = true;
  quota.define(algorithm, limit, config.integer("burst", limit), period);
  if (algorithm == Algorithm.Gcra) {
    const burst = config.integer("burst", max(limit, 1), 1, LARGEST_COUNT);
    const window = new Gcra(name, max(limit, 1), period, burst);
    if (!window.isCountable) config.get("burst").error(TOO_LONG);
    quota.windows.push(window);
    return;
  }
  if (config.has("burst")) config.get("burst").error("only the algorithm gcra has a burst");
  if (algorithm == Algorithm.FixedWindow) quota.windows.push(new FixedWindow(name, limit, period));
  else quota.windows.push(new SlidingWindow(name, limit, period));
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

/** `name` if it may stand in headers, else the other one. */
export function checkedName(name: string, otherwise: string): string {
  return isName(name) ? name : otherwise;
}

/** Names stand in headers and metrics, between double quotes there. */
export function checkName(config: ConfigReader, name: string): void {
  if (!isName(name)) config.error("must be 1 to 100 ASCII characters, no quotes or backslashes");
}

function isName(name: string): bool {
  let isValid = name.length > 0 && name.length <= 100;
  for (let index = 0; index < name.length; index++) {
    const unit = name.charCodeAt(index);
    if (unit < 0x20 || unit > 0x7e || unit == 0x22 || unit == 0x5c) isValid = false;
  }
  return isValid;
}
