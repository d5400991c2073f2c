import { Counter } from "@attache/sdk";

/** What became of the requests that a limit concerned. */
@final
export class LimitMetrics {
  readonly ok: Counter;
  readonly overLimit: Counter;
  /** Over the limit, but not rejected for it. */
  readonly shadowOverLimit: Counter;
  /** Not counted: see `failureMode`. */
  readonly error: Counter;
  readonly failureModeAllowed: Counter;
  /** Changes tried again, since another worker came first. */
  readonly casRetry: Counter;
  /** Keys that lost what they had used, since the table had no room. */
  readonly evicted: Counter;

  constructor(limit: string) {
    const prefix = "rate_limit." + limit + ".";
    this.ok = new Counter(prefix + "ok");
    this.overLimit = new Counter(prefix + "over_limit");
    this.shadowOverLimit = new Counter(prefix + "shadow_over_limit");
    this.error = new Counter(prefix + "error");
    this.failureModeAllowed = new Counter(prefix + "failure_mode_allowed");
    this.casRetry = new Counter(prefix + "cas_retry");
    this.evicted = new Counter(prefix + "evicted");
  }
}
