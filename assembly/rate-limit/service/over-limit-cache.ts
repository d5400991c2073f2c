import { Quota } from "../quota";

const PLACES: i32 = 512;

/** Keys that the service says are used up, until it counts anew: they are not asked about. */
@final
export class OverLimitCache {
  private readonly hashes: StaticArray<u64> = new StaticArray<u64>(PLACES);
  private readonly ends: StaticArray<u64> = new StaticArray<u64>(PLACES);
  private readonly quotas: StaticArray<Quota | null> = new StaticArray<Quota | null>(PLACES);

  /** What the service said of the key; `null` when it is to be asked. */
  find(hash: u64, now: u64): Quota | null {
    const place = (<i32>hash) & (PLACES - 1);
    const end = unchecked(this.ends[place]);
    if (unchecked(this.hashes[place]) != hash || end <= now) return null;
    const quota = unchecked(this.quotas[place]);
    if (quota === null) return null;
    const window = unchecked(quota.windows[0]);
    // The clock has gone back.
    if (end - now > window.periodNs) return null;
    window.resetNs = end - now;
    window.waitNs = end - now;
    return quota;
  }

  add(hash: u64, end: u64, quota: Quota): void {
    const place = (<i32>hash) & (PLACES - 1);
    unchecked((this.hashes[place] = hash));
    unchecked((this.ends[place] = end));
    unchecked((this.quotas[place] = quota));
  }
}
