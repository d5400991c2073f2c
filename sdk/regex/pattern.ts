import { CharClass } from "./char-class";

/** What a part of a pattern is. */
export enum PatternKind {
  /** Matches nothing but the empty string. */
  Empty,
  /** One code point, or one byte in byte mode: `value`. */
  Literal,
  /** One code point of `set`. */
  Class,
  /** Any byte at all: `\C`. */
  AnyByte,
  /** The empty string where the {@link Condition} `value` holds. */
  Check,
  /** One child, captured as group number `value`. */
  Capture,
  /** Children one after the other. */
  Sequence,
  /** One of the children; earlier ones are preferred. */
  Choice,
  /** One child, `min` to `max` times; `max` -1 is without end. */
  Repeat,
}

/** Places in a text, as bits. */
export namespace Condition {
  export const BeginText: u32 = 1;
  export const EndText: u32 = 2;
  export const BeginLine: u32 = 4;
  export const EndLine: u32 = 8;
  export const WordBoundary: u32 = 16;
  export const NoWordBoundary: u32 = 32;
}

/** A part of a parsed pattern. Children are linked backwards, since programs are built from the end. */
@final
export class Pattern {
  last: Pattern | null = null;
  previous: Pattern | null = null;
  set: CharClass | null = null;
  min: i32 = 0;
  max: i32 = 0;
  isLazy: bool = false;
  /** How many copies of its innermost part the counted repetitions in it ask for. */
  copies: i32 = 1;

  constructor(
    public kind: PatternKind,
    public value: u32 = 0,
  ) {}

  /** Whether it can match the empty string, at some place. */
  get isNullable(): bool {
    switch (this.kind) {
      case PatternKind.Literal:
      case PatternKind.Class:
      case PatternKind.AnyByte:
        return false;
      case PatternKind.Sequence:
        return !this.hasChild(false);
      case PatternKind.Choice:
        return this.hasChild(true);
      case PatternKind.Repeat:
        return this.min == 0 || this.last!.isNullable;
      case PatternKind.Capture:
        return this.last!.isNullable;
      default:
        return true;
    }
  }

  /** Whether a child can match the empty string, or one cannot. */
  private hasChild(nullable: bool): bool {
    let child = this.last;
    while (child) {
      if (child.isNullable == nullable) return true;
      child = child.previous;
    }
    return false;
  }

  append(child: Pattern): void {
    child.previous = this.last;
    this.last = child;
    if (child.copies > this.copies) this.copies = child.copies;
  }

  /** Takes the last child away. */
  pop(): Pattern {
    const child = this.last!;
    this.last = child.previous;
    return child;
  }
}
