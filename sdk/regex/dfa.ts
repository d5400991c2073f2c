import { Condition } from "./pattern";
import { highOf, lowOf, Op, opOf, Program } from "./program";
import { END, Outcome, Simulation, sizeOf } from "./simulation";

/** Bytes of states kept per automaton; when they are used up, all are dropped and built anew. */
const MAX_BYTES: u32 = 256 * 1024;

/** Further ones per instruction, when there are several patterns. */
const BYTES_PER_INSTRUCTION: u32 = 64;

/** Bytes of a set with which going on without states is at least as quick as a few patterns one by one. */
const SIMULATED: u32 = 512;

/** When one byte of input has used up more than so many bytes, building states does not pay. */
const WORTHWHILE: u32 = 16;

/**
 * Remembers the sets that a {@link Simulation} comes to as the states of a deterministic automaton, built as inputs
 * need them.
 *
 * Bytes that the program cannot tell apart are one class. A state is a row of transitions, one per class and one for
 * the end of the text, each the offset of another row or an {@link Outcome}; `Open` is one that has not been worked out
 * yet. Behind them stands where the state's set is.
 */
@final
export class Dfa {
  /** For each byte, the offset of its class's transition in a row. */
  private columns: StaticArray<u16> = new StaticArray<u16>(256);
  private rowBytes: u32 = 0;

  /** Rows from the beginning, sets from the end. Row 0 is never used, so that offsets and special transitions differ. */
  private cache: StaticArray<u8> = new StaticArray<u8>(0);
  private rowsEnd: u32 = 0;
  private setBytes: u32 = 0;
  private isFull: bool = false;
  /** Offsets of rows by the hash of their sets, with open addressing. */
  private table: StaticArray<u32> = new StaticArray<u32>(16);
  private matchStart: u32 = Outcome.Open;
  private searchStart: u32 = Outcome.Open;
  /** Bytes of input since the states were last dropped. */
  private taken: u32 = 0;

  private maxBytes: u32 = MAX_BYTES;
  /** Bytes of the sets with which it is quicker to go on without states than to try one pattern after the other. */
  private maxSimulated: u32 = u32.MAX_VALUE;

  private simulation: Simulation;

  /**
   * `firstByte` is the byte with which every match begins, or -1; `start` and `anywhere` are where the program begins
   * for a match of the whole text, and for a search.
   */
  constructor(
    private program: Program,
    private start: u32,
    private anywhere: u32 = 0,
    private firstByte: i32 = -1,
    patterns: i32 = 1,
  ) {
    this.simulation = new Simulation(program);
    if (patterns > 1) {
      this.maxBytes += BYTES_PER_INSTRUCTION * program.length;
      this.maxSimulated = max(SIMULATED, patterns);
    }
    this.findClasses();
    this.rowsEnd = this.rowBytes;
    this.cache = new StaticArray<u8>(16 * this.rowBytes);
  }

  /** Whether the whole of the bytes matches, or with `search` some part. */
  @inline
  matches(from: usize, length: i32, search: bool): bool {
    return this.run(from, length, search) != Outcome.Dead;
  }

  /**
   * The Matches that the whole of the bytes leads to, as a set of the {@link Simulation}; or `Dead`, or `Unknown` when the
   * patterns are found out more quickly one by one.
   */
  matchesOf(from: usize, length: i32): usize {
    const state = this.run(from, length, false);
    if (state == Outcome.Dead || state == Outcome.Unknown) return state;
    return state == Outcome.Open ? changetype<usize>(this.simulation.next) : this.setOf(state);
  }

  /**
   * `Dead`, `Matched` in a search, `Unknown`, or the state that the end of the text leads to; `Open` when that is in
   * `simulation.next`.
   */
  private run(from: usize, length: i32, search: bool): u32 {
    const end = from + length;
    const columns = changetype<usize>(this.columns);
    let state = search ? this.searchStart : this.matchStart;
    let p = from;
    this.taken += length;
    if (state == Outcome.Open) {
      state = this.begin(search);
      if (state == Outcome.Open) return this.simulate(p, end);
    }
    if (search && this.firstByte >= 0 && !this.program.conditions) p = find(this.firstByte, from, end);
    let rows = changetype<usize>(this.cache);
    while (state > Outcome.Matched) {
      let next: u32 = Outcome.Open;
      while (p < end) {
        next = load<u32>(rows + state + load<u16>(columns + ((<usize>load<u8>(p)) << 1)));
        if (next <= Outcome.Matched) break;
        state = next;
        p++;
      }
      const byte = p < end ? <u32>load<u8>(p) : END;
      const column = p < end ? <u32>load<u16>(columns + (byte << 1)) : this.rowBytes - 8;
      if (p == end) next = load<u32>(rows + state + column);
      if (next == Outcome.Open) {
        const left = <u32>(end - p);
        const pays = this.taken - left >= (this.rowsEnd + this.setBytes) / WORTHWHILE;
        if (this.isFull && !pays && sizeOf(this.setOf(state)) > this.maxSimulated) return Outcome.Unknown;
        next = this.extend(state, byte, column);
        if (next == Outcome.Open) {
          // The cache is full. What comes next is in `simulation.next`.
          if (!pays) return this.simulate(p + 1, end);
          this.taken = left;
          this.flush();
          next = this.intern();
          if (next == Outcome.Open) return this.simulate(p + 1, end);
        }
        rows = changetype<usize>(this.cache);
      }
      state = next;
      if (p++ == end) break;
    }
    return state;
  }

