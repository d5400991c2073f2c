import { ConfigReader, Text } from "@attache/sdk";
import { RequestFacts, RequestMatch } from "@attache/istio";
import { headerName, headerValue, optionalHeaderValue } from "./header-text";
import { StickyKeys } from "./sticky-key";
import { WeightedChoice } from "./weighted-choice";

/**
 * A header that marks requests before they are routed: with the value of the first rule that matches, else with one by
 * weight, else with the default. What a client sends counts only when the tag is told to trust it.
 */
@final
export class TrafficTag {
  private readonly header: Text;
  private readonly trustsIncoming: bool;
  private readonly matches: RequestMatch[] = [];
  private readonly values: Text[] = [];
  private readonly weighted: Text[] = [];
  private readonly choice: WeightedChoice;
  private readonly fallback: Text | null;

  constructor(config: ConfigReader) {
    const header = config.required("header");
    const name = header.asString();
    this.header = header.isPresent ? headerName(header, name) : new Text(name);
    this.trustsIncoming = config.bool("trustIncoming", false);
    this.fallback = optionalHeaderValue(config, "default");
    const choice = new WeightedChoice(name);
    this.choice = choice;
    const rules = config.array("rules");
    for (let index = 0; index < rules.length; index++) {
      const rule = rules.at(index).asObject();
      const value = readValue(rule);
      const match = rule.array("match");
      if (match.length == 0) rule.error("match must not be empty: use default");
      for (let at = 0; at < match.length; at++) {
        this.matches.push(new RequestMatch(match.at(at).asObject()));
        this.values.push(value);
      }
    }
    const weights = config.array("weights");
    for (let index = 0; index < weights.length; index++) {
      const entry = weights.at(index).asObject();
      this.weighted.push(readValue(entry));
      choice.add(entry, 0);
    }
    choice.check(weights);
  }

  apply(facts: RequestFacts, stickyKeys: StickyKeys): void {
    const headers = facts.headers;
    if (this.trustsIncoming && headers.getBytesOf(this.header) !== null) return;
    const value = this.valueFor(facts, stickyKeys);
    if (value === null) {
      if (headers.getBytesOf(this.header) !== null) headers.deleteOf(this.header);
      else return;
    } else headers.setOf(this.header, value);
    facts.begin(headers);
  }

  private valueFor(facts: RequestFacts, stickyKeys: StickyKeys): Text | null {
    const matches = this.matches;
    for (let index = 0; index < matches.length; index++) {
      if (unchecked(matches[index]).matches(facts)) return unchecked(this.values[index]);
    }
    if (this.weighted.length == 0) return this.fallback;
    return unchecked(this.weighted[this.choice.choose(stickyKeys.find(facts))]);
  }
}

function readValue(config: ConfigReader): Text {
  const value = config.required("value");
  return headerValue(value, value.asString());
}
