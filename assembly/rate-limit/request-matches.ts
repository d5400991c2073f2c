import { ConfigReader, RequestHeaders } from "@attache/sdk";
import { RequestFacts, RequestMatch } from "@attache/istio";

/** Any of several matches; every request when there are none. */
@final
export class RequestMatches {
  private readonly alternatives: RequestMatch[] = [];
  private readonly facts: RequestFacts = new RequestFacts();

  constructor(config: ConfigReader) {
    for (let index = 0; index < config.length; index++) {
      this.alternatives.push(new RequestMatch(config.at(index).asObject()));
    }
  }

  matches(headers: RequestHeaders): bool {
    const alternatives = this.alternatives;
    if (alternatives.length == 0) return true;
    const facts = this.facts;
    facts.begin(headers);
    for (let index = 0; index < alternatives.length; index++) {
      if (unchecked(alternatives[index]).matches(facts)) return true;
    }
    return false;
  }
}