  /** The state before the first byte; `Open` when it does not fit in the cache. */
  private begin(search: bool): u32 {
    let state = this.simulation.begin(search ? this.anywhere : this.start, search);
    if (state == Outcome.Open) {
      state = this.intern();
      if (state == Outcome.Open) {
        this.flush();
        state = this.intern();
      }
    }
    if (search) this.searchStart = state;
    else this.matchStart = state;
    return state;
  }

  /** Works out a transition and notes it. `Open` when the cache is full. */
  private extend(state: u32, byte: u32, column: u32): u32 {
    let next = this.simulation.step(this.setOf(state), byte);
    if (next == Outcome.Open) next = this.intern();
    store<u32>(changetype<usize>(this.cache) + state + column, next);
    return next;
  }

  /** The rest of the input without states: `simulation.next` is what has been reached before `p`. */
  private simulate(p: usize, end: usize): u32 {
    const simulation = this.simulation;
    for (; p <= end; p++) {
      if (sizeOf(changetype<usize>(simulation.next)) > this.maxSimulated) return Outcome.Unknown;
      const next = simulation.stepOn(p < end ? <u32>load<u8>(p) : END);
      if (next != Outcome.Open) return next;
    }
    return Outcome.Open;
  }

  private setOf(state: u32): usize {
    const cache = changetype<usize>(this.cache);
    return cache + this.cache.length - load<u32>(cache + state + this.rowBytes - 4);
  }

  /** The state for the set in `simulation.next`, new if need be. `Open` when the cache is full. */
  private intern(): u32 {
    const set = changetype<usize>(this.simulation.next);
    const size = <u32>sizeOf(set);
    let slot = this.slotOf(set);
    let state = load<u32>(slot);
    if (!state) {
      state = this.rowsEnd;
      const used = state + this.rowBytes + this.setBytes + size;
      if (used > <u32>this.cache.length) {
        if (used > this.maxBytes) {
          this.isFull = true;
          return Outcome.Open;
        }
        this.grow(used);
      }
      if (state * 2 > <u32>this.table.length * this.rowBytes) {
        this.rehash();
        slot = this.slotOf(set);
      }
      this.rowsEnd += this.rowBytes;
      this.setBytes += size;
      store<u32>(slot, state);
      store<u32>(changetype<usize>(this.cache) + this.rowsEnd - 4, this.setBytes);
      memory.copy(this.setOf(state), set, size);
    }
    return state;
  }

  /** Where the table has the state of this set, or has room for it. */
  private slotOf(set: usize): usize {
    const size = sizeOf(set);
    const mask = <u32>this.table.length - 1;
    let hash: u64 = 0;
    for (let i: usize = 0; i < size; i += 8) hash = rotl<u64>((hash ^ load<u64>(set + i)) * 0x9e3779b97f4a7c15, 29);
    let index = <u32>hash;
    while (true) {
      const slot = changetype<usize>(this.table) + ((<usize>(index & mask)) << 2);
      const state = load<u32>(slot);
      if (!state || memory.compare(this.setOf(state), set, size) == 0) return slot;
      index++;
    }
  }

  /** Makes room for `used` bytes. */
  private grow(used: u32): void {
    const old = this.cache;
    const cache = new StaticArray<u8>(min(2 * used, this.maxBytes));
    const setBytes = this.setBytes;
    memory.copy(changetype<usize>(cache), changetype<usize>(old), this.rowsEnd);
    memory.copy(
      changetype<usize>(cache) + cache.length - setBytes,
      changetype<usize>(old) + old.length - setBytes,
      setBytes,
    );
    this.cache = cache;
  }

  private rehash(): void {
    this.table = new StaticArray<u32>(2 * this.table.length);
    for (let state = this.rowBytes; state < this.rowsEnd; state += this.rowBytes) {
      store<u32>(this.slotOf(this.setOf(state)), state);
    }
  }

  private flush(): void {
    this.isFull = false;
    this.rowsEnd = this.rowBytes;
    this.setBytes = 0;
    this.matchStart = this.searchStart = Outcome.Open;
    memory.fill(changetype<usize>(this.cache), 0, this.cache.length);
    memory.fill(changetype<usize>(this.table), 0, this.table.length << 2);
  }

  /** Gives each class of bytes that the program tells apart a column, and the end of the text the one behind them. */
  private findClasses(): void {
    const program = this.program;
    const begins = changetype<usize>(this.columns); // first: 1 where a class begins
    for (let i: u32 = 1; i < program.length; i++) {
      const at = program.at(i);
      if (opOf(at) == Op.Byte) markRange(begins, lowOf(at), highOf(at));
    }
    if (program.conditions & (Condition.BeginLine | Condition.EndLine)) markRange(begins, 0x0a, 0x0a);
    if (program.conditions & (Condition.WordBoundary | Condition.NoWordBoundary)) {
      markRange(begins, 0x30, 0x39);
      markRange(begins, 0x41, 0x5a);
      markRange(begins, 0x5f, 0x5f);
      markRange(begins, 0x61, 0x7a);
    }
    let column: u32 = 0;
    for (let byte: usize = 0; byte < 256; byte++) {
      const at = begins + (byte << 1);
      if (byte && load<u16>(at)) column += 4;
      store<u16>(at, column);
    }
    this.rowBytes = column + 12;
  }
}

function markRange(begins: usize, low: u32, high: u32): void {
  store<u16>(begins + (low << 1), 1);
  if (high < 255) store<u16>(begins + (high << 1), 1, 2);
}

/** The first place from `p` on that holds `byte`, or `end`. */
function find(byte: u32, p: usize, end: usize): usize {
  while (p < end && <u32>load<u8>(p) != byte) p++;
  return p;
}
