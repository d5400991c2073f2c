import { Found, KeyKind, TextIndex } from "@attache/sdk";
import { Attribute } from "./attribute";
import { RequestFacts } from "./request-facts";
import { Rule } from "./rule";
import { Term } from "./term";
import { TextMatch } from "./text-match";

/**
 * The rules of all policies that have one action, in the order of the configuration.
 *
 * Each rule stands in an index under one of its parts: of those that every matching request must have, the one whose
 * values fewest other rules name. A request is looked up once for each attribute that an index exists for, and the rules
 * found are tried. So the cost follows the rules that a request could match, not the rules there are.
 */
@final
export class RuleSet extends Found {
  readonly rules: Rule[] = [];
  private readonly attributes: Attribute[] = [];
  private readonly indexes: TextIndex[] = [];
  /** Numbers of the rules that no index can find, in order. */
  private readonly unindexed: i32[] = [];
  /** The search in which a rule was last tried, so that several values that lead to it cost one try. */
  private tried: StaticArray<u32> = [];
  private search: u32 = 0;
  private best: i32 = 0;
  private request: RequestFacts | null = null;

  /** @param restricts whether a match stops the request, rather than lets it pass */
  constructor(private readonly restricts: bool) {
    super();
  }

  /** Builds the indexes, once all rules are there. */
  compile(): void {
    const rules = this.rules;
    this.tried = new StaticArray<u32>(rules.length);
    const all = new Indexes(this);
    for (let number = 0; number < rules.length; number++) announceRule(rules[number], all);
    for (let number = 0; number < rules.length; number++) {
      if (!addRule(rules[number], number, all)) this.unindexed.push(number);
    }
    for (let index = 0; index < all.list.length; index++) {
      if (!all.isUsed[index]) continue;
      this.attributes.push(all.attributes[index]);
      this.indexes.push(all.list[index]);
    }
  }

  /** The first rule that matches, or `null`. */
  find(request: RequestFacts): Rule | null {
    const rules = this.rules;
    if (rules.length == 0) return null;
    this.startSearch(request);
    const unindexed = this.unindexed;
    for (let at = 0; at < unindexed.length; at++) {
      const number = unchecked(unindexed[at]);
      if (unchecked(rules[number]).matches(request, this.restricts)) {
        this.best = number;
        break;
      }
    }
    const attributes = this.attributes;
    for (let at = 0; at < attributes.length && this.best > 0; at++) {
      unchecked(attributes[at]).any(request, unchecked(this.indexes[at]));
    }
    return this.best < rules.length ? unchecked(rules[this.best]) : null;
  }

  take(number: i32): bool {
    if (number >= this.best || unchecked(this.tried[number]) == this.search) return false;
    unchecked((this.tried[number] = this.search));
    if (!unchecked(this.rules[number]).matches(this.request!, this.restricts)) return false;
    this.best = number;
    return number == 0;
  }

  private startSearch(request: RequestFacts): void {
    this.request = request;
    this.best = this.rules.length;
    this.search += 1;
    if (this.search == 0) {
      this.tried = new StaticArray<u32>(this.rules.length);
      this.search = 1;
    }
  }
}

/** The indexes by their attribute, while they are built. */
class Indexes {
  readonly attributes: Attribute[] = [];
  readonly list: TextIndex[] = [];
  readonly isUsed: bool[] = [];
  private readonly numbers: Map<usize, i32> = new Map<usize, i32>();

  constructor(private readonly found: Found) {}

  /** The number of the index for `attribute`. */
  of(attribute: Attribute): i32 {
    const key = changetype<usize>(attribute);
    if (this.numbers.has(key)) return this.numbers.get(key);
    this.attributes.push(attribute);
    this.list.push(new TextIndex(this.found));
    this.isUsed.push(false);
    this.numbers.set(key, this.list.length - 1);
    return this.list.length - 1;
  }
}

/** Worse than any number of uses: such a term cannot be looked up. */
const CANNOT: i32 = i32.MAX_VALUE;

function announceRule(rule: Rule, indexes: Indexes): void {
  announceAll(rule.conditions, indexes);
  for (let index = 0; index < rule.sources.length; index++) announceAll(rule.sources[index], indexes);
  for (let index = 0; index < rule.operations.length; index++) announceAll(rule.operations[index], indexes);
}

function announceAll(terms: StaticArray<Term>, indexes: Indexes): void {
  for (let index = 0; index < terms.length; index++) {
    const attribute = terms[index].indexedBy;
    if (attribute === null) continue;
    const matches = terms[index].indexedValues!.matches;
    const texts = indexes.list[indexes.of(attribute)];
    for (let at = 0; at < matches.length; at++) {
      if (matches[at].keyKind != KeyKind.None) texts.announce(matches[at].keyKind, matches[at].key);
    }
  }
}

/** Adds a rule under its rarest part; `false` when it has none. */
function addRule(rule: Rule, number: i32, indexes: Indexes): bool {
  const bySource = costOfAlternatives(rule.sources, indexes);
  const byOperation = costOfAlternatives(rule.operations, indexes);
  const condition = rarest(rule.conditions, indexes);
  const byCondition = condition === null ? CANNOT : costOf(condition, indexes);
  const least = min(bySource, min(byOperation, byCondition));
  if (least == CANNOT) return false;
  if (condition !== null && least == byCondition) {
    addTerm(condition, number, indexes);
    return true;
  }
  const alternatives = least == byOperation ? rule.operations : rule.sources;
  for (let index = 0; index < alternatives.length; index++) {
    const term = rarest(alternatives[index], indexes);
    if (term !== null) addTerm(term, number, indexes);
  }
  return true;
}

function addTerm(term: Term, number: i32, indexes: Indexes): void {
  const index = indexes.of(term.indexedBy!);
  const matches = term.indexedValues!.matches;
  for (let at = 0; at < matches.length; at++) indexes.list[index].add(matches[at].keyKind, matches[at].key, number);
  indexes.isUsed[index] = true;
}

/** The cost of a list of which any may match: a request can come by each. */
function costOfAlternatives(alternatives: StaticArray<StaticArray<Term>>, indexes: Indexes): i32 {
  let most = alternatives.length == 0 ? CANNOT : 0;
  for (let index = 0; index < alternatives.length; index++) {
    const term = rarest(alternatives[index], indexes);
    most = max(most, term === null ? CANNOT : costOf(term, indexes));
  }
  return most;
}

/** Of terms that must all hold, the one that fewest rules share; `null` when none can be looked up. */
function rarest(terms: StaticArray<Term>, indexes: Indexes): Term | null {
  let found: Term | null = null;
  let least = CANNOT;
  for (let index = 0; index < terms.length; index++) {
    const cost = costOf(terms[index], indexes);
    if (cost >= least) continue;
    found = terms[index];
    least = cost;
  }
  return found;
}

/** How many rules a request that has one of the term's values may have to try: an estimate. */
function costOf(term: Term, indexes: Indexes): i32 {
  const attribute = term.indexedBy;
  if (attribute === null) return CANNOT;
  const matches: StaticArray<TextMatch> = term.indexedValues!.matches;
  const index = indexes.list[indexes.of(attribute)];
  let most = 0;
  for (let at = 0; at < matches.length; at++) {
    const match = matches[at];
    if (match.keyKind == KeyKind.None) return CANNOT;
    most = max(most, index.costOf(match.keyKind, match.key));
  }
  return most;
}
