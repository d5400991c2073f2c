import { FOLD_COUNT, FOLD_WIDE_COUNT, foldRows, foldWideRows } from "./case-folding";

/** A set of code points (or of bytes), as ranges. After {@link normalize} they are ascending and do not touch. */
@final
export class CharClass {
  /** Number of ranges. */
  length: i32 = 0;
  private ranges: StaticArray<u32> = new StaticArray<u32>(8);

  low(index: i32): u32 {
    return unchecked(this.ranges[2 * index]);
  }

  high(index: i32): u32 {
    return unchecked(this.ranges[2 * index + 1]);
  }

  add(low: u32, high: u32): void {
    const at = 2 * this.length++;
    const old = this.ranges;
    if (at == old.length) {
      this.ranges = new StaticArray<u32>(2 * at);
      memory.copy(changetype<usize>(this.ranges), changetype<usize>(old), (<usize>at) << 2);
    }
    unchecked((this.ranges[at] = low));
    unchecked((this.ranges[at + 1] = high));
  }

  addAll(other: CharClass): void {
    for (let i = 0; i < other.length; i++) this.add(other.low(i), other.high(i));
  }

  /** Sorts the ranges and joins those that overlap or touch. */
  normalize(): void {
    const ranges = changetype<usize>(this.ranges);
    const size = (<usize>this.length) << 3;
    // Shell's sort, in steps of 8 bytes per range.
    let step: usize = 8;
    while (step < size) step = step * 3 + 8;
    for (; step; step = (step / 24) << 3) {
      for (let p = step; p < size; p += 8) {
        const range = load<u64>(ranges + p);
        let q = p;
        for (; q >= step && load<u32>(ranges + q - step) > <u32>range; q -= step) {
          store<u64>(ranges + q, load<u64>(ranges + q - step));
        }
        store<u64>(ranges + q, range);
      }
    }
    const count = this.length;
    this.length = 0;
    for (let i = 0; i < count; i++) {
      const last = this.length - 1;
      if (last >= 0 && this.low(i) <= this.high(last) + 1) {
        unchecked((this.ranges[2 * last + 1] = max(this.high(last), this.high(i))));
      } else {
        this.add(this.low(i), this.high(i));
      }
    }
  }

  /** Turns the set into its complement within 0 to `limit`. */
  negate(limit: u32): void {
    this.normalize();
    const old = this.ranges;
    const count = this.length;
    this.ranges = new StaticArray<u32>(2 * count + 2);
    this.length = 0;
    let next: u32 = 0;
    for (let i = 0; i < count; i++) {
      const low = unchecked(old[2 * i]);
      if (low > next) this.add(next, low - 1);
      next = unchecked(old[2 * i + 1]) + 1;
    }
    if (next <= limit) this.add(next, limit);
  }

  /** Adds every code point that differs from one of the set only in case: by simple case folding, as RE2 does. */
  fold(): void {
    // First what the members fold to, then everything that folds to the same.
    const members = this.length;
    for (let i = 0; i < members; i++) this.foldRange(this.low(i), this.high(i), false);
    const folded = this.length;
    for (let i = 0; i < folded; i++) this.foldRange(this.low(i), this.high(i), true);
    this.normalize();
  }

  /** The same among ASCII letters only. */
  foldAscii(): void {
    for (let i = 0, n = this.length; i < n; i++) {
      this.shift(this.low(i), this.high(i), 0x41, 0x5a, 32);
      this.shift(this.low(i), this.high(i), 0x61, 0x7a, <u32>-32);
    }
    this.normalize();
  }

  private foldRange(low: u32, high: u32, reverse: bool): void {
    for (let i: usize = 0; i < FOLD_COUNT; i++) {
      const row = foldRows() + i * 6;
      const delta = <u32>(<i32>load<i16>(row, 4));
      this.foldRow(low, high, load<u16>(row), load<u16>(row, 2), delta, reverse);
    }
    for (let i: usize = 0; i < FOLD_WIDE_COUNT; i++) {
      const row = foldWideRows() + i * 12;
      this.foldRow(low, high, load<u32>(row), load<u32>(row, 4), load<u32>(row, 8), reverse);
    }
  }

  private foldRow(low: u32, high: u32, from: u32, to: u32, delta: u32, reverse: bool): void {
    if (delta == 1) {
      // Neighbours: from and from + 1 are a pair, and so on.
      if (low > to || high < from) return;
      this.add(low <= from ? from : low - ((low - from) & 1), high >= to ? to : high + (~(high - from) & 1));
    } else if (reverse) {
      this.shift(low, high, from + delta, to + delta, 0 - delta);
    } else {
      this.shift(low, high, from, to, delta);
    }
  }

  /** Adds what of low to high lies within from and to, moved by delta. */
  private shift(low: u32, high: u32, from: u32, to: u32, delta: u32): void {
    const first = max(low, from);
    const last = min(high, to);
    if (first <= last) this.add(first + delta, last + delta);
  }
}
