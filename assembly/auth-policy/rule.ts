import { RequestFacts } from "./request-facts";
import { Term } from "./term";

/** One rule of a policy: any of its sources, any of its operations and all of its conditions. */
@final
export class Rule {
  /**
   * @param id Istio's name for it: `ns[foo]-policy[httpbin]-rule[0]`
   * @param sources the terms of each; without one, every source will do
   * @param operations likewise
   */
  constructor(
    readonly id: string,
    readonly sources: Term[][],
    readonly operations: Term[][],
    readonly conditions: Term[],
  ) {}

  matches(request: RequestFacts, restricts: bool): bool {
    return (
      anyHolds(this.operations, request, restricts) &&
      anyHolds(this.sources, request, restricts) &&
      allHold(this.conditions, request, restricts)
    );
  }
}

function anyHolds(alternatives: Term[][], request: RequestFacts, restricts: bool): bool {
  for (let index = 0; index < alternatives.length; index++) {
    if (allHold(unchecked(alternatives[index]), request, restricts)) return true;
  }
  return alternatives.length == 0;
}

function allHold(terms: Term[], request: RequestFacts, restricts: bool): bool {
  for (let index = 0; index < terms.length; index++) {
    if (!unchecked(terms[index]).holds(request, restricts)) return false;
  }
  return true;
}
