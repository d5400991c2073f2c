import { ByteView } from "../memory/byte-view";
import { CidrBlock } from "./cidr-block";
import { IpAddress } from "./ip-address";

/**
 * A set of addresses given by any number of addresses and blocks: {@link CidrBlock} says which.
 *
 * ```ts
 * const trusted = new CidrSet();
 * if (!trusted.add(text)) config.error("not an address or CIDR block");
 * const peer = IpAddress.parsePeer(address);
 * if (peer !== null && trusted.contains(peer)) …
 * ```
 *
 * Cost: {@link contains} is a binary search, without garbage; the first after an {@link add} sorts the ranges.
 */
@final
export class CidrSet {
  private ipv4: RangeList = new RangeList();
  private ipv6: RangeList = new RangeList();

  /** Adds what {@link CidrBlock.parse} reads; `false`, with nothing added, for anything else. */
  add(text: ByteView): bool {
    const block = CidrBlock.parse(text);
    if (block === null) return false;
    const ranges = block.isIpv4 ? this.ipv4 : this.ipv6;
    ranges.add(block.high, block.low, block.high | ~block.highMask, block.low | ~block.lowMask);
    return true;
  }

  /** Whether the set has this address. */
  contains(address: IpAddress): bool {
    return (address.isIpv4 ? this.ipv4 : this.ipv6).contains(address.high, address.low);
  }

  /** Whether nothing was added. */
  get isEmpty(): bool {
    return this.ipv4.count + this.ipv6.count == 0;
  }
}

/** Ranges of 128-bit numbers: first and last as two words each. */
@final
class RangeList {
  count: i32 = 0;
  private ranges: StaticArray<u64> = new StaticArray<u64>(4);
  private isSorted: bool = true;

  add(firstHigh: u64, firstLow: u64, lastHigh: u64, lastLow: u64): void {
    if (this.count << 2 == this.ranges.length) {
      const larger = new StaticArray<u64>(this.ranges.length << 1);
      memory.copy(changetype<usize>(larger), changetype<usize>(this.ranges), (<usize>this.ranges.length) << 3);
      this.ranges = larger;
    }
    const range = this.at(this.count++);
    store<u64>(range, firstHigh);
    store<u64>(range, firstLow, 8);
    store<u64>(range, lastHigh, 16);
    store<u64>(range, lastLow, 24);
    this.isSorted = false;
  }

  contains(high: u64, low: u64): bool {
    if (!this.isSorted) this.sort();
    let from = 0;
    let to = this.count;
    while (from < to) {
      const middle = (from + to) >> 1;
      const range = this.at(middle);
      if (isLess(high, low, load<u64>(range), load<u64>(range, 8))) to = middle;
      else from = middle + 1;
    }
    if (from == 0) return false;
    // The last range that starts at or before the number.
    const range = this.at(from - 1);
    return !isLess(load<u64>(range, 16), load<u64>(range, 24), high, low);
  }

  /** Sorts by first number (Shell's sort: small, and never slow) and joins ranges that overlap. */
  private sort(): void {
    this.isSorted = true;
    let step = 1;
    while (step < this.count) step = step * 3 + 1;
    for (; step != 0; step /= 3) {
      for (let index = step; index < this.count; index++) this.sink(index, step);
    }
    let kept = 0;
    for (let index = 1; index < this.count; index++) {
      const last = this.at(kept);
      const range = this.at(index);
      if (isBefore(last + 16, range)) {
        memory.copy(this.at(++kept), range, RANGE_SIZE);
      } else if (isBefore(last + 16, range + 16)) {
        memory.copy(last + 16, range + 16, 16);
      }
    }
    this.count = min(this.count, kept + 1);
  }

  /** Moves the range at `index` down in steps, to where it belongs. */
  private sink(index: i32, step: i32): void {
    const sunk = memory.data(32, 8);
    memory.copy(sunk, this.at(index), RANGE_SIZE);
    for (; index >= step && isBefore(sunk, this.at(index - step)); index -= step) {
      memory.copy(this.at(index), this.at(index - step), RANGE_SIZE);
    }
    memory.copy(this.at(index), sunk, RANGE_SIZE);
  }

  private at(index: i32): usize {
    return changetype<usize>(this.ranges) + ((<usize>index) << 5);
  }
}

// @ts-ignore: decorator
@inline
const RANGE_SIZE: usize = 32;

// @ts-ignore: decorator
@inline
function isLess(high: u64, low: u64, otherHigh: u64, otherLow: u64): bool {
  return high < otherHigh || (high == otherHigh && low < otherLow);
}

/** Whether the number at one address is less than that at the other. */
function isBefore(number: usize, other: usize): bool {
  return isLess(load<u64>(number), load<u64>(number, 8), load<u64>(other), load<u64>(other, 8));
}
