import { Quota } from "../quota";
import { Window } from "../window";

const SECOND: u64 = 1_000_000_000;

/** A limit as the service tells it: only to be told to clients. */
@final
export class ReportedWindow extends Window {
  constructor(name: string, limit: u64, periodNs: u64) {
    super(name, limit, periodNs, 0);
  }

  bringBack(state: usize, now: u64): bool {
    return false;
  }

  charge(state: usize, now: u64, cost: u64, isOwed: bool): bool {
    return false;
  }

  refund(state: usize, idle: u64, cost: u64): void {}

  idleAt(state: usize): u64 {
    return 0;
  }

  /** A quota that has only this window. */
  asQuota(): Quota {
    const quota = new Quota();
    quota.windows.push(this);
    quota.closest = this;
    return quota;
  }
}

/** Nanoseconds of the service's units, which count months of 30 days and years of 365. */
export function unitNs(unit: i32): u64 {
  if (unit == 1) return SECOND;
  if (unit == 2) return 60 * SECOND;
  if (unit == 3) return 3_600 * SECOND;
  if (unit == 5) return 2_592_000 * SECOND;
  if (unit == 6) return 31_536_000 * SECOND;
  return (unit == 7 ? 604_800 : 86_400) * SECOND;
}
