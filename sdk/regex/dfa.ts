import { Condition } from "./pattern";
import { highOf, lowOf, Op, opOf, Program } from "./program";
import { END, Outcome, Simulation } from "./simulation";

/** Bytes of states kept per automaton; when they are used up, all are dropped and built anew. */
const MAX_BYTES: u32 = 256 * 1024;

/** States that a cache must at least hold, however large. */
const MIN_STATES: u32 = 16;

/** When a cache filled up within so many bytes of input per state, building states does not pay for this input. */
const WORTHWHILE: u32 = 10;

/**
 * Remembers the sets that a {@link Simulation} comes to as the states of a deterministic automaton, built as inputs
 * need them.
 *
 * Bytes that the program cannot tell apart are one class. A state is a row of transitions, one per class and one for
 * the end of the text, each the offset of another row or an {@link Outcome}; `Open` is one that has not been worked out
 * yet.
 */
@final
export class Dfa {
  /** For each byte, the offset of its class's transition in a row. */
  private columns: StaticArray<u16> = new StaticArray<u16>(256);
  private rowBytes: u32 = 0;
  private setBytes: u32 = 0;

  /** States in use and room for them. Row 0 is never used, so that offsets and special transitions differ. */
  private states: u32 = 1;
  private capacity: u32 = 0;
  private maxStates: u32 = 0;
  private rows: StaticArray<u8> = new StaticArray<u8>(0);
  /** 8 bytes of flags, then the bits. */
  private sets: StaticArray<u8> = new StaticArray<u8>(0);
  /** Numbers of states by the hash of their sets, with open addressing. */
  private table: StaticArray<u16> = new StaticArray<u16>(0);
  private matchStart: u32 = Outcome.Open;
  private searchStart: u32 = Outcome.Open;

  private simulation: Simulation;
  private current: StaticArray<u8> = new StaticArray<u8>(0);

  /**
   * `firstByte` is the byte with which every match begins, or -1; `start` and `anywhere` are where the program begins
   * for a match of the whole text, and for a search.
   */
  constructor(
    private program: Program,
    private start: u32,
    private anywhere: u32,
    private firstByte: i32,
  ) {
    this.simulation = new Simulation(program);
    this.setBytes = this.simulation.setBytes;
    this.findClasses();
    this.maxStates = max(MIN_STATES, MAX_BYTES / (this.rowBytes + this.setBytes + 4));
    this.grow(8);
  }

  /** Whether the whole of the bytes matches, or with `search` some part. */
  run(from: usize, length: i32, search: bool): bool {
    const end = from + length;
    const columns = changetype<usize>(this.columns);
    const endColumn = this.rowBytes - 4;
    let state = search ? this.searchStart : this.matchStart;
    if (state == Outcome.Open) state = this.begin(search);
    let rows = changetype<usize>(this.rows);
    let flushedAt = from;
    let p = search && this.firstByte >= 0 && !this.program.conditions ? find(this.firstByte, from, end) : from;
    while (state > Outcome.Matched) {
      let next: u32 = Outcome.Open;
      while (p < end) {
        next = load<u32>(rows + state + load<u16>(columns + ((<usize>load<u8>(p)) << 1)));
        if (next <= Outcome.Matched) break;
        state = next;
        p++;
      }
      const byte = p < end ? <u32>load<u8>(p) : END;
      const column = p < end ? <u32>load<u16>(columns + (byte << 1)) : endColumn;
      if (p == end) next = load<u32>(rows + state + column);
      if (next == Outcome.Open) {
        next = this.extend(state, byte, column);
        if (next == Outcome.Open) {
          // The cache is full. What comes next is in `simulation.next`.
          if (p - flushedAt < <usize>(WORTHWHILE * this.states)) return this.simulate(p + 1, end);
          flushedAt = p;
          this.flush();
          next = this.intern();
        }
        rows = changetype<usize>(this.rows);
      }
      state = next;
      p++;
    }
    return state == Outcome.Matched;
  }

  /** The state before the first byte. */
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

  /** Works out a transition and notes it. `Outcome.Open` when the cache is full. */
  private extend(state: u32, byte: u32, column: u32): u32 {
    let next = this.simulation.step(this.setOf(state / this.rowBytes), byte);
    if (next == Outcome.Open) next = this.intern();
    store<u32>(changetype<usize>(this.rows) + state + column, next);
    return next;
  }

  /** The rest of the input without states: `simulation.next` is what has been reached before `p`. */
  private simulate(p: usize, end: usize): bool {
    if (!this.current.length) this.current = new StaticArray<u8>(this.setBytes);
    const current = changetype<usize>(this.current);
    while (true) {
      memory.copy(current, changetype<usize>(this.simulation.next), this.setBytes);
      const next = this.simulation.step(current, p < end ? <u32>load<u8>(p) : END);
      if (next != Outcome.Open) return next == Outcome.Matched;
      p++;
    }
  }


  @inline
  private setOf(state: u32): usize {
    return changetype<usize>(this.sets) + <usize>(state * this.setBytes);
  }

  /** The state for the set in `simulation.next`, new if need be. `Outcome.Open` when the cache is full. */
  private intern(): u32 {
    const set = changetype<usize>(this.simulation.next);
    let slot = this.slotOf(set);
    let state = <u32>load<u16>(slot);
    if (!state) {
      if (this.states == this.capacity) {
        if (this.capacity == this.maxStates) return Outcome.Open;
        this.grow(min(2 * this.capacity, this.maxStates));
        slot = this.slotOf(set);
      }
      state = this.states++;
      store<u16>(slot, state);
      memory.copy(this.setOf(state), set, this.setBytes);
    }
    return state * this.rowBytes;
  }

  /** Where the table has the state of this set, or has room for it. */
  private slotOf(set: usize): usize {
    const size = <usize>this.setBytes;
    const mask = <u32>this.table.length - 1;
    let hash: u64 = 0;
    for (let i: usize = 0; i < size; i += 8) hash = rotl<u64>((hash ^ load<u64>(set + i)) * 0x9e3779b97f4a7c15, 29);
    let index = <u32>hash;
    while (true) {
      const slot = changetype<usize>(this.table) + ((<usize>(index & mask)) << 1);
      const state = load<u16>(slot);
      if (!state || memory.compare(this.setOf(state), set, size) == 0) return slot;
      index++;
    }
  }

  private grow(capacity: u32): void {
    const rows = this.rows;
    const sets = this.sets;
    this.rows = new StaticArray<u8>(capacity * this.rowBytes);
    this.sets = new StaticArray<u8>(capacity * this.setBytes);
    memory.copy(changetype<usize>(this.rows), changetype<usize>(rows), rows.length);
    memory.copy(changetype<usize>(this.sets), changetype<usize>(sets), sets.length);
    this.capacity = capacity;
    this.table = new StaticArray<u16>(1 << (33 - clz(capacity)));
    for (let state: u32 = 1; state < this.states; state++) store<u16>(this.slotOf(this.setOf(state)), state);
  }

  private flush(): void {
    this.states = 1;
    this.matchStart = this.searchStart = Outcome.Open;
    memory.fill(changetype<usize>(this.rows), 0, this.rows.length);
    memory.fill(changetype<usize>(this.table), 0, this.table.length << 1);
  }

  /** Gives each class of bytes that the program tells apart a column, and the end of the text the last one. */
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
    this.rowBytes = column + 8;
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
