import { NEVER, Window } from "./window";

/** Most requests that a log holds. */
export const LONGEST_LOG: i64 = 64;

/** Exactly so many in any period, wherever it begins. State: when the last requests passed, eight bytes each, oldest first. */
@final
export class SlidingLog extends Window {
  constructor(name: string, limit: u64, periodNs: u64) {
    super(name, limit, periodNs, (<usize>max(limit, 1)) << 3);
  }

  bringBack(state: usize, now: u64): bool {
    if (this.newest(state) <= now + this.periodNs) return false;
    for (let at: usize = 0; at < this.stateSize; at += 8) store<u64>(state + at, min(load<u64>(state + at), now));
    return true;
  }

  charge(state: usize, now: u64, cost: u64, isOwed: bool): bool {
    let room: u64 = 0;
    while (room < this.limit && load<u64>(state + ((<usize>room) << 3)) + this.periodNs <= now) room += 1;
    const passes = cost <= room || isOwed;
    if (passes) {
      const taken = (<usize>min(cost, this.limit)) << 3;
      // The log stays in order when the clock goes back a little.
      const time = max(now, this.newest(state));
      memory.copy(state, state + taken, this.stateSize - taken);
      for (let at = this.stateSize - taken; at < this.stateSize; at += 8) store<u64>(state + at, time);
      room -= min(cost, room);
    } else {
      this.waitNs = cost > this.limit ? NEVER : load<u64>(state + ((<usize>(cost - 1)) << 3)) + this.periodNs - now;
    }
    this.remaining = room;
    const idle = this.idleAt(state);
    this.resetNs = idle > now ? idle - now : 0;
    return passes;
  }

  refund(state: usize, idle: u64, cost: u64): void {
    const time = idle - this.periodNs;
    for (let at: usize = 0; at < this.stateSize && cost > 0; at += 8) {
      if (load<u64>(state + at) != time) continue;
      memory.copy(state + 8, state, at);
      store<u64>(state, 0);
      cost -= 1;
    }
  }

  idleAt(state: usize): u64 {
    return this.newest(state) + this.periodNs;
  }

  private newest(state: usize): u64 {
    return load<u64>(state + this.stateSize - 8);
  }
}
