import { NEVER, Window } from "./window";

/**
 * So many in each window, and windows begin at multiples of the period since the Unix epoch, as the rate limit service
 * and Kong count. At the boundary of two windows twice the limit can pass. State: number of the window, and its count.
 */
export class FixedWindow extends Window {
  constructor(name: string, limit: u64, periodNs: u64, stateSize: usize = 16, isTimed: bool = true) {
    super(name, limit, periodNs, stateSize, isTimed);
  }

  /** Number of the window that a time is in. */
  protected windowAt(time: u64): u64 {
    return time / this.periodNs;
  }

  /** When a window begins. */
  protected startOf(window: u64): u64 {
    return window * this.periodNs;
  }

  bringBack(state: usize, now: u64): bool {
    const window = this.windowAt(now);
    if (load<u64>(state) <= window + 1) return false;
    store<u64>(state, window);
    return true;
  }

  charge(state: usize, now: u64, cost: u64, isOwed: bool): bool {
    const window = currentWindow(load<u64>(state), this.windowAt(now));
    const used = load<u64>(state) >= window ? load<u64>(state, 8) : 0;
    const room = this.limit - min(used, this.limit);
    this.resetNs = this.startOf(window + 1) - now;
    if (cost > room && !isOwed) {
      this.remaining = room;
      this.waitNs = cost > this.limit ? NEVER : this.resetNs;
      return false;
    }
    this.remaining = room - min(cost, room);
    store<u64>(state, window);
    store<u64>(state, this.limit - this.remaining, 8);
    return true;
  }

  refund(state: usize, idle: u64, cost: u64): void {
    const used = load<u64>(state, 8);
    if (load<u64>(state) + 1 == this.windowAt(idle)) store<u64>(state, used - min(used, cost), 8);
  }

  idleAt(state: usize): u64 {
    return this.startOf(load<u64>(state) + 1);
  }
}

/**
 * The window that is current, or the one after it if the state is there already: clocks of workers differ a little, and
 * what was counted must not be forgotten at a boundary.
 */
export function currentWindow(stored: u64, window: u64): u64 {
  return stored == window + 1 ? stored : window;
}
