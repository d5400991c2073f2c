import { Condition } from "./pattern";
import { highOf, lowOf, Op, opOf, otherOf, outOf, Program } from "./program";

/** In place of a byte: the end of the text. */
export const END: u32 = 256;

/** What a step can lead to. Anything above is left to {@link Dfa}. */
export namespace Outcome {
  /** It goes on with the set in {@link Simulation.next}. */
  export const Open: u32 = 0;
  /** There will be no match. */
  export const Dead: u32 = 1;
  /** There is a match. */
  export const Matched: u32 = 2;
  /** It was not found out. */
  export const Unknown: u32 = 3;
}

// Flags of a set.
const SEARCHING: u32 = 1;
/** What came before: nothing, or a line feed, or a word character. */
export const AT_BEGIN: u32 = 4;
const AFTER_LINE: u32 = 8;
const AFTER_WORD: u32 = 16;

/** Bytes of a set before its instructions. */
const HEADER: usize = 8;

/**
 * Runs a program on all its paths at once (Thompson's simulation): the paths are a set of instructions, those that take
 * no byte left out, and each byte leads from one set to the next. The end of the text leads to the Matches alone.
 *
 * A set is 4 bytes of flags, 4 for its size, and the numbers of its instructions, ascending, in 2 bytes each; zeros
 * fill it up to a multiple of 8. So it is small where only a few of many patterns are still possible. A step
 * visits each instruction at most once, so time is linear in the input, whatever the pattern.
 */
@final
export class Simulation {
  /** The set that the last step led to. */
  next: StaticArray<u8>;

  /** Instructions that stay in a set: Byte, Check, Match. A bit each, as in `reached`. */
  private leaves: StaticArray<u8>;
  /** What the step under way has come to. */
  private reached: StaticArray<u8>;
  private checked: StaticArray<u8>;
  private spare: StaticArray<u8> = new StaticArray<u8>(0);
  private stack: StaticArray<u16>;
  private foundMatch: bool = false;

  constructor(private program: Program) {
    const length = program.length;
    const bitBytes = ((length + 63) / 64) * 8;
    const leaves = new StaticArray<u8>(bitBytes);
    let count: u32 = 0;
    for (let i: u32 = 1; i < length; i++) {
      const op = opOf(program.at(i));
      if (op != Op.Byte && op != Op.Check && op != Op.Match) continue;
      insert(changetype<usize>(leaves), i);
      count++;
    }
    const setBytes = <u32>HEADER + 2 * count + 8;
    this.leaves = leaves;
    this.next = new StaticArray<u8>(setBytes);
    this.reached = new StaticArray<u8>(bitBytes);
    this.checked = new StaticArray<u8>(program.conditions ? setBytes : 0);
    this.stack = new StaticArray<u16>(length + 2);
  }

  /** A step from the set in `this.next`. */
  stepOn(byte: u32): u32 {
    const set = this.next;
    if (!this.spare.length) this.spare = new StaticArray<u8>(set.length);
    this.next = this.spare;
    this.spare = set;
    return this.step(changetype<usize>(set), byte);
  }

  /** The set before the first byte, given where the program begins. */
  begin(start: u32, search: bool): u32 {
    this.foundMatch = false;
    this.follow(start, 0);
    return this.complete((search ? SEARCHING : 0) | (this.program.conditions ? AT_BEGIN : 0));
  }

  /** Takes `byte` from `set`. The set must not be `this.next`. */
  step(set: usize, byte: u32): u32 {
    const program = this.program;
    const flags = load<u32>(set);
    this.foundMatch = false;
    if (program.conditions) {
      set = this.check(set, conditionsBetween(flags, byte));
      if (this.foundMatch && flags & SEARCHING) return Outcome.Matched;
    }
    const end = set + sizeOf(set);
    for (let p = firstOf(set); p < end; p += 2) {
      const index = <u32>load<u16>(p);
      const at = program.at(index);
      if (opOf(at) == Op.Byte) {
        if (lowOf(at) <= byte && byte <= highOf(at)) this.follow(outOf(at), 0);
      } else if (byte == END && opOf(at) == Op.Match) {
        this.follow(index, 0);
      }
    }
    return this.complete((flags & SEARCHING) | contextAfter(byte, program.conditions));
  }

