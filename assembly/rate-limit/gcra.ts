import { mulDiv, remainder } from "./mul-div";
import { NEVER, Window } from "./window";

/**
 * The generic cell rate algorithm (ITU-T I.371): a continuous flow of `limit` per period that lets `burst` pass at once
 * from idle. State: the theoretical arrival time of the next request, as nanoseconds and a fraction, so that no rounding
 * adds up.
 */
@final
export class Gcra extends Window {
  /** Nanoseconds between requests are period / rate, both divided by what they have in common. */
  private readonly rate: u64;
  private readonly period: u64;
  /** The time a full burst stands for, and its fraction in 1/rate. */
  readonly burstNs: u64;
  private readonly burstFraction: u64;

  constructor(
    name: string,
    limit: u64,
    periodNs: u64,
    private readonly burst: u64,
  ) {
    super(name, limit, periodNs, 16);
    const common = greatestCommonDivisor(periodNs, limit);
    this.rate = limit / common;
    this.period = periodNs / common;
    this.burstNs = mulDiv(burst, this.period, this.rate);
    this.burstFraction = remainder;
  }

  bringBack(state: usize, now: u64): bool {
    const arrival = load<u64>(state);
    if (arrival <= now || arrival - now <= this.burstNs << 1) return false;
    store<u64>(state, now + this.burstNs);
    store<u64>(state, this.burstFraction, 8);
    return true;
  }

  charge(state: usize, now: u64, cost: u64, isOwed: bool): bool {
    let arrival = load<u64>(state);
    let fraction = load<u64>(state, 8);
    if (arrival < now) {
      arrival = now;
      fraction = 0;
    }
    if (cost > this.burst && !isOwed) return this.refuse(arrival, fraction, now, NEVER);
    let next = arrival + mulDiv(min(cost, this.burst), this.period, this.rate);
    let nextFraction = fraction + remainder;
    if (nextFraction >= this.rate) {
      nextFraction -= this.rate;
      next += 1;
    }
    const debt = next - now;
    if (isOwed) next = now + min(debt, this.burstNs << 1);
    else if (debt > this.burstNs || (debt == this.burstNs && nextFraction > this.burstFraction)) {
      const wait = debt - this.burstNs + (nextFraction > this.burstFraction ? 1 : 0);
      return this.refuse(arrival, fraction, now, wait);
    }
    store<u64>(state, next);
    store<u64>(state, nextFraction, 8);
    this.measure(next, nextFraction, now);
    return true;
  }

  refund(state: usize, idle: u64, cost: u64): void {
    let arrival = load<u64>(state) - mulDiv(cost, this.period, this.rate);
    let fraction = load<u64>(state, 8);
    if (fraction < remainder) {
      fraction += this.rate;
      arrival -= 1;
    }
    store<u64>(state, arrival);
    store<u64>(state, fraction - remainder, 8);
  }

  idleAt(state: usize): u64 {
    return load<u64>(state) + (load<u64>(state, 8) == 0 ? 0 : 1);
  }

  private refuse(arrival: u64, fraction: u64, now: u64, wait: u64): bool {
    this.measure(arrival, fraction, now);
    this.waitNs = wait;
    return false;
  }

  private measure(arrival: u64, fraction: u64, now: u64): void {
    const debt = arrival - now;
    this.resetNs = debt + (fraction == 0 ? 0 : 1);
    this.remaining = 0;
    if (debt > this.burstNs || (debt == this.burstNs && fraction >= this.burstFraction)) return;
    let left = this.burstNs - debt;
    let leftFraction = this.burstFraction;
    if (leftFraction < fraction) {
      leftFraction += this.rate;
      left -= 1;
    }
    this.remaining = mulDiv(left, this.rate, this.period, leftFraction - fraction);
  }
}

function greatestCommonDivisor(a: u64, b: u64): u64 {
  while (b != 0) {
    const rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}
