import { ConfigReader, decimal } from "@attache/sdk";
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
  private readonly hasPartitions: bool;
  private readonly hasEnvoys: bool;

  constructor(config: ConfigReader) {
    const names: StaticArray<string> = ["none", "draft03", "ietf", "kong", "all"];
    const set = config.oneOf("headers", names, 2);
    this.hasDraft03 = set == 1 || set == 4;
    this.hasDraft11 = set == 2 || set == 4;
    this.hasKong = set == 3 || set == 4;
    this.hasEnvoys = !config.bool("disableXEnvoyRatelimitedHeader", false);
    this.hasPartitions = config.bool("partitionKeys", false);
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
    if (this.hasEnvoys && rejecting !== null && rejecting.isOverGlobal) report.add("x-envoy-ratelimited", "true");
    let closest: Window | null = rejecting === null ? null : rejecting.quota.closest;
    if (rejecting !== null && closest === null) return report;
    let draft03Policies = "";
    let policies = "";
    let partition = rejecting === null ? "" : this.partitionOf(rejecting);
    for (let index = 0; index < limits.length; index++) {
      const limit = unchecked(limits[index]);
      const window = limit.quota.closest;
      if (limit.verdict == Verdict.NotConcerned || limit.isShadow || window === null) continue;
      const ownPartition = this.partitionOf(limit);
      if (closest === null || (rejecting === null && hasLess(window, closest))) {
        closest = window;
        partition = ownPartition;
      }
      const windows = limit.quota.windows;
      for (let at = 0; at < windows.length; at++) {
        draft03Policies += ", " + windows[at].draft03Policy;
        policies += (policies.length > 0 ? ", " : "") + windows[at].policy + ownPartition;
        // What a window let pass is not taken when the request is rejected.
        const untaken = rejecting !== null && !limit.isGlobal && windows[at].waitNs == 0 ? limit.takes : 0;
        if (this.hasKong) addKong(report, windows[at], windows[at].remaining + untaken);
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
      report.add("ratelimit", '"' + closest.name + '";r=' + left + (closest.isTimed ? ";t=" + reset : "") + partition);
    }
    const knownReset = closest.isTimed ? reset : "";
    if (this.hasDraft03) addPlain(report, "x-ratelimit-", limit + draft03Policies, remaining, knownReset);
    if (this.hasKong) addPlain(report, "ratelimit-", limit, remaining, knownReset);
    return report;
  }

  /** The parameter of draft 11 that tells for whom a limit counts the request. */
  private partitionOf(limit: Limit): string {
    const partition = this.hasPartitions ? limit.partition : "";
    return partition.length > 0 ? ";pk=:" + partition + ":" : "";
  }
}

/** @param reset `""` when nobody knows */
function addPlain(report: HeaderFields, prefix: string, limit: string, remaining: string, reset: string): void {
  report.add(prefix + "limit", limit);
  report.add(prefix + "remaining", remaining);
  if (reset.length > 0) report.add(prefix + "reset", reset);
}

/** Kong's fields for one window, if its period has a name. */
function addKong(report: HeaderFields, window: Window, remaining: u64): void {
  const names: StaticArray<string> = ["second", "minute", "hour", "day", "month", "year"];
  const seconds = unitSeconds();
  for (let unit = 0; unit < names.length; unit++) {
    if (!window.isTimed || window.periodNs != seconds[unit] * SECOND) continue;
    report.add("x-ratelimit-limit-" + names[unit], decimal(window.limit));
    report.add("x-ratelimit-remaining-" + names[unit], decimal(remaining));
  }
}

function secondsUp(ns: u64): u64 {
  return ns / SECOND + (ns % SECOND == 0 ? 0 : 1);
}
