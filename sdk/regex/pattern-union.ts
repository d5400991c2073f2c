import { CharClass } from "./char-class";
import { Compiler } from "./compiler";
import { Condition, Pattern, PatternKind } from "./pattern";
import { Op, Program } from "./program";

/** Branchings on the way to a pattern's end at which patterns are still looked at for what they share; bounds the stack. */
const MAX_BRANCHINGS: i32 = 100;

/**
 * Compiles patterns that are matched with the whole text into one program. Those that begin alike share the instructions
 * for that: a thousand patterns that begin with `/api/v[0-9]+/` are one path up to there, so sets of instructions stay small.
 *
 * The Match of pattern number n is instruction n + 1.
 */
@final
export class PatternUnion {
  private readonly compiler: Compiler;
  private readonly patterns: Pattern[][] = [];
  /** Numbers of the patterns, which {@link join} reorders. */
  private readonly numbers: i32[] = [];

  constructor(isBytes: bool) {
    this.compiler = new Compiler(isBytes);
  }

  get program(): Program {
    return this.compiler.program;
  }

  add(pattern: Pattern): void {
    const parts: Pattern[] = [];
    addParts(pattern, parts);
    // The ends of the text are where a match of the whole begins and ends.
    while (parts.length > 0 && isCheck(parts[0], Condition.BeginText | Condition.BeginLine)) parts.shift();
    while (parts.length > 0 && isCheck(parts[parts.length - 1], Condition.EndText | Condition.EndLine)) parts.pop();
    this.numbers.push(this.patterns.length);
    this.patterns.push(parts);
  }

  /** Compiles all, and returns where the program begins. */
  compile(): u32 {
    const count = this.patterns.length;
    for (let number = 0; number < count; number++) this.program.emit(Op.Match, 0, 0, 0, number);
    return this.join(0, count, 0, 0);
  }

  /** Where the patterns at `from` up to `to` begin, less the parts before `depth`, which they share. */
  private join(from: i32, to: i32, depth: i32, branchings: i32): u32 {
    const compiler = this.compiler;
    let start: u32 = 0;
    while (from < to && !this.program.isTooLarge) {
      const parts = this.patterns[from];
      let next = from + 1;
      let behind: u32 = <u32>this.numbers[from] + 1;
      if (depth < parts.length) {
        if (branchings < MAX_BRANCHINGS) next = this.gather(from, to, depth);
        let end = parts.length;
        if (next > from + 1) {
          end = depth + 1;
          while (this.gather(from, next, end) == next) end++;
          behind = this.join(from, next, end, branchings + 1);
        }
        while (end > depth) behind = compiler.compile(parts[--end], behind);
      }
      start = start ? compiler.either(behind, start) : behind;
      from = next;
    }
    return start;
  }

  /**
   * Moves the patterns of `from` to `to` that have the same part at `depth` as the first one next to it, and returns the
   * end of these; `from` when the first one has no such part.
   */
  private gather(from: i32, to: i32, depth: i32): i32 {
    const patterns = this.patterns;
    const numbers = this.numbers;
    if (depth == patterns[from].length) return from;
    const part = patterns[from][depth];
    let next = from + 1;
    for (let at = next; at < to; at++) {
      const other = patterns[at];
      if (depth == other.length || !areAlike(part, other[depth])) continue;
      const number = numbers[at];
      patterns[at] = patterns[next];
      numbers[at] = numbers[next];
      patterns[next] = other;
      numbers[next++] = number;
    }
    return next;
  }
}

/** What must match one after the other. What groups capture does not matter here. */
function addParts(pattern: Pattern, into: Pattern[]): void {
  if (pattern.kind != PatternKind.Sequence && pattern.kind != PatternKind.Capture) {
    into.push(pattern);
    return;
  }
  const children: Pattern[] = [];
  let child = pattern.last;
  while (child) {
    children.push(child);
    child = child.previous;
  }
  for (let index = children.length - 1; index >= 0; index--) addParts(children[index], into);
}

function isCheck(pattern: Pattern, conditions: u32): bool {
  return pattern.kind == PatternKind.Check && (pattern.value & conditions) != 0;
}

/** Whether two patterns match the same, as far as their structure tells. */
function areAlike(one: Pattern, other: Pattern): bool {
  if (one.kind != other.kind || one.min != other.min || one.max != other.max) return false;
  if (one.value != other.value && one.kind != PatternKind.Capture) return false;
  if (one.kind == PatternKind.Class && !areEqual(one.set!, other.set!)) return false;
  let child = one.last;
  let otherChild = other.last;
  while (child && otherChild) {
    if (!areAlike(child, otherChild)) return false;
    child = child.previous;
    otherChild = otherChild.previous;
  }
  return !child && !otherChild;
}

function areEqual(one: CharClass, other: CharClass): bool {
  if (one.length != other.length) return false;
  for (let index = 0; index < one.length; index++) {
    if (one.low(index) != other.low(index) || one.high(index) != other.high(index)) return false;
  }
  return true;
}
