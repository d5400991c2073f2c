import { Found, TextVisitor } from "../match/text-index";
import { Dfa } from "./dfa";
import { PatternParser } from "./pattern-parser";
import { PatternUnion } from "./pattern-union";
import { Regex, RegexMode } from "./regex";
import { firstOf, Outcome, sizeOf } from "./simulation";

/**
 * Finds numbers by the regular expressions that they were added under: those that match the whole text, as
 * {@link Regex.matches} does. They are compiled into one automaton, so a text is run through once, whatever their number.
 * The number added last is found first.
 *
 * ```ts
 * const set = new RegexSet(found);
 * set.add(new Regex("/users/[0-9]+"), 7);
 * set.add(new Regex("/users/.*"), 8);
 * set.compile();
 * set.visit(path.start, path.length); // found.take(8), found.take(7) for /users/1
 * ```
 *
 * Cost: compiling allocates; a search does not, once the states that texts lead to have been built. These take up to about
 * 256 KiB and 64 bytes for each instruction: 1.3 MiB for a thousand expressions of 17 instructions each, what they begin with in
 * common not counted. More than 32,768 instructions are several automata, of 2.25 MiB each at most. Time is
 * linear in the text, whatever the expressions: where building states does not pay, all paths are
 * followed at once, or, when those are many, the expressions are tried one by one, each with the states of its own {@link Regex}.
 */
@final
export class RegexSet extends TextVisitor {
  private readonly regexes: Regex[] = [];
  private readonly values: i32[] = [];
  private readonly ranges: RegexRange[] = [];

  constructor(private readonly found: Found) {
    super();
  }

  /** Adds a regex, before {@link compile}. One with an error matches nothing. */
  add(regex: Regex, value: i32): void {
    if (regex.error !== null) return;
    this.regexes.push(regex);
    this.values.push(value);
  }

  /** Builds the automata, once all are added; before, nothing is found. */
  compile(): void {
    const regexes = this.regexes;
    for (let from = 0, to = 1; to <= regexes.length; to++) {
      if (to < regexes.length && regexes[to].mode == regexes[from].mode) continue;
      this.compileRange(from, to);
      from = to;
    }
  }

  /** Hands every number whose regex matches the whole text to the `found` of the constructor. */
  visit(start: usize, length: i32): bool {
    const ranges = this.ranges;
    for (let index = ranges.length - 1; index >= 0; index--) {
      const range = unchecked(ranges[index]);
      const matches = range.automaton.matchesOf(start, length);
      if (matches == Outcome.Dead) continue;
      const ends = matches == Outcome.Unknown ? this.tryEach(range, start, length) : this.report(range.from, matches);
      if (ends) return true;
    }
    return false;
  }

  /** @param matches set of the Matches, of which instruction n is that of regex n - 1 */
  private report(from: i32, matches: usize): bool {
    for (let at = matches + sizeOf(matches) - 2; at >= firstOf(matches); at -= 2) {
      const match = <i32>load<u16>(at);
      if (match != 0 && this.found.take(unchecked(this.values[from + match - 1]))) return true;
    }
    return false;
  }

  private tryEach(range: RegexRange, start: usize, length: i32): bool {
    for (let index = range.to - 1; index >= range.from; index--) {
      const isMatch = unchecked(this.regexes[index]).matches(start, length);
      if (isMatch && this.found.take(unchecked(this.values[index]))) return true;
    }
    return false;
  }

  private compileRange(from: i32, to: i32): void {
    const isBytes = this.regexes[from].mode == RegexMode.Bytes;
    const union = new PatternUnion(isBytes);
    for (let index = from; index < to; index++) {
      union.add(new PatternParser(this.regexes[index].pattern, isBytes).parse());
    }
    const start = union.compile();
    if (union.program.isTooLarge) {
      const middle = (from + to) >> 1;
      this.compileRange(from, middle);
      this.compileRange(middle, to);
    } else {
      this.ranges.push(new RegexRange(from, to, new Dfa(union.program, start, 0, -1, to - from)));
    }
  }
}

/** Regexes that are one automaton. */
@final
class RegexRange {
  constructor(
    readonly from: i32,
    readonly to: i32,
    readonly automaton: Dfa,
  ) {}
}
