import { Term } from "./term";

/** Collects terms whose number is not known before. There can be ten thousand rules: so one list serves all of them. */
@final
export class TermList {
  private readonly terms: Term[] = [];

  add(term: Term | null): void {
    if (term !== null) this.terms.push(term);
  }

  /** What was added since the last call. */
  take(): StaticArray<Term> {
    const terms = StaticArray.fromArray(this.terms);
    this.terms.length = 0;
    return terms;
  }
}
