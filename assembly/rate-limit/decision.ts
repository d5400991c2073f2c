import { Text } from "@attache/sdk";
import { Limit } from "./limit";
import { Quota } from "./quota";
import { Verdict } from "./verdict";
import { Window } from "./window";

/** What a limit has decided about one request, kept while the request waits or runs. */
@final
export class Decision {
  /** When its windows were idle with what it charged: see `Quota.refund`. */
  readonly idle: StaticArray<u64>;
  /** Of the key, when the service has still to be told what the request takes. */
  unreported: StaticArray<Text | null> | null = null;
  private readonly closest: Window | null;
  /** What clients are told, for each window: what is left, when all of it is, and how long to wait. */
  private readonly told: StaticArray<u64>;

  /**
   * @param next decision about the same request
   * @param charged what the request has taken
   */
  constructor(
    readonly limit: Limit,
    readonly next: Decision | null,
    readonly verdict: Verdict,
    readonly quota: Quota,
    readonly hash: u64,
    readonly charged: u64,
    readonly isEnforced: bool,
    readonly deniesFailure: bool,
  ) {
    const windows = quota.windows;
    this.closest = quota.closest;
    this.idle = new StaticArray<u64>(windows.length);
    this.told = new StaticArray<u64>(windows.length * 3);
    for (let index = 0; index < windows.length; index++) {
      const window = unchecked(windows[index]);
      unchecked((this.idle[index] = u64.MAX_VALUE));
      unchecked((this.told[index * 3] = window.remaining));
      unchecked((this.told[index * 3 + 1] = window.resetNs));
      unchecked((this.told[index * 3 + 2] = window.waitNs));
    }
  }

  /** Whether the request has taken something. */
  get hasTaken(): bool {
    return this.verdict == Verdict.Allowed && this.charged > 0;
  }

  /** Makes its limit, and what clients are told, as they were when it was made. */
  recall(): void {
    this.limit.recall(this);
    const windows = this.quota.windows;
    this.quota.closest = this.closest;
    for (let index = 0; index < windows.length; index++) {
      const window = unchecked(windows[index]);
      window.remaining = unchecked(this.told[index * 3]);
      window.resetNs = unchecked(this.told[index * 3 + 1]);
      window.waitNs = unchecked(this.told[index * 3 + 2]);
    }
  }
}
