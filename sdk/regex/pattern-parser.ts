import { CharClass } from "./char-class";
import { ClassParser } from "./class-parser";
import { Condition, Pattern, PatternKind } from "./pattern";
import { END } from "./pattern-scanner";

/** RE2's limit for `{n}`, and for the product of such repetitions within each other. */
const MAX_REPEAT: i32 = 1000;

/** Groups within each other; bounds the stack of all that walk a pattern. RE2 allows 1000. */
const MAX_DEPTH: i32 = 250;

/** Parses RE2's syntax (https://github.com/google/re2/wiki/Syntax). Stops at the first error, which it keeps. */
@final
export class PatternParser extends ClassParser {
  /** Capturing groups so far. */
  groups: i32 = 0;

  private depth: i32 = 0;
  // The flags that hold at the position, beside ignoreCase.
  private multiLine: bool = false;
  private dotAll: bool = false;
  private lazy: bool = false;

  parse(): Pattern {
    const pattern = this.choice();
    if (this.peek() == 0x29) this.fail(this.position, "')' closes no group; write '\\)' for the character");
    return pattern;
  }

  /** Alternatives up to `)` or the end. */
  private choice(): Pattern {
    const first = this.sequence();
    if (this.peek() != 0x7c) return first;
    const choice = new Pattern(PatternKind.Choice);
    choice.append(first);
    while (this.accept(0x7c)) choice.append(this.sequence());
    return choice;
  }

  private sequence(): Pattern {
    const sequence = new Pattern(PatternKind.Sequence);
    let repeated = false; // whether the last thing was a repetition operator
    while (true) {
      const start = this.position;
      const c = this.peek();
      if (c == END || c == 0x7c || c == 0x29) break;
      const isRepeat = (c == 0x2a || c == 0x2b || c == 0x3f || c == 0x7b) && this.repeat(sequence, start, repeated);
      if (!isRepeat) this.atom(sequence, start);
      repeated = isRepeat;
    }
    return sequence;
  }

  /** Applies the repetition operator at the position to the last part; `false` when `{` is only a character. */
  private repeat(sequence: Pattern, start: i32, repeated: bool): bool {
    const c = this.next();
    let min = c == 0x2b ? 1 : 0;
    let max = c == 0x3f ? 1 : -1;
    if (c == 0x7b) {
      min = max = this.count();
      if (this.accept(0x2c)) max = this.peek() == 0x7d ? -1 : this.count();
      if (min < 0 || max < -1 || !this.accept(0x7d)) {
        this.position = start;
        return false;
      }
    }
    const isLazy = this.accept(0x3f);
    if (repeated) this.fail(start, "a repetition cannot be repeated; put it in a group");
    if (!sequence.last) this.fail(start, "there is nothing to repeat");
    if (min > MAX_REPEAT || max > MAX_REPEAT) this.fail(start, "more than 1000 repetitions");
    if (max >= 0 && max < min) this.fail(start, "the repetition counts are in the wrong order");
    if (this.failed) return true;
    const child = sequence.pop();
    const repeat = new Pattern(PatternKind.Repeat);
    repeat.append(child);
    repeat.min = min;
    repeat.max = max;
    repeat.isLazy = isLazy != this.lazy;
    const copies = max < 0 ? min : max;
    if (copies > 1) repeat.copies *= copies;
    if (repeat.copies > MAX_REPEAT) this.fail(start, "more than 1000 repetitions, with those inside");
    sequence.append(repeat);
    return true;
  }

  /** A decimal number without leading zeros, or -2. */
  private count(): i32 {
    const start = this.position;
    let value = 0;
    while (this.peek() - 0x30 <= 9) value = min(value * 10 + <i32>(this.next() - 0x30), 100_000_000);
    const digits = this.position - start;
    return digits == 0 || value == 100_000_000 || (digits > 1 && this.charAt(start) == 0x30) ? -2 : value;
  }

  private atom(sequence: Pattern, start: i32): void {
    const c = this.next();
    if (c == 0x28) this.group(sequence, start);
    else if (c == 0x5b) this.appendSet(sequence, this.bracketClass(start));
    else if (c == 0x5c) this.escape(sequence, start);
    else if (c == 0x2e) this.appendSet(sequence, this.dot());
    else if (c == 0x5e) this.check(sequence, this.multiLine ? Condition.BeginLine : Condition.BeginText);
    else if (c == 0x24) this.check(sequence, this.multiLine ? Condition.EndLine : Condition.EndText);
    else this.literal(sequence, start, c);
  }

  private check(sequence: Pattern, condition: u32): void {
    sequence.append(new Pattern(PatternKind.Check, condition));
  }

  private appendSet(sequence: Pattern, set: CharClass): void {
    const pattern = new Pattern(PatternKind.Class);
    pattern.set = set;
    sequence.append(pattern);
  }

  private dot(): CharClass {
    const set = new CharClass();
    if (this.dotAll) {
      set.add(0, this.limit);
    } else {
      set.add(0, 0x09);
      set.add(0x0b, this.limit);
    }
    return set;
  }

