import type { ExplainedPart, ExplainedPolicy, ExplainedRule, Explanation } from "./explain.ts";
import type { Request } from "./request-file.ts";

/** An explanation for people: the answer, and a tree of policies with a tick or a cross at each part. */
export function describeExplanation(explanation: Explanation, request: Request): string {
  const { policies, notes } = explanation;
  const blocks = [
    describeDecision(explanation, request),
    policies.map((policy) => describePolicy(policy, explanation.by)).join("\n"),
    notes.map((note) => `note: ${note}`).join("\n"),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

function describeDecision(
  { decision, by, response, upstream, claims, policies }: Explanation,
  request: Request,
): string {
  const lines = [`${request.method} ${request.path} is ${decision}${describeReason(by, policies)}`];
  if (response !== null) {
    lines.push(`  the client gets ${response.status}${response.body === "" ? "" : `: ${response.body}`}`);
    for (const [name, value] of response.headers) if (!ordinary.has(name)) lines.push(`    ${name}: ${value}`);
  }
  if (claims !== null) lines.push(`  its token is valid: ${JSON.stringify(claims)}`);
  if (upstream !== null) lines.push(...describeChanges(upstream, request));
  return lines.join("\n");
}

/** Headers of every answer. */
const ordinary = new Set(["content-length", "content-type", "date", "server"]);

function describeReason(by: string | null, policies: readonly ExplainedPolicy[]): string {
  if (by === null) return ": no policy says otherwise";
  if (by !== "none") return ` by ${by}`;
  const hasRules = policies.some(({ action, isDryRun, rules }) => action === "ALLOW" && !isDryRun && rules.length > 0);
  return hasRules ? ": no rule of an ALLOW policy matches" : ": there is an ALLOW policy, and none has a rule";
}

/** What the upstream gets otherwise than the client sent it. */
function describeChanges(upstream: NonNullable<Explanation["upstream"]>, request: Request): string[] {
  const sent = new Map(joined(request.headers));
  const got = new Map(joined(upstream.headers));
  const lines: string[] = [];
  if (upstream.path !== request.path) lines.push(`    path: ${upstream.path}`);
  for (const [name, value] of got) {
    if (!addedByProxy.test(name) && sent.get(name) !== value) lines.push(`    ${name}: ${value}`);
  }
  for (const name of sent.keys()) if (name !== "host" && !got.has(name)) lines.push(`    without ${name}`);
  return lines.length === 0 ? [] : ["  the upstream gets", ...lines];
}

const addedByProxy = /^(x-request-id|x-forwarded-proto|x-envoy-.*|content-length|transfer-encoding)$/;

function joined(headers: Iterable<readonly [string, string]>): Map<string, string> {
  const all = new Map<string, string>();
  for (const [name, value] of headers) all.set(name, all.has(name) ? `${all.get(name)}, ${value}` : value);
  return all;
}

function describePolicy(
  { action, namespace, name, isDryRun, provider, matches, rules }: ExplainedPolicy,
  by: string | null,
) {
  const title = [action, [namespace, name].filter((part) => part !== "").join("/")];
  if (isDryRun) title.push("(dry run)");
  if (provider !== null) title.push(`asks ${provider}`);
  if (rules.length === 0) title.push("has no rules");
  const lines = rules.flatMap((rule, index) => describeRule(rule, index, by));
  return [`${mark(matches)} ${title.join(" ")}`, ...lines.map((line) => `  ${line}`)].join("\n");
}

function describeRule({ id, matches, from, to, when }: ExplainedRule, index: number, by: string | null): string[] {
  const lines = [`${mark(matches)} rule ${index}${id === by ? "  <- decides" : ""}`];
  for (const [name, list] of [
    ["from", from],
    ["to", to],
  ] as const) {
    for (const [at, alternative] of list.entries()) {
      lines.push(`  ${mark(alternative.matches)} ${name}${list.length === 1 ? "" : ` ${at}`}`);
      lines.push(...alternative.parts.map((part) => `    ${describePart(part)}`));
    }
  }
  if (when.length > 0) lines.push(`  ${mark(when.every((part) => part.matches))} when`);
  return [...lines, ...when.map((part) => `    ${describePart(part)}`)];
}

function describePart({ field, isNegative, values, found, matches }: ExplainedPart): string {
  const isCondition = field.includes(".");
  const wanted = `${isCondition && isNegative ? "not " : ""}${values.map((value) => JSON.stringify(value)).join(" or ")}`;
  const has =
    found.length === 0 ? "there is none" : `it is ${found.map((value) => JSON.stringify(value)).join(" and ")}`;
  return `${mark(matches)} ${field}: ${wanted}; ${has}`;
}

function mark(matches: boolean): string {
  return matches ? "✔" : "✘";
}