  /** `set` with all that its Checks lead to, given which conditions hold. */
  private check(set: usize, holds: u32): usize {
    const program = this.program;
    const end = set + sizeOf(set);
    for (let p = firstOf(set); p < end; p += 2) {
      const index = <u32>load<u16>(p);
      const at = program.at(index);
      insert(changetype<usize>(this.reached), index);
      if (opOf(at) == Op.Check && !(lowOf(at) & ~holds)) this.follow(outOf(at), holds);
    }
    const checked = changetype<usize>(this.checked);
    this.collect(checked);
    return checked;
  }

  /** Reaches all that can be reached from an instruction without taking a byte, given which conditions hold. */
  private follow(from: u32, holds: u32): void {
    const program = this.program;
    const reached = changetype<usize>(this.reached);
    const bottom = changetype<usize>(this.stack);
    let top = bottom;
    store<u16>(top, from);
    do {
      const index = <u32>load<u16>(top);
      top -= 2;
      if (!index || contains(reached, index)) continue;
      insert(reached, index);
      const at = program.at(index);
      const op = opOf(at);
      if (op == Op.Split) store<u16>((top += 2), otherOf(at));
      if (op == Op.Split || op == Op.Save || (op == Op.Check && !(lowOf(at) & ~holds)))
        store<u16>((top += 2), outOf(at));
      if (op == Op.Match) this.foundMatch = true;
    } while (top >= bottom);
  }

  /** Makes what has been reached the set in `this.next`, unless nothing is left to find out. */
  private complete(flags: u32): u32 {
    const next = changetype<usize>(this.next);
    const isEmpty = !this.collect(next);
    store<u32>(next, flags);
    if (this.foundMatch && flags & SEARCHING) return Outcome.Matched;
    return isEmpty ? Outcome.Dead : Outcome.Open;
  }

  /** Moves what has been reached to `set`, and tells whether that is anything. */
  private collect(set: usize): bool {
    const reached = changetype<usize>(this.reached);
    const leaves = changetype<usize>(this.leaves);
    const size = <usize>this.reached.length;
    let p = firstOf(set);
    for (let i: usize = 0; i < size; i += 8) {
      let bits = load<u64>(reached + i);
      if (!bits) continue;
      store<u64>(reached + i, 0);
      for (bits &= load<u64>(leaves + i); bits; bits &= bits - 1) {
        store<u16>(p, <u32>(i << 3) + <u32>ctz(bits));
        p += 2;
      }
    }
    store<u64>(p, 0);
    store<u64>(set, ((<u64>(p - set) + 7) & ~7) << 32);
    return p > firstOf(set);
  }
}

/** Bytes of a set. */
@inline
export function sizeOf(set: usize): usize {
  return load<u32>(set, 4);
}

/** Where the instructions of a set begin. */
@inline
export function firstOf(set: usize): usize {
  return set + HEADER;
}


@inline
function contains(set: usize, index: u32): bool {
  return ((load<u8>(set + (index >> 3)) >> (index & 7)) & 1) != 0;
}

function insert(set: usize, index: u32): void {
  const at = set + (index >> 3);
  store<u8>(at, (<u32>load<u8>(at)) | (1 << (index & 7)));
}

function isWord(byte: u32): bool {
  return byte == 0x5f || byte - 0x30 <= 9 || (byte < 0x80 && (byte | 0x20) - 0x61 < 26);
}

/** The conditions that hold between what the flags tell of and `byte`. */
export function conditionsBetween(flags: u32, byte: u32): u32 {
  let holds: u32 = 0;
  if (flags & AT_BEGIN) holds |= Condition.BeginText | Condition.BeginLine;
  if (flags & AFTER_LINE) holds |= Condition.BeginLine;
  if (byte == END) holds |= Condition.EndText | Condition.EndLine;
  if (byte == 0x0a) holds |= Condition.EndLine;
  const isBoundary = ((flags & AFTER_WORD) != 0) != isWord(byte);
  return holds | (isBoundary ? Condition.WordBoundary : Condition.NoWordBoundary);
}

/** The flags after `byte`, as far as the conditions of the program ask for them. */
export function contextAfter(byte: u32, conditions: u32): u32 {
  let flags: u32 = 0;
  if (conditions & Condition.BeginLine && byte == 0x0a) flags |= AFTER_LINE;
  if (conditions & (Condition.WordBoundary | Condition.NoWordBoundary) && isWord(byte)) flags |= AFTER_WORD;
  return flags;
}