  /** A character of the pattern. In byte mode, what is not ASCII stands for its UTF-8 bytes, together one part. */
  private literal(sequence: Pattern, start: i32, code: u32): void {
    if ((code & 0xfffff800) == 0xd800) this.fail(start, "half a surrogate pair is not a character");
    if (!this.isBytes || code < 0x80) return this.character(sequence, code);
    const bytes = new Pattern(PatternKind.Sequence);
    const buffer = String.UTF8.encode(String.fromCodePoint(code));
    for (let i = 0; i < buffer.byteLength; i++) {
      bytes.append(new Pattern(PatternKind.Literal, load<u8>(changetype<usize>(buffer) + i)));
    }
    sequence.append(bytes);
  }

  private character(sequence: Pattern, code: u32): void {
    if (this.ignoreCase) {
      const set = new CharClass();
      set.add(code, code);
      this.fold(set);
      if (set.length > 1 || set.low(0) < set.high(0)) return this.appendSet(sequence, set);
    }
    sequence.append(new Pattern(PatternKind.Literal, code));
  }

  private group(sequence: Pattern, start: i32): void {
    const ignoreCase = this.ignoreCase;
    const multiLine = this.multiLine;
    const dotAll = this.dotAll;
    const lazy = this.lazy;
    let capture: Pattern | null = null;
    if (!this.accept(0x3f)) {
      capture = new Pattern(PatternKind.Capture, ++this.groups);
    } else if (this.groupName(start)) {
      capture = new Pattern(PatternKind.Capture, ++this.groups);
    } else if (!this.failed && !this.flags(start)) {
      return; // they hold up to the end of the group around
    }
    if (++this.depth > MAX_DEPTH) this.fail(start, "groups are nested more than 250 deep");
    const body = this.choice();
    if (!this.accept(0x29)) this.fail(start, "the group is not closed; add ')'");
    this.depth--;
    if (capture) capture.append(body);
    sequence.append(capture ? capture : body);
    this.ignoreCase = ignoreCase;
    this.multiLine = multiLine;
    this.dotAll = dotAll;
    this.lazy = lazy;
  }

  /** Reads `P<name>` or `<name>` after `(?`, and tells whether that is what stands there. */
  private groupName(start: i32): bool {
    let p = this.position;
    if (this.charAt(p) == 0x50) p++;
    const sign = this.charAt(p);
    const after = this.charAt(p + 1);
    if (sign == 0x3d || sign == 0x21 || (sign == 0x3c && (after == 0x3d || after == 0x21))) {
      this.fail(
        start,
        p > this.position ? "back-references are not supported" : "lookahead and lookbehind are not supported",
      );
    }
    if (sign != 0x3c || this.failed) return false;
    this.position = ++p;
    while (isNameCharacter(this.peek())) this.next();
    if (this.position == p || !this.accept(0x3e)) {
      this.fail(start, "a group name is letters, digits and '_', and '>' ends it");
    }
    return true;
  }

  /** Reads the flags after `(?`, and tells whether a group follows, after `:`. */
  private flags(start: i32): bool {
    let on = true;
    let any = false;
    while (true) {
      const c = this.next();
      if (c == 0x69) this.ignoreCase = on;
      else if (c == 0x6d) this.multiLine = on;
      else if (c == 0x73) this.dotAll = on;
      else if (c == 0x55) this.lazy = on;
      else if ((c == 0x3a || c == 0x29) && (on || any)) return c == 0x3a;
      else if (c != 0x2d || !on) {
        this.fail(start, "'(?' must be followed by ':', '<name>', 'P<name>' or flags out of 'imsU'");
        return false;
      }
      any = c != 0x2d;
      if (!any) on = false;
    }
  }

  private escape(sequence: Pattern, start: i32): void {
    const c = this.next();
    if (c == 0x62) return this.check(sequence, Condition.WordBoundary);
    if (c == 0x42) return this.check(sequence, Condition.NoWordBoundary);
    if (c == 0x41) return this.check(sequence, Condition.BeginText);
    if (c == 0x7a) return this.check(sequence, Condition.EndText);
    if (c == 0x43) return sequence.append(new Pattern(PatternKind.AnyByte));
    if (c == 0x51) return this.quotation(sequence);
    const set = new CharClass();
    this.position = start;
    if (this.escapedClass(set)) this.appendSet(sequence, set);
    else this.character(sequence, this.escapedCharacter());
  }

  /** Everything up to `\E` or the end, as it is. */
  private quotation(sequence: Pattern): void {
    while (this.peek() != END) {
      const start = this.position;
      if (this.charAt(start) == 0x5c && this.charAt(start + 1) == 0x45) {
        this.position += 2;
        break;
      }
      this.literal(sequence, start, this.next());
    }
  }
}

/** RE2 allows letters, digits and marks of any script; no other character above ASCII is told apart here. */
function isNameCharacter(c: u32): bool {
  return c == 0x5f || c - 0x30 <= 9 || (c | 0x20) - 0x61 < 26 || (c >= 0x80 && c != END);
}
