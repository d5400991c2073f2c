import { isFields, listIn, textIn, type Fields } from "./fields.ts";
import type { Configuration, Policy } from "./policies.ts";

/** The header by which a request asks one question. */
const questionHeader = "x-attache-question";

/** A part of a rule that the filter is asked about, alone. */
export interface Question {
  policy: Policy;
  /** A rule with this part and no other. */
  rule: Fields;
}

/**
 * Makes the filter answer questions: of a configuration in which each part of the rules is a rule of its own. A request
 * carries the number of the part that it asks about, so one VM answers them all.
 *
 * What stops requests must be known to hold otherwise than what lets them pass (several values, unknown addresses), so parts
 * of `ALLOW` policies are asked by dry runs of such, all others by `AUDIT` policies.
 */
export class Questions {
  readonly #questions: Question[] = [];

  /** Adds a question; its number. */
  add(policy: Policy, rule: Fields): number {
    return this.#questions.push({ policy, rule }) - 1;
  }

  get count(): number {
    return this.#questions.length;
  }

  headersOf(number: number): Record<string, string> {
    return { [questionHeader]: String(number) };
  }

  /** Whether the part holds, by what the filter published when the question was asked. */
  holds(number: number, published: (name: string) => string | null): boolean {
    return isAllow(this.#questions[number]!.policy)
      ? published("auth_policy_dry_run_denied_by") !== "none"
      : published("auth_policy_audited_by") !== null;
  }

  /** @param custom `CUSTOM` policies that still are asked before the questions */
  configuration(base: Configuration, custom: readonly Policy[]): Configuration {
    const policies = this.#questions.map(({ policy, rule }, number) => ({
      name: String(number),
      ...(policy.namespace === "" ? {} : { namespace: policy.namespace }),
      ...(isAllow(policy) ? { annotations: { "istio.io/dry-run": "true" } } : { action: "AUDIT" }),
      rules: [{ ...rule, when: [...listIn(rule, "when"), { key: header(questionHeader), values: [String(number)] }] }],
    }));
    return { ...base, authorizationPolicies: [...custom.map(({ resource }) => resource), ...policies] };
  }
}

function isAllow({ action }: Policy): boolean {
  return action === "ALLOW";
}

function header(name: string): string {
  return `request.headers[${name}]`;
}

/** One field of a rule with the values it lists: what the filter is asked about. */
export interface Part {
  /** `principals`, `notPaths`, `request.headers[x-a]` */
  field: string;
  values: string[];
  /** Whether the values are those that must not be. */
  isNegative: boolean;
  rule: Fields;
}

/** The fields of each entry of `from`, each entry of `to`, and the conditions. */
export function partsOf(rule: Fields): { from: Part[][]; to: Part[][]; when: Part[] } {
  const alternatives = (list: "from" | "to", inner: "source" | "operation") =>
    listIn(rule, list).map((entry) =>
      listedIn(isFields(entry) ? entry[inner] : {}).map(([field, values]): Part => ({
        field,
        values: values.map(String),
        isNegative: /^not[A-Z_]/.test(field),
        rule: { [list]: [{ [inner]: { [field]: values } }] },
      })),
    );
  const when = listIn(rule, "when").flatMap((condition) =>
    listedIn(condition).map(([name, values]): Part => ({
      field: textIn(condition, "key"),
      values: values.map(String),
      isNegative: name.startsWith("not"),
      rule: { when: [{ key: textIn(condition, "key"), [name]: values }] },
    })),
  );
  return { from: alternatives("from", "source"), to: alternatives("to", "operation"), when };
}

function listedIn(fields: unknown): [string, unknown[]][] {
  if (!isFields(fields)) return [];
  return Object.entries(fields).filter(
    (entry): entry is [string, unknown[]] => Array.isArray(entry[1]) && entry[1].length > 0,
  );
}
