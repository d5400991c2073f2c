import { ConfigReader, JsonKind } from "@attache/sdk";
import { Condition } from "./condition";
import { ignoreScope } from "./ignored-scope";
import { readOperation } from "./operation";
import { PolicyContext } from "./policy-context";
import { Rule } from "./rule";
import { readSource } from "./source";
import { Term } from "./term";

/** What becomes of a request that a policy matches. */
export enum Action {
  Allow,
  Deny,
  Audit,
  Custom,
}

/** Istio's `AuthorizationPolicy`: the resource as it is in a cluster, or only its `spec` with a `name`. */
export class Policy {
  readonly action: Action;
  /** Whether it is only tried: it decides nothing. */
  readonly isDryRun: bool;
  readonly rules: Rule[] = [];
  /** The external service that a `CUSTOM` policy has asked. */
  readonly provider: string;
  /** Istio's name for it: `ns[foo]-policy[httpbin]`. */
  private readonly id: string;

  /** @param position among the policies: the name of one that has none */
  constructor(config: ConfigReader, position: i32, context: PolicyContext) {
    const isResource = config.has("spec");
    const spec = isResource ? config.object("spec") : config;
    const metadata = config.has("metadata") ? config.object("metadata") : config;
    if (isResource) readEnvelope(config);
    const name = metadata.string("name", position.toString());
    const namespace = metadata.string("namespace", "");
    this.id = "ns[" + namespace + "]-policy[" + name + "]";
    this.isDryRun = readDryRun(metadata.object("annotations"));
    if (config.has("metadata")) acceptAll(metadata);

    const action = <Action>spec.oneOf("action", ["ALLOW", "DENY", "AUDIT", "CUSTOM"], Action.Allow);
    this.action = action;
    this.provider = readProvider(spec, action);
    context.namespace = namespace;
    context.allows = this.action == Action.Allow;
    ignoreScope(spec);
    if (this.isDryRun && action != Action.Allow && action != Action.Deny) {
      spec.error(
        "the annotation istio.io/dry-run currently only supports action ALLOW/DENY, found action " + actionName(action),
      );
    }
    const rules = spec.array("rules");
    this.checkRules(spec, rules);
    for (let index = 0; index < rules.length; index++) this.readRule(rules.at(index).asObject(), index, context);
  }

  private readRule(config: ConfigReader, index: i32, context: PolicyContext): void {
    const sources = config.has("from") ? readSources(config.array("from"), index, context) : NO_ALTERNATIVES;
    const operations = config.has("to") ? readOperations(config.array("to"), index, context) : NO_ALTERNATIVES;
    const conditions = config.has("when") ? readConditions(config.array("when"), context) : NO_TERMS;
    this.rules.push(new Rule(this.id, index, sources, operations, conditions));
  }

  private checkRules(spec: ConfigReader, rules: ConfigReader): void {
    if (rules.length > 0 || this.action == Action.Allow || this.action == Action.Audit) return;
    spec.error(
      actionName(this.action) +
        " action without `rules` is meaningless as it will never be triggered, " +
        "add an empty rule `{}` if you want it be triggered for every request",
    );
  }
}

// Shared by all rules: there can be ten thousand.
const NO_ALTERNATIVES: StaticArray<StaticArray<Term>> = [];
const NO_TERMS: StaticArray<Term> = [];

function readSources(from: ConfigReader, index: i32, context: PolicyContext): StaticArray<StaticArray<Term>> {
  const sources = new StaticArray<StaticArray<Term>>(from.length);
  if (from.length == 0) from.error("`from` must not be empty" + foundAt(index));
  for (let at = 0; at < from.length; at++) {
    const entry = from.at(at).asObject();
    const source = entry.object("source");
    if (source.length == 0) entry.error("`from.source` must not be empty" + foundAt(index));
    const terms = readSource(source, context);
    if (source.length > 0 && terms.length == 0) source.error("`from.source` must not be empty" + foundAt(index));
    sources[at] = terms;
  }
  return sources;
}

function readOperations(to: ConfigReader, index: i32, context: PolicyContext): StaticArray<StaticArray<Term>> {
  const operations = new StaticArray<StaticArray<Term>>(to.length);
  if (to.length == 0) to.error("`to` must not be empty" + foundAt(index));
  for (let at = 0; at < to.length; at++) {
    const entry = to.at(at).asObject();
    const operation = entry.object("operation");
    if (operation.length == 0) entry.error("`to.operation` must not be nil" + foundAt(index));
    const terms = readOperation(operation, context);
    if (operation.length > 0 && terms.length == 0) operation.error("`to.operation` must not be empty" + foundAt(index));
    operations[at] = terms;
  }
  return operations;
}

function readConditions(when: ConfigReader, context: PolicyContext): StaticArray<Term> {
  for (let at = 0; at < when.length; at++) new Condition(when.at(at).asObject(), context).read();
  return context.terms.take();
}

/** What Istio adds to a problem of a rule. */
function foundAt(index: i32): string {
  return ", found at rule " + index.toString();
}

/** The name of the external service. */
function readProvider(spec: ConfigReader, action: Action): string {
  const provider = spec.object("provider");
  const name = provider.string("name", "");
  if (action == Action.Custom && name.length == 0) spec.error("`provider.name` must not be empty");
  if (action != Action.Custom && provider.isPresent) {
    provider.error("`provider` must not be with non CUSTOM action, found " + actionName(action));
  }
  return name;
}

function actionName(action: Action): string {
  if (action == Action.Allow) return "ALLOW";
  if (action == Action.Deny) return "DENY";
  return action == Action.Audit ? "AUDIT" : "CUSTOM";
}

/** What a resource of the cluster has beside its `spec`. */
function readEnvelope(config: ConfigReader): void {
  const kind = config.string("kind", "AuthorizationPolicy");
  if (kind != "AuthorizationPolicy") config.get("kind").error('must be "AuthorizationPolicy"');
  config.string("apiVersion", "");
  config.ignore("status");
}

/** Labels, versions and whatever else a cluster writes are nobody's mistake. */
function acceptAll(config: ConfigReader): void {
  for (let index = 0; index < config.length; index++) config.at(index);
}

/** The annotation `istio.io/dry-run`, with the words for truth that Go has. */
function readDryRun(annotations: ConfigReader): bool {
  let isDryRun = false;
  for (let index = 0; index < annotations.length; index++) {
    const annotation = annotations.at(index);
    if (annotation.key != "istio.io/dry-run") continue;
    const isText = annotation.kind == JsonKind.String;
    const value = annotation.asString();
    isDryRun = isListed(value, ",1,t,T,TRUE,true,True,");
    if (isText && !isDryRun && !isListed(value, ",0,f,F,FALSE,false,False,")) {
      annotation.warn("is neither true nor false: the policy is enforced");
    }
  }
  return isDryRun;
}

/** Whether `value` is one of the words that commas divide in `list`. */
function isListed(value: string, list: string): bool {
  return !value.includes(",") && list.includes("," + value + ",");
}
