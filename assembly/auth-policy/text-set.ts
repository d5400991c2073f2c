import { Found, KeyKind, TextIndex, TextVisitor } from "@attache/sdk";
import { TextMatch } from "./text-match";

/** From so many values on, looking them up is cheaper than trying each. */
const INDEXED_FROM: i32 = 9;

/** The values that a rule lists for an attribute; a text is in the set when one of them matches. */
@final
export class TextSet extends TextVisitor {
  private index: TextIndex | null = null;
  private found: FoundMatch | null = null;
  /** Those that no index can find. */
  private tried: StaticArray<TextMatch>;

  constructor(readonly matches: StaticArray<TextMatch>) {
    super();
    this.tried = matches;
    if (matches.length >= INDEXED_FROM) this.buildIndex();
  }

  /** Whether the text is in the set. */
  visit(start: usize, length: i32): bool {
    const tried = this.tried;
    for (let at = 0; at < tried.length; at++) {
      if (unchecked(tried[at]).matches(start, length)) return true;
    }
    const index = this.index;
    if (index === null) return false;
    this.found!.look(start, length);
    return index.visit(start, length);
  }

  private buildIndex(): void {
    const matches = this.matches;
    const found = new FoundMatch(matches);
    const index = new TextIndex(found);
    const tried: TextMatch[] = [];
    for (let at = 0; at < matches.length; at++) {
      const match = matches[at];
      if (match.keyKind == KeyKind.None) tried.push(match);
      else index.add(match.keyKind, match.key, at);
    }
    this.tried = StaticArray.fromArray(tried);
    this.found = found;
    this.index = index;
  }
}

/** What an index finds has its key right; the pattern decides. */
@final
class FoundMatch extends Found {
  private start: usize = 0;
  private length: i32 = 0;

  constructor(private readonly matches: StaticArray<TextMatch>) {
    super();
  }

  look(start: usize, length: i32): void {
    this.start = start;
    this.length = length;
  }

  take(at: i32): bool {
    return unchecked(this.matches[at]).matches(this.start, this.length);
  }
}
