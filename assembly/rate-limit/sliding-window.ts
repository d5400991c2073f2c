import { currentWindow, FixedWindow } from "./fixed-window";
import { mulDiv, remainder } from "./mul-div";
import { NEVER } from "./window";

/**
 * A fixed window whose predecessor still counts by the share of it that a window ending now would cover, as if its
 * requests had come evenly. State: number of the window, its count, and the count of the one before.
 */
export class SlidingWindow extends FixedWindow {
  constructor(name: string, limit: u64, periodNs: u64, isTimed: bool = true, stateSize: usize = 24) {
    super(name, limit, periodNs, stateSize, isTimed);
  }

  override charge(state: usize, now: u64, cost: u64, isOwed: bool): bool {
    const stored = load<u64>(state);
    const window = currentWindow(stored, now / this.periodNs);
    let used = load<u64>(state, 8);
    let before = load<u64>(state, 16);
    if (stored < window) {
      before = stored + 1 == window ? used : 0;
      used = 0;
    }
    const start = window * this.periodNs;
    const elapsed = now > start ? now - start : 0;
    const taken = used + this.weigh(before, elapsed);
    const room = this.limit - min(taken, this.limit);
    const passes = cost <= room || isOwed;
    if (passes) {
      used = min(used + min(cost, this.limit), this.limit << 1);
      store<u64>(state, window);
      store<u64>(state, used, 8);
      store<u64>(state, before, 16);
      this.remaining = room - min(cost, room);
    } else {
      this.remaining = room;
      this.waitNs = cost > this.limit ? NEVER : start + this.waitFromStart(used, before, cost) - now;
    }
    this.resetNs = start + (used > 0 ? this.periodNs << 1 : before > 0 ? this.periodNs : 0);
    this.resetNs = this.resetNs > now ? this.resetNs - now : 0;
    return passes;
  }

  override refund(state: usize, idle: u64, cost: u64): void {
    const window = idle / this.periodNs - 2;
    const stored = load<u64>(state);
    if (stored != window && stored != window + 1) return;
    // The next window may have begun meanwhile.
    const place = state + (stored == window ? 8 : 16);
    const count = load<u64>(place);
    store<u64>(place, count - min(count, cost));
  }

  override idleAt(state: usize): u64 {
    return (load<u64>(state) + 2) * this.periodNs;
  }

  /** What the window before still counts, rounded up: `used + weighted + cost ≤ limit` is exact then. */
  protected weigh(before: u64, elapsed: u64): u64 {
    if (before == 0) return 0;
    const weighted = mulDiv(before, this.periodNs - elapsed, this.periodNs);
    return remainder == 0 ? weighted : weighted + 1;
  }

  /** When `cost` will pass, in nanoseconds since the window began. */
  private waitFromStart(used: u64, before: u64, cost: u64): u64 {
    if (used + cost <= this.limit) return this.periodNs - this.share(this.limit - used - cost, before);
    return (this.periodNs << 1) - this.share(this.limit - cost, used);
  }

  /** The longest part of a window in which `count`, spread over a whole one, is no more than `room`. */
  private share(room: u64, count: u64): u64 {
    return room >= count ? this.periodNs : mulDiv(room, this.periodNs, count);
  }
}
