import { ConfigReader } from "@attache/sdk";
import { decimal } from "./decimal";
import { HeaderFields } from "./header-fields";
import { Limit } from "./limit";
import { hasLess } from "./quota";
import { unitSeconds } from "./service/unit";
import { Verdict } from "./verdict";
import { NEVER, Window } from "./window";

const SECOND: u64 = 1_000_000_000;

/** Which header fields tell clients about their quotas. */
@final
export class QuotaHeaders {
  /** Whether allowed requests are told too. */
  readonly areOnAllowed: bool;
  private readonly hasDraft03: bool;
  private readonly hasDraft11: bool;
  private readonly hasKong: bool;

  constructor(config: ConfigReader) {
    const names: StaticArray<string> = ["none", "draft03", "ietf", "kong", "all"];
    const set = config.oneOf("headers", names, 2);
    this.hasDraft03 = set == 1 || set == 4;
    this.hasDraft11 = set == 2 || set == 4;
    this.hasKong = set == 3 || set == 4;
    this.areOnAllowed = config.bool("headersOnAllowed", false) && set != 0;
  }

  /**
   * The headers of one response.
   *
   * @param limits with what they decided; those that only watch are not told
   * @param rejecting the limit that rejects the request; `null` when it is allowed
   */
  report(limits: Limit[], rejecting: Limit | null): HeaderFields {
    const report = new HeaderFields();
    let closest: Window | null = rejecting === null ? null : rejecting.quota.closest;
    if (rejecting !== null && closest === null) return report;
    let draft03Policies = "";
    let policies = "";
    for (let index = 0; index < limits.length; index++) {
      const limit = unchecked(limits[index]);
      const window = limit.quota.closest;
      if (limit.verdict == Verdict.NotConcerned || limit.isShadow || window === null) continue;
      if (closest === null || (rejecting === null && hasLess(window, closest))) closest = window;
      const windows = limit.quota.windows;
      for (let at = 0; at < windows.length; at++) {
        draft03Policies += ", " + windows[at].draft03Policy;
        policies += (policies.length > 0 ? ", " : "") + windows[at].policy;
        if (this.hasKong) addKong(report, windows[at]);
      }
    }
    if (closest === null) return report;
    const wait = rejecting === null ? closest.resetNs : rejecting.waitNs;
    // The same point in time as Retry-After.
    const seconds = rejecting === null ? secondsUp(wait) : wait == NEVER ? secondsUp(closest.periodNs) : max<u64>(secondsUp(wait), 1); // prettier-ignore
    const reset = decimal(seconds);
    if (rejecting !== null && wait != NEVER) report.add("retry-after", reset);
    const limit = decimal(closest.limit);
    const remaining = decimal(closest.remaining);
    if (this.hasDraft11) {
      report.add("ratelimit-policy", policies);
      const left = decimal(min<u64>(closest.remaining, 999_999_999_999_999));
      report.add("ratelimit", '"' + closest.name + '";r=' + left + (closest.isTimed ? ";t=" + reset : ""));
    }
    if (this.hasDraft03)
      addPlain(report, "x-ratelimit-", limit + draft03Policies, remaining, closest.isTimed ? reset : "");
    if (this.hasKong) addPlain(report, "ratelimit-", limit, remaining, closest.isTimed ? reset : "");
    return report;
  }
}

/** @param reset `""` when nobody knows */
function addPlain(report: HeaderFields, prefix: string, limit: string, remaining: string, reset: string): void {
  report.add(prefix + "limit", limit);
  report.add(prefix + "remaining", remaining);
  if (reset.length > 0) report.add(prefix + "reset", reset);
}

/** Kong's fields for one window, if its period has a name. */
function addKong(report: HeaderFields, window: Window): void {
  const seconds = window.isTimed && window.periodNs % SECOND == 0 ? window.periodNs / SECOND : 0;
  const names: StaticArray<string> = ["second", "minute", "hour", "day", "month", "year"];
  const unit = unitSeconds().indexOf(<u32>min<u64>(seconds, u32.MAX_VALUE));
  if (<u32>unit >= <u32>names.length) return;
  const period = names[unit];
  report.add("x-ratelimit-limit-" + period, decimal(window.limit));
  report.add("x-ratelimit-remaining-" + period, decimal(window.remaining));
}

function secondsUp(ns: u64): u64 {
  return ns / SECOND + (ns % SECOND == 0 ? 0 : 1);
}
