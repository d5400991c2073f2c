import { Compiler } from "./compiler";
import { Dfa } from "./dfa";
import { Condition } from "./pattern";
import { PatternParser } from "./pattern-parser";
import { highOf, lowOf, Op, opOf, outOf, Program } from "./program";

/** What a pattern is matched against. */
export enum RegexMode {
  /**
   * UTF-8 text: `.`, classes and literals match code points. What is not valid UTF-8 is matched by nothing but `\C`;
   * like RE2, `.` and negated classes do take overlong forms and surrogates.
   */
  Utf8,
  /**
   * Bytes: `.` is any byte but a line feed, `\xff` and classes are bytes; other literals stand for their UTF-8 bytes.
   */
  Bytes,
}

/**
 * A regular expression with RE2's syntax and semantics (https://github.com/google/re2/wiki/Syntax), matched against
 * bytes in time linear in their number, whatever the pattern. So it decides as Envoy and Istio do, and no request can
 * make it slow.
 *
 * ```ts
 * const version = new Regex("/api/v[0-9]+/.*");
 * if (version.error) config.error(version.error!);
 * if (version.matches(path.start, path.length)) …
 * ```
 *
 * Which of many match is found out by a `RegexSet`, in one go.
 *
 * Not supported, beside what RE2 does not support: more than 250 groups within each other, and `\p{Greek}` unless the
 * filter calls {@link enableUnicodeClasses}. `(?i)` folds case as RE2 does, by Unicode's simple case folding.
 *
 * Cost: compiling allocates; a program has at most 32,768 instructions (Istio's limit). Matching takes one table
 * look-up per byte once the states that inputs lead to have been built; they take up to 256 KiB, and nothing else is
 * allocated.
 */
@final
export class Regex {
  /**
   * `null`, or what is wrong with the pattern: `column 3: there is nothing to repeat`. Such a regex matches nothing.
   */
  readonly error: string | null;

  /** @internal */
  readonly program: Program;
  /** @internal Where the program begins for a match of the whole text. */
  start: u32 = 0;
  /** @internal Number of capturing groups. */
  readonly groups: i32;
  private anywhere: u32 = 0;
  private dfa: Dfa | null = null;
  /** The bytes with which every match begins. */
  private prefix: StaticArray<u8> = new StaticArray<u8>(0);
  /** Whether the prefix is all there is. */
  private isLiteral: bool = false;

  constructor(
    /** @internal */
    readonly pattern: string,
    /** @internal */
    readonly mode: RegexMode = RegexMode.Utf8,
  ) {
    const isBytes = mode == RegexMode.Bytes;
    const parser = new PatternParser(pattern, isBytes);
    const compiler = new Compiler(isBytes);
    this.program = compiler.program;
    const parsed = parser.parse();
    this.groups = parser.groups;
    let error = parser.error;
    if (error === null) {
      const start = compiler.add(parsed, 0);
      const anywhere = compiler.anywhere(start);
      if (compiler.program.isTooLarge) {
        error = "the pattern is too large: it compiles to more than 32768 instructions";
      } else {
        this.start = start;
        this.anywhere = anywhere;
        this.findPrefix();
      }
    }
    this.error = error;
  }

  /** Whether the whole of the `length` bytes at `start` matches. */
  matches(start: usize, length: i32): bool {
    if (!this.isLiteral) return this.automaton().matches(start, length, false);
    const literal = this.prefix;
    return length == literal.length && memory.compare(start, changetype<usize>(literal), length) == 0;
  }

  /** Whether some part of the `length` bytes at `start` matches. */
  test(start: usize, length: i32): bool {
    return this.automaton().matches(start, length, true);
  }

  /** The bytes that everything the whole of which matches begins with: what an index can find the pattern by. */
  get literalPrefix(): StaticArray<u8> {
    return this.prefix;
  }

  private automaton(): Dfa {
    let dfa = this.dfa;
    if (!dfa) {
      const firstByte = this.prefix.length ? <i32>this.prefix[0] : -1;
      dfa = new Dfa(this.program, this.start, this.anywhere, firstByte);
      this.dfa = dfa;
    }
    return dfa;
  }

  /**
   * Follows the program as long as there is but one way. Anchors at the ends are no obstacle to a match of the whole.
   */
  private findPrefix(): void {
    const program = this.program;
    let length = 0;
    let at = program.at(this.start);
    while (true) {
      const op = opOf(at);
      if (op == Op.Byte && lowOf(at) == highOf(at)) length++;
      else if (op != Op.Save && !(op == Op.Check && isAtEnd(program, at, length))) break;
      at = program.at(outOf(at));
    }
    this.isLiteral = opOf(at) == Op.Match;
    const prefix = new StaticArray<u8>(length);
    at = program.at(this.start);
    for (let i = 0; i < length;) {
      if (opOf(at) == Op.Byte) unchecked((prefix[i++] = <u8>lowOf(at)));
      at = program.at(outOf(at));
    }
    this.prefix = prefix;
  }
}

/** Whether a Check is `^` before anything else, or `$` right before the Match. */
function isAtEnd(program: Program, check: u64, length: i32): bool {
  if (lowOf(check) == Condition.BeginText) return length == 0;
  return lowOf(check) == Condition.EndText && opOf(program.at(outOf(check))) == Op.Match;
}
