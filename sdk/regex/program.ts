/** What an instruction does. */
export namespace Op {
  /** Matches nothing. Instruction 0. */
  export const Fail: u32 = 0;
  /** Takes a byte from `low` to `high`, then goes to `out`. */
  export const Byte: u32 = 1;
  /** Goes to `out` and, preferred less, to `other`. */
  export const Split: u32 = 2;
  /** Goes to `out` where the conditions in `low` hold. */
  export const Check: u32 = 3;
  /** Notes the position in slot `other` and goes to `out`. */
  export const Save: u32 = 4;
  /** Pattern number `other` has matched. */
  export const Match: u32 = 5;
}

/** RE2 as Istio configures it takes programs up to this size (`re2.max_program_size.error_level`). */
const MAX_INSTRUCTIONS: u32 = 32768;

/**
 * Instructions of a Thompson NFA over bytes, 8 bytes each: op, low and high as bytes, one byte free, `out` and `other`
 * as 16 bits. Splits are ordered by preference, and captures are kept, so that a machine that tracks submatches can run
 * it too.
 */
@final
export class Program {
  /** Number of instructions. */
  length: u32 = 1;
  /** Whether an instruction did not fit any more. */
  isTooLarge: bool = false;
  /** All conditions that occur. */
  conditions: u32 = 0;
  private code: StaticArray<u64> = new StaticArray<u64>(32);

  /** Appends an instruction and returns its number; 0, which matches nothing, when the program is full. */
  emit(op: u32, low: u32, high: u32, out: u32, other: u32): u32 {
    const index = this.length;
    if (index >= MAX_INSTRUCTIONS) {
      this.isTooLarge = true;
      return 0;
    }
    const old = this.code;
    if (index == old.length) {
      this.code = new StaticArray<u64>(2 * index);
      memory.copy(changetype<usize>(this.code), changetype<usize>(old), (<usize>index) << 3);
    }
    this.length = index + 1;
    if (op == Op.Check) this.conditions |= low;
    unchecked((this.code[index] = (<u64>(op | (low << 8) | (high << 16))) | ((<u64>out) << 32) | ((<u64>other) << 48)));
    return index;
  }

  /** Changes where a Split goes. */
  setSplit(index: u32, out: u32, other: u32): void {
    unchecked((this.code[index] = (<u64>Op.Split) | ((<u64>out) << 32) | ((<u64>other) << 48)));
  }

  /** The instruction as one word; see the functions below. */
  @inline
  at(index: u32): u64 {
    return load<u64>(changetype<usize>(this.code) + ((<usize>index) << 3));
  }
}


@inline
export function opOf(instruction: u64): u32 {
  return (<u32>instruction) & 0xff;
}


@inline
export function lowOf(instruction: u64): u32 {
  return ((<u32>instruction) >> 8) & 0xff;
}


@inline
export function highOf(instruction: u64): u32 {
  return ((<u32>instruction) >> 16) & 0xff;
}


@inline
export function outOf(instruction: u64): u32 {
  return (<u32>(instruction >> 32)) & 0xffff;
}


@inline
export function otherOf(instruction: u64): u32 {
  return <u32>(instruction >> 48);
}
