import { RequestFacts } from "./request-facts";
import { Term } from "./term";

/** One rule of a policy: any of its sources, any of its operations and all of its conditions. */
@final
export class Rule {
  private name: string = "";

  /**
   * @param policy Istio's name for its policy: `ns[foo]-policy[httpbin]`
   * @param index its place there
   * @param sources the terms of each; without one, every source will do
   * @param operations likewise
   */
  constructor(
    private readonly policy: string,
    private readonly index: i32,
    readonly sources: StaticArray<StaticArray<Term>>,
    readonly operations: StaticArray<StaticArray<Term>>,
    readonly conditions: StaticArray<Term>,
  ) {}

  /** Istio's name for it: `ns[foo]-policy[httpbin]-rule[0]`. Made when it is first asked for. */
  get id(): string {
    if (this.name.length == 0) this.name = this.policy + "-rule[" + this.index.toString() + "]";
    return this.name;
  }

  matches(request: RequestFacts, restricts: bool): bool {
    return (
      anyHolds(this.operations, request, restricts) &&
      anyHolds(this.sources, request, restricts) &&
      allHold(this.conditions, request, restricts)
    );
  }
}

function anyHolds(alternatives: StaticArray<StaticArray<Term>>, request: RequestFacts, restricts: bool): bool {
  for (let index = 0; index < alternatives.length; index++) {
    if (allHold(unchecked(alternatives[index]), request, restricts)) return true;
  }
  return alternatives.length == 0;
}

function allHold(terms: StaticArray<Term>, request: RequestFacts, restricts: bool): bool {
  for (let index = 0; index < terms.length; index++) {
    if (!unchecked(terms[index]).holds(request, restricts)) return false;
  }
  return true;
}
