import type { HeaderList } from "@attache/harness";
import type { Environment } from "../environment.ts";
import { foundFor, type Facts } from "./found.ts";
import type { Fields } from "./fields.ts";
import { FilterUnderTest } from "./filter.ts";
import { policiesOf, ruleId, type Action, type Configuration, type Policy } from "./policies.ts";
import { partsOf, Questions, type Part } from "./questions.ts";
import type { Request } from "./request-file.ts";

/** What becomes of a request, and why. */
export interface Explanation {
  decision: "allowed" | "denied";
  /**
   * What decided: a rule (`ns[shop]-policy[x]-rule[0]`), `none` when no rule of an `ALLOW` policy matches, otherwise what is
   * wrong with the request, such as `Jwt is expired`; `null` when there is nothing to decide about.
   */
  by: string | null;
  /** What the client gets from the filter; `null` when the request passes. */
  response: { status: number; headers: HeaderList; body: string; details: string } | null;
  /** What the upstream gets; `null` when the request does not pass. */
  upstream: { method: string; path: string; headers: HeaderList } | null;
  /** Of the verified token. */
  claims: Fields | null;
  /** In the order in which they are asked; empty when the request does not come as far. */
  policies: ExplainedPolicy[];
  notes: string[];
}

export interface ExplainedPolicy {
  name: string;
  namespace: string;
  action: Action;
  isDryRun: boolean;
  provider: string | null;
  matches: boolean;
  rules: ExplainedRule[];
}

/** Any of `from`, any of `to`, and all of `when`; an empty list asks for nothing. */
export interface ExplainedRule {
  id: string;
  matches: boolean;
  from: ExplainedAlternative[];
  to: ExplainedAlternative[];
  when: ExplainedPart[];
}

export interface ExplainedAlternative {
  matches: boolean;
  parts: ExplainedPart[];
}

/** A field of a source, an operation or a condition. */
export interface ExplainedPart {
  field: string;
  isNegative: boolean;
  values: string[];
  /** What the request has there. */
  found: string[];
  matches: boolean;
}

/**
 * Has the filter itself decide about a request, and then about each part of each rule. A {@link Problem} says what is wrong
 * with the configuration.
 */
export async function explain(
  module: Uint8Array,
  given: Configuration,
  request: Request,
  environment: Environment = {},
): Promise<Explanation> {
  const filter = new FilterUnderTest(module, given, request, environment);
  const { outcome, upstream, notes } = await filter.decide();
  const payload = outcome.published("jwt_payload");
  const claims = payload === null ? null : (JSON.parse(Buffer.from(payload, "latin1").toString()) as Fields);
  const facts: Facts = { request, sourceIp: outcome.sourceIp, claims };
  const deniedBy = outcome.published("auth_policy_denied_by");
  const isDenied = upstream === null;
  // What else denies does so before the policies are looked at.
  const isLookedAt = !isDenied || deniedBy === "none" || (deniedBy?.startsWith("ns[") ?? false);
  const policies = isLookedAt ? await explainPolicies(filter, policiesOf(given), facts, deniedBy) : [];
  const { status, headers, body, details } = outcome;
  return {
    decision: isDenied ? "denied" : "allowed",
    by: isDenied ? (deniedBy ?? details) : allowingRule(policies),
    response: isDenied ? { status, headers, body, details } : null,
    upstream,
    claims,
    policies,
    notes,
  };
}

/** The order in which policies are asked; services by their names, as in Istio. */
const order: readonly Action[] = ["CUSTOM", "AUDIT", "DENY", "ALLOW"];

async function explainPolicies(
  filter: FilterUnderTest,
  policies: readonly Policy[],
  facts: Facts,
  deniedBy: string | null,
): Promise<ExplainedPolicy[]> {
  const custom = policies.filter(({ action }) => action === "CUSTOM");
  const others = policies.filter(({ action }) => action !== "CUSTOM");
  const isRefused = custom.some((policy) => policy.rules.some((_rule, index) => ruleId(policy, index) === deniedBy));
  const explained = [
    ...(await ask(filter, custom, facts, [])),
    // Services that agree can change the request before the other policies look at it.
    ...(await ask(filter, others, facts, isRefused ? [] : custom)),
  ];
  const rank = ({ action }: ExplainedPolicy) => order.indexOf(action);
  return explained.sort((a, b) => rank(a) - rank(b) || compare(a.provider ?? "", b.provider ?? ""));
}

/** @param custom `CUSTOM` policies that come first */
async function ask(
  filter: FilterUnderTest,
  policies: readonly Policy[],
  facts: Facts,
  custom: readonly Policy[],
): Promise<ExplainedPolicy[]> {
  const questions = new Questions();
  const numbers = new Map<Part, number>();
  const asked = policies.map((policy) => ({ policy, rules: policy.rules.map(partsOf) }));
  for (const { policy, rules } of asked) {
    for (const { from, to, when } of rules) {
      for (const part of [from, to, when].flat(2)) numbers.set(part, questions.add(policy, part.rule));
    }
  }
  const answers = await filter.ask(questions, custom);
  const explainPart = (part: Part): ExplainedPart => ({
    field: part.field,
    isNegative: part.isNegative,
    values: part.values,
    found: foundFor(part.field, facts),
    matches: answers[numbers.get(part)!]!,
  });
  const explainAlternative = (parts: readonly Part[]): ExplainedAlternative => {
    const explained = parts.map(explainPart);
    return { matches: explained.every(isMatch), parts: explained };
  };
  return asked.map(({ policy, rules }) => {
    const explained = rules.map((rule, index): ExplainedRule => {
      const [from, to] = [rule.from.map(explainAlternative), rule.to.map(explainAlternative)];
      const when = rule.when.map(explainPart);
      const matches = [from, to].every((list) => list.length === 0 || list.some(isMatch)) && when.every(isMatch);
      return { id: ruleId(policy, index), matches, from, to, when };
    });
    const { name, namespace, action, isDryRun, provider } = policy;
    return { name, namespace, action, isDryRun, provider, matches: explained.some(isMatch), rules: explained };
  });
}

/** The filter does not say which rule it was that allowed. */
function allowingRule(policies: readonly ExplainedPolicy[]): string | null {
  const enforced = policies.filter(({ action, isDryRun }) => action === "ALLOW" && !isDryRun);
  return enforced.flatMap(({ rules }) => rules).find(isMatch)?.id ?? null;
}

function isMatch({ matches }: { matches: boolean }): boolean {
  return matches;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
