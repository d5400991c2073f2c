import { SlidingWindow } from "./sliding-window";
import { NEVER } from "./window";

/**
 * So many requests at once: each gives back at its end what it took. What is never given back, since a worker failed or shared
 * data was too busy, counts until the second period after the one it began in: so long a request may take. State: as of a
 * sliding window, whose predecessor counts whole, and how far the key's time is ahead of the clock.
 */
@final
export class Concurrency extends SlidingWindow {
  constructor(name: string, limit: u64, longestNs: u64) {
    super(name, limit, longestNs, false, 32);
  }

  /** A request finds at its end what it took by the period it began in. So when the clock goes back, the key's time goes on. */
  override bringBack(state: usize, now: u64): bool {
    const lead = load<u64>(state, 24);
    const periods = load<u64>(state) - this.windowAt(now + lead);
    if (<i64>periods <= 1) return false;
    store<u64>(state, lead + periods * this.periodNs, 24);
    return true;
  }

  override charge(state: usize, now: u64, cost: u64, isOwed: bool): bool {
    const passes = super.charge(state, now + load<u64>(state, 24), cost, isOwed);
    this.waitNs = NEVER;
    return passes;
  }

  override idleAt(state: usize): u64 {
    return load<u64>(state, 8) + load<u64>(state, 16) == 0 ? 0 : super.idleAt(state);
  }

  protected override weigh(before: u64, elapsed: u64): u64 {
    return before;
  }
}
