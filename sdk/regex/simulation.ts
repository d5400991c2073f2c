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
}

// Flags of a set.
const SEARCHING: u32 = 1;
const HAS_MATCH: u32 = 2;
/** What came before: nothing, or a line feed, or a word character. */
export const AT_BEGIN: u32 = 4;
const AFTER_LINE: u32 = 8;
const AFTER_WORD: u32 = 16;

/**
 * Runs a program on all its paths at once (Thompson's simulation): the paths are a set of instructions, those that take
 * no byte left out, and each byte leads from one set to the next.
 *
 * A set is 8 bytes of flags and a bit per instruction. A step visits each instruction at most once, so time is linear
 * in the input, whatever the pattern.
 */
@final
export class Simulation {
  /** Bytes of a set. */
  readonly setBytes: u32;
  /** The set that the last step led to. */
  next: StaticArray<u8>;

  /** Instructions that stay in a set: Byte, Check, Match. */
  private leaves: StaticArray<u8>;
  private reached: StaticArray<u8>;
  private stack: StaticArray<u16>;
  private foundMatch: bool = false;

  constructor(private program: Program) {
    const length = program.length;
    const setBytes = ((length + 63) / 64) * 8 + 8;
    const leaves = new StaticArray<u8>(setBytes);
    for (let i: u32 = 1; i < length; i++) {
      const op = opOf(program.at(i));
      if (op == Op.Byte || op == Op.Check || op == Op.Match) insert(changetype<usize>(leaves), i);
    }
    this.setBytes = setBytes;
    this.leaves = leaves;
    this.next = new StaticArray<u8>(setBytes);
    this.reached = new StaticArray<u8>(setBytes);
    this.stack = new StaticArray<u16>(length + 2);
  }

  /** The set before the first byte, given where the program begins. */
  begin(start: u32, search: bool): u32 {
    const set = this.clearNext();
    this.foundMatch = false;
    this.follow(set, start, 0);
    return this.complete(set, (search ? SEARCHING : 0) | (this.program.conditions ? AT_BEGIN : 0));
  }

  /** Takes `byte` from `set`. The set must not be `this.next`. */
  step(set: usize, byte: u32): u32 {
    const program = this.program;
    const flags = load<u32>(set);
    this.foundMatch = (flags & HAS_MATCH) != 0;
    let from = set;
    if (program.conditions) {
      const holds = conditionsBetween(flags, byte);
      from = changetype<usize>(this.reached);
      memory.copy(from, set, this.setBytes);
      for (let i = nextMember(set, 0, program.length); i; i = nextMember(set, i, program.length)) {
        const at = program.at(i);
        if (opOf(at) == Op.Check && !(lowOf(at) & ~holds)) this.follow(from, outOf(at), holds);
      }
    }
    if (this.foundMatch && (byte == END || flags & SEARCHING)) return Outcome.Matched;
    if (byte == END) return Outcome.Dead;
    const next = this.clearNext();
    this.foundMatch = false;
    for (let i = nextMember(from, 0, program.length); i; i = nextMember(from, i, program.length)) {
      const at = program.at(i);
      if (opOf(at) == Op.Byte && lowOf(at) <= byte && byte <= highOf(at)) this.follow(next, outOf(at), 0);
    }
    return this.complete(next, (flags & SEARCHING) | contextAfter(byte, program.conditions));
  }

  /** Adds to `set` all that can be reached from an instruction without taking a byte, given which conditions hold. */
  private follow(set: usize, from: u32, holds: u32): void {
    const program = this.program;
    const bottom = changetype<usize>(this.stack);
    let top = bottom;
    store<u16>(top, from);
    do {
      const index = <u32>load<u16>(top);
      top -= 2;
      if (!index || contains(set, index)) continue;
      insert(set, index);
      const at = program.at(index);
      const op = opOf(at);
      if (op == Op.Split) store<u16>((top += 2), otherOf(at));
      if (op == Op.Split || op == Op.Save || (op == Op.Check && !(lowOf(at) & ~holds)))
        store<u16>((top += 2), outOf(at));
      if (op == Op.Match) this.foundMatch = true;
    } while (top >= bottom);
  }

  /** Completes the set in `this.next`, unless nothing is left to find out. */
  private complete(set: usize, flags: u32): u32 {
    if (this.foundMatch && flags & SEARCHING) return Outcome.Matched;
    const leaves = changetype<usize>(this.leaves);
    let all: u64 = 0;
    for (let i: usize = 8; i < <usize>this.setBytes; i += 8) {
      const bits = load<u64>(set + i) & load<u64>(leaves + i);
      store<u64>(set + i, bits);
      all |= bits;
    }
    store<u64>(set, flags | (this.foundMatch ? HAS_MATCH : 0));
    return all ? Outcome.Open : Outcome.Dead;
  }

  private clearNext(): usize {
    const set = changetype<usize>(this.next);
    memory.fill(set, 0, this.setBytes);
    return set;
  }
}


@inline
function contains(set: usize, index: u32): bool {
  return ((load<u8>(set + (index >> 3), 8) >> (index & 7)) & 1) != 0;
}

function insert(set: usize, index: u32): void {
  const at = set + (index >> 3);
  store<u8>(at, (<u32>load<u8>(at, 8)) | (1 << (index & 7)), 8);
}

/** The member after `index`, or 0; instruction 0 is in no set. */
function nextMember(set: usize, index: u32, length: u32): u32 {
  if (++index >= length) return 0;
  let bits = load<u64>(set + ((index >> 6) << 3), 8) >> (index & 63);
  if (bits) return index + <u32>ctz(bits);
  for (index = (index | 63) + 1; index < length; index += 64) {
    bits = load<u64>(set + (index >> 3), 8);
    if (bits) return index + <u32>ctz(bits);
  }
  return 0;
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
