import { writeUtf8 } from "../json/utf8";
import { CharClass } from "./char-class";
import { Pattern, PatternKind } from "./pattern";
import { highOf, lowOf, Op, opOf, outOf, Program } from "./program";

/** So many of the newest instructions are searched for one that can be shared. */
const SHARING_WINDOW: u32 = 64;

/** Bytes of the first and of the last code point of a range. */
const encoded: usize = memory.data(8);

/**
 * Turns patterns into a program: each part is compiled given what comes after it, from the end to the beginning, so
 * that nothing has to be patched. Several patterns can be added to one program, each with a number of its own.
 */
@final
export class Compiler {
  readonly program: Program = new Program();
  /** Where the class being compiled begins in the program. */
  private classStart: u32 = 0;

  constructor(private isBytes: bool) {}

  /** Adds a pattern and returns where it begins. Its Match has the number `id`. */
  add(pattern: Pattern, id: u32): u32 {
    const program = this.program;
    return this.compile(pattern, program.emit(Op.Match, 0, 0, 0, id));
  }

  /** A Split between two beginnings. */
  either(first: u32, second: u32): u32 {
    return this.program.emit(Op.Split, 0, 0, first, second);
  }

  /** The beginning of "anything, then `start`". */
  anywhere(start: u32): u32 {
    const split = this.either(0, 0);
    this.program.setSplit(split, start, this.program.emit(Op.Byte, 0, 0xff, split, 0));
    return split;
  }

  /** Where a pattern begins that is followed by `next`. */
  compile(pattern: Pattern, next: u32): u32 {
    const program = this.program;
    if (program.isTooLarge) return 0;
    switch (pattern.kind) {
      case PatternKind.Literal:
        this.classStart = program.length;
        return this.isBytes
          ? program.emit(Op.Byte, pattern.value, pattern.value, next, 0)
          : this.range(pattern.value, pattern.value, next);
      case PatternKind.Class:
        return this.set(pattern.set!, next);
      case PatternKind.AnyByte:
        return program.emit(Op.Byte, 0, 0xff, next, 0);
      case PatternKind.Check:
        return program.emit(Op.Check, pattern.value, 0, next, 0);
      case PatternKind.Capture: {
        const end = program.emit(Op.Save, 0, 0, next, 2 * pattern.value + 1);
        return program.emit(Op.Save, 0, 0, this.compile(pattern.last!, end), 2 * pattern.value);
      }
      case PatternKind.Sequence: {
        let child = pattern.last;
        while (child) {
          next = this.compile(child, next);
          child = child.previous;
        }
        return next;
      }
      case PatternKind.Choice: {
        let child = pattern.last!;
        let start = this.compile(child, next);
        while (child.previous) {
          child = child.previous!;
          start = this.either(this.compile(child, next), start);
        }
        return start;
      }
      default:
        return this.repeat(pattern, next);
    }
  }

  private repeat(pattern: Pattern, next: u32): u32 {
    const program = this.program;
    const child = pattern.last!;
    let required = pattern.min;
    let start = next;
    if (pattern.max < 0) {
      const split = this.either(0, 0);
      const body = this.compile(child, split);
      program.setSplit(split, pattern.isLazy ? next : body, pattern.isLazy ? body : next);
      if (required) start = body;
      // Entered at its end, a loop would prefer once more to the empty string: as RE2, x* is then (x+)?.
      else if (child.isNullable) start = pattern.isLazy ? this.either(next, body) : this.either(body, next);
      else start = split;
      required--;
    } else {
      for (let i = pattern.max - required; i > 0 && !program.isTooLarge; i--) {
        const body = this.compile(child, start);
        start = pattern.isLazy ? this.either(next, body) : this.either(body, next);
      }
    }
    for (; required > 0 && !program.isTooLarge; required--) start = this.compile(child, start);
    return start;
  }

  private set(set: CharClass, next: u32): u32 {
    this.classStart = this.program.length;
    let start: u32 = 0;
    for (let i = set.length - 1; i >= 0; i--) {
      const low = set.low(i);
      const high = set.high(i);
      start = this.orElse(this.isBytes ? this.byte(low, high, next) : this.range(low, high, next), start);
    }
    return start;
  }

  private orElse(first: u32, second: u32): u32 {
    return first && second ? this.either(first, second) : first | second;
  }

  private byte(low: u32, high: u32, next: u32): u32 {
    return this.program.emit(Op.Byte, low, high, next, 0);
  }

  /** A Byte that may be shared with other sequences of the same class. */
  private sharedByte(low: u32, high: u32, next: u32): u32 {
    const program = this.program;
    let index = program.length;
    const oldest = max(this.classStart, max(index, SHARING_WINDOW) - SHARING_WINDOW);
    while (index-- > oldest) {
      const at = program.at(index);
      if (opOf(at) == Op.Byte && outOf(at) == next && lowOf(at) == low && highOf(at) == high) return index;
    }
    return this.byte(low, high, next);
  }

  /** The UTF-8 encodings of the code points from `low` to `high`. */
  private range(low: u32, high: u32, next: u32): u32 {
    if (high < 0x80) return this.byte(low, high, next);
    if (low < 0x80) return this.orElse(this.byte(low, 0x7f, next), this.range(0x80, high, next));
    // Like RE2 (Compiler::Add_80_10ffff): to accept overlong forms as well makes "everything else" much smaller.
    if (low == 0x80 && high == 0x10ffff) {
      const one = this.sharedByte(0x80, 0xbf, next);
      const two = this.sharedByte(0x80, 0xbf, one);
      const three = this.byte(0xf0, 0xf4, this.sharedByte(0x80, 0xbf, two));
      return this.either(this.byte(0xc2, 0xdf, one), this.either(this.byte(0xe0, 0xef, two), three));
    }
    if (low < 0x800 && high >= 0x800) return this.orElse(this.range(low, 0x7ff, next), this.range(0x800, high, next));
    if (low < 0x10000 && high >= 0x10000)
      return this.orElse(this.range(low, 0xffff, next), this.range(0x10000, high, next));
    // Split until all but the first bytes that differ run over all continuation bytes.
    for (let bits: u32 = 6; bits <= 18; bits += 6) {
      const mask: u32 = (1 << bits) - 1;
      if ((low & ~mask) == (high & ~mask)) break;
      if (low & mask) return this.orElse(this.range(low, low | mask, next), this.range((low | mask) + 1, high, next));
      if ((high & mask) != mask) {
        return this.orElse(this.range(low, (high & ~mask) - 1, next), this.range(high & ~mask, high, next));
      }
    }
    const length = writeUtf8(low, encoded) - encoded;
    writeUtf8(high, encoded + 4);
    for (let i = length - 1; i > 0; i--) {
      next = this.sharedByte(load<u8>(encoded + i), load<u8>(encoded + i + 4), next);
    }
    return this.byte(load<u8>(encoded), load<u8>(encoded + 4), next);
  }
}
