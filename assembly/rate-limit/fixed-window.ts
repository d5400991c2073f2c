import { NEVER, Window } from "./window";

/**
 * So many in each window, and windows begin at multiples of the period since the Unix epoch, as the rate limit service
 * and Kong count. At the boundary of two windows twice the limit can pass. State: number of the window, and its count.
 */
@final
export class FixedWindow extends Window {
  bringBack(state: usize, now: u64): bool {
    const window = now / this.periodNs;
    if (load<u64>(state) <= window + 1) return false;
    store<u64>(state, window);
    return true;
  }

  charge(state: usize, now: u64, cost: u64): bool {
    const window = currentWindow(load<u64>(state), now, this.periodNs);
    const used = load<u64>(state) >= window ? load<u64>(state, 8) : 0;
    const room = this.limit - min(used, this.limit);
    this.resetNs = (window + 1) * this.periodNs - now;
    if (cost > room) {
      this.remaining = room;
      this.waitNs = cost > this.limit ? NEVER : this.resetNs;
      return false;
    }
    store<u64>(state, window);
    store<u64>(state, used + cost, 8);
    this.remaining = room - cost;
    return true;
  }

  refund(state: usize, chargedAt: u64, cost: u64): void {
    const used = load<u64>(state, 8);
    if (load<u64>(state) == chargedAt / this.periodNs) store<u64>(state, used - min(used, cost), 8);
  }

  idleAt(state: usize): u64 {
    return (load<u64>(state) + 1) * this.periodNs;
  }
}

/**
 * The window that `now` is in, or the one after it if the state is there already: clocks of workers differ a little, and
 * what was counted must not be forgotten at a boundary.
 */
export function currentWindow(stored: u64, now: u64, periodNs: u64): u64 {
  const window = now / periodNs;
  return stored == window + 1 ? stored : window;
}
