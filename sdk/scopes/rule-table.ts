import { RequestHeaders } from "../http/headers";
import { Found, TextIndex } from "../match/text-index";
import { Text } from "../memory/text";
import { RuleMatch, RulePart } from "./rule-match";
import { FieldKind, ScopedRequest } from "./scoped-request";

/**
 * Rules in order, of which the first that is for a request counts.
 *
 * Each rule stands in an index under one of its parts, the one that fewest others share. A request is looked up once for
 * each field that an index exists for; only the rules found are tried. So the cost follows the rules that a request could
 * be under, not the rules there are.
 */
export class RuleTable extends Found {
  private readonly request: ScopedRequest = new ScopedRequest();
  private readonly rules: RuleMatch[] = [];
  private readonly fields: Field[] = [];
  /** Numbers of the rules that no index can find, the last one first. */
  private readonly unindexed: i32[] = [];
  /** The first rule that is known to match. */
  private best: i32 = 0;

  add(rule: RuleMatch): void {
    this.rules.push(rule);
    const parts = rule.parts;
    for (let index = 0; index < parts.length; index++) {
      const part = parts[index];
      if (!part.isIndexable) continue;
      const field = this.fieldOf(part);
      for (let at = 0; at < part.alternatives.length; at++) {
        const text = part.alternatives[at];
        field.index.announce(text.kind, text.key);
      }
    }
  }

  /** Builds the indexes, once all rules are there. */
  compile(): void {
    // Of one key the number added last is found first: the lowest, which can spare trying the others.
    for (let number = this.rules.length - 1; number >= 0; number--) {
      const part = this.rarestPart(this.rules[number]);
      if (part === null) {
        this.unindexed.push(number);
        continue;
      }
      const field = this.fieldOf(part);
      field.isUsed = true;
      for (let at = 0; at < part.alternatives.length; at++) {
        const text = part.alternatives[at];
        field.index.add(text.kind, text.key, number);
      }
    }
  }

  /** Number of the first rule that is for the request, or -1. */
  find(headers: RequestHeaders): i32 {
    const none = this.rules.length;
    if (none == 0) return -1;
    const request = this.request;
    request.begin(headers);
    this.best = none;
    const fields = this.fields;
    for (let index = 0; index < fields.length; index++) {
      const field = unchecked(fields[index]);
      if (!field.isUsed) continue;
      for (let line = 0; ; line++) {
        const value = request.valueOf(field.kind, field.name, line);
        if (value === null) break;
        field.index.visit(value.start, value.length);
      }
    }
    const unindexed = this.unindexed;
    for (let index = unindexed.length - 1; index >= 0; index--) {
      const number = unchecked(unindexed[index]);
      if (number >= this.best) break;
      this.take(number);
    }
    return this.best < none ? this.best : -1;
  }

  override take(number: i32): bool {
    if (number < this.best && unchecked(this.rules[number]).matches(this.request)) this.best = number;
    return false;
  }

  /** The part whose texts fewest rules share; `null` when no index can find the rule. */
  private rarestPart(rule: RuleMatch): RulePart | null {
    let rarest: RulePart | null = null;
    let least = i32.MAX_VALUE;
    for (let index = 0; index < rule.parts.length; index++) {
      const part = rule.parts[index];
      if (!part.isIndexable) continue;
      const field = this.fieldOf(part);
      let cost = 0;
      for (let at = 0; at < part.alternatives.length; at++) {
        const text = part.alternatives[at];
        cost += field.index.costOf(text.kind, text.key);
      }
      if (cost >= least) continue;
      least = cost;
      rarest = part;
    }
    return rarest;
  }

  private fieldOf(part: RulePart): Field {
    const fields = this.fields;
    const name = part.name;
    for (let index = 0; index < fields.length; index++) {
      const field = fields[index];
      const isSame = field.kind == part.kind && field.name.length == name.length;
      if (isSame && memory.compare(field.name.encoded, name.encoded, name.length) == 0) return field;
    }
    const field = new Field(part.kind, name, this);
    fields.push(field);
    return field;
  }
}

/** Something of a request that rules are looked up by. */
@final
class Field {
  readonly index: TextIndex;
  isUsed: bool = false;

  constructor(
    readonly kind: FieldKind,
    readonly name: Text,
    found: Found,
  ) {
    this.index = new TextIndex(found);
  }
}
