import { ConfigReader, decimal } from "@attache/sdk";
import { Algorithm } from "./algorithm";
import { Limit } from "./limit";
import { LimitSurroundings } from "./limit-surroundings";
import { Window } from "./window";

/** What a key may use: some windows, all of which must allow a request; or nothing; or everything. */
@final
export class Quota {
  readonly windows: Window[] = [];
  /** The window that the last {@link charge} leaves least in, or that refuses longest. */
  closest: Window | null = null;
  /** Nothing passes. */
  isBan: bool = false;
  /** Everything passes, and nothing is counted. */
  isUnlimited: bool = false;
  /** Limits that are not looked at for a request that has this quota. */
  private readonly replaced: Limit[] = [];
  /** Algorithm and numbers: what states depend on. */
  definition: string = "";
  /** Of a global limit: so many in a unit of the service's, instead of what is configured there; unit 0: as it is there. */
  perUnit: u32 = 0;
  unit: i32 = 0;

  /** Reads which limits it replaces. They stand before this one, so no two can replace each other. */
  readReplaced(config: ConfigReader, surroundings: LimitSurroundings): void {
    const names = config.array("replaces");
    for (let index = 0; index < names.length; index++) {
      const name = names.at(index);
      const limit = surroundings.find(name.asString());
      if (limit !== null) this.replaced.push(limit);
      else if (name.isPresent) name.error("no limit before this one has this name");
    }
  }

  /** Takes the request from the limits that it replaces. */
  replace(): void {
    for (let index = 0; index < this.replaced.length; index++) unchecked(this.replaced[index]).leave();
  }

  /** Bytes that a record holds for all windows. */
  get stateSize(): usize {
    let size: usize = 0;
    for (let index = 0; index < this.windows.length; index++) size += unchecked(this.windows[index]).stateSize;
    return size;
  }

  /**
   * Takes `cost` from all windows of the record at `state`. If one of them refuses, the answer is `false`.
   *
   * @param isOwed whether it is taken anyway
   */
  charge(state: usize, now: u64, cost: u64, isOwed: bool): bool {
    const windows = this.windows;
    let passes = true;
    let closest = unchecked(windows[0]);
    for (let index = 0; index < windows.length; index++) {
      const window = unchecked(windows[index]);
      const windowPasses = window.charge(state, now, cost, isOwed);
      if (windowPasses) window.waitNs = 0;
      if (windowPasses != passes ? passes : passes ? hasLess(window, closest) : window.waitNs > closest.waitNs) {
        closest = window;
      }
      passes = passes && windowPasses;
      state += window.stateSize;
    }
    this.closest = closest;
    return passes;
  }

  /** Brings all windows of the record at `state` back to the present; `false` when none was too far in the future. */
  bringBack(state: usize, now: u64): bool {
    const windows = this.windows;
    let isChanged = false;
    for (let index = 0; index < windows.length; index++) {
      const window = unchecked(windows[index]);
      if (window.bringBack(state, now)) isChanged = true;
      state += window.stateSize;
    }
    return isChanged;
  }

  /**
   * Gives back what was charged, to the windows in which that has not run out.
   *
   * @param idle of each window, {@link readIdle} as it was right after that charge
   */
  refund(state: usize, now: u64, idle: StaticArray<u64>, cost: u64): void {
    const windows = this.windows;
    for (let index = 0; index < windows.length; index++) {
      const window = unchecked(windows[index]);
      if (now <= unchecked(idle[index])) window.refund(state, unchecked(idle[index]), cost);
      state += window.stateSize;
    }
  }

  /** When each window of the record at `state` is as good as new; the answer is the last of these times. */
  readIdle(state: usize, idle: StaticArray<u64> | null): u64 {
    const windows = this.windows;
    let last: u64 = 0;
    for (let index = 0; index < windows.length; index++) {
      const window = unchecked(windows[index]);
      const idleAt = window.idleAt(state);
      if (idle !== null) unchecked((idle[index] = idleAt));
      last = max(last, idleAt);
      state += window.stateSize;
    }
    return last;
  }

  define(algorithm: Algorithm, limit: i64, burst: i64, periodNs: i64): void {
    this.definition += "," + decimal(algorithm) + " " + decimal(limit) + " " + decimal(burst) + " " + decimal(periodNs); // prettier-ignore
  }
}

/** Whether a client should rather know about `window`: less is left in it, or as much for longer. */
export function hasLess(window: Window, other: Window): bool {
  if (window.remaining != other.remaining) return window.remaining < other.remaining;
  return window.periodNs > other.periodNs;
}
