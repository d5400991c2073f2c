import { divideUp, mulDiv } from "./mul-div";
import { NEVER, Window } from "./window";

/**
 * Envoy's `TokenBucket`: `maxTokens` at first, and `tokensPerFill` more at the end of each fill interval. The intervals
 * of a key begin with the first request that finds its bucket full. State: tokens missing, and when the last interval
 * began.
 */
@final
export class TokenBucket extends Window {
  constructor(
    name: string,
    private readonly maxTokens: u64,
    tokensPerFill: u64,
    fillIntervalNs: u64,
  ) {
    super(name, tokensPerFill, fillIntervalNs, 16);
  }

  /** In how long an empty bucket is full. */
  get fullNs(): u64 {
    return mulDiv(divideUp(this.maxTokens, this.limit), this.periodNs, 1);
  }

  bringBack(state: usize, now: u64): bool {
    const filledAt = load<u64>(state, 8);
    if (filledAt <= now || filledAt - now <= this.periodNs) return false;
    store<u64>(state, now, 8);
    return true;
  }

  charge(state: usize, now: u64, cost: u64, isOwed: bool): bool {
    // More than that is from before an update that has made the bucket smaller.
    let missing = min(load<u64>(state), this.maxTokens << 1);
    let filledAt = load<u64>(state, 8);
    if (filledAt <= now) {
      const fills = (now - filledAt) / this.periodNs;
      if (missing == 0 || fills >= divideUp(missing, this.limit)) {
        missing = 0;
        filledAt = now;
      } else {
        missing -= fills * this.limit;
        filledAt += fills * this.periodNs;
      }
    }
    const room = this.maxTokens - min(missing, this.maxTokens);
    const passes = cost <= room || isOwed;
    if (passes) {
      missing = min(missing + min(cost, this.maxTokens), this.maxTokens << 1);
      store<u64>(state, missing);
      store<u64>(state, filledAt, 8);
    } else {
      this.waitNs = cost > this.maxTokens ? NEVER : this.timeOf(missing + cost - this.maxTokens, filledAt) - now;
    }
    this.remaining = passes ? room - min(cost, room) : room;
    this.resetNs = missing == 0 ? 0 : this.timeOf(missing, filledAt) - now;
    return passes;
  }

  refund(state: usize, idle: u64, cost: u64): void {
    const missing = load<u64>(state);
    store<u64>(state, missing - min(missing, cost));
  }

  idleAt(state: usize): u64 {
    return this.timeOf(load<u64>(state), load<u64>(state, 8));
  }

  /** When so many tokens will have come since `filledAt`. */
  private timeOf(tokens: u64, filledAt: u64): u64 {
    return filledAt + divideUp(tokens, this.limit) * this.periodNs;
  }
}
