import type { EnvoyHttpFilter } from "../../e2e/istio/translate.ts";
import type { Json } from "../translation.ts";
import type { Condition, JwtRule, Operation, Policy, Rule, Source, Table } from "./policy.ts";

const HTTP = "type.googleapis.com/envoy.extensions.filters.http";
const TEMPLATE = "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig";
const JWT = "envoy.filters.http.jwt_authn";

/** The filters that Istio's `pilot/pkg/security` makes of policies in the namespace `default`, in their order. */
export function translate({ policies, jwtRules }: Table): EnvoyHttpFilter[] {
  return [
    ...(jwtRules.length > 0 ? [authentication(jwtRules)] : []),
    ...(["AUDIT", "DENY", "ALLOW"] as const).flatMap((action) => {
      const those = policies.filter((policy) => policy.action === action);
      return those.length > 0 ? [authorization(action, those)] : [];
    }),
  ];
}

function authorization(action: Policy["action"], policies: readonly Policy[]): EnvoyHttpFilter {
  const tried = policies.filter(({ isDryRun }) => isDryRun);
  const enforced = policies.filter(({ isDryRun }) => !isDryRun);
  const typed_config = {
    "@type": `${HTTP}.rbac.v3.RBAC`,
    ...(enforced.length > 0 ? { rules: rulesOf(action, enforced) } : {}),
    ...(tried.length > 0 ? { shadow_rules: rulesOf(action, tried) } : {}),
    shadow_rules_stat_prefix: action === "DENY" && tried.length > 0 ? "istio_dry_run_deny_" : "istio_dry_run_allow_",
  };
  return { name: "envoy.filters.http.rbac", typed_config };
}

function rulesOf(action: Policy["action"], policies: readonly Policy[]): Json {
  const rules = policies.flatMap((policy) => {
    const id = (index: number) => `ns[default]-policy[${policy.name}]-rule[${index}]`;
    if (policy.rules.length === 0) return [[id(0), never] as const];
    return policy.rules.map((rule, index) => [id(index), translateRule(rule)] as const);
  });
  const named = action === "AUDIT" ? "LOG" : action;
  return { ...(action === "ALLOW" ? {} : { action: named }), policies: Object.fromEntries(rules) };
}

const never = { permissions: [{ not_rule: { any: true } }], principals: [{ not_id: { any: true } }] };

function translateRule({ from = [{ source: {} }], to = [{ operation: {} }], when = [] }: Rule): Json {
  const conditions = when.map(translateCondition);
  const of = (side: Side, own: Json[]) => {
    const rules = [...own, ...conditions.flatMap((condition) => (condition.side === side ? condition.terms : []))];
    return and(side, rules.length > 0 ? rules : [{ any: true }]);
  };
  return {
    permissions: to.map(({ operation }) => of(permission, translateOperation(operation))),
    principals: from.map(({ source }) => of(principal, translateSource(source))),
  };
}

/** Envoy has two kinds of terms, which differ in the names of what joins them. */
interface Side {
  and: string;
  or: string;
  not: string;
  list: string;
}
const permission: Side = { and: "and_rules", or: "or_rules", not: "not_rule", list: "rules" };
const principal: Side = { and: "and_ids", or: "or_ids", not: "not_id", list: "ids" };

const and = (side: Side, terms: Json[]): Json => ({ [side.and]: { [side.list]: terms } });
const or = (side: Side, terms: Json[]): Json => ({ [side.or]: { [side.list]: terms } });
const not = (side: Side, term: Json): Json => ({ [side.not]: term });

/** A term for each value of a field, of which any will do. */
function pair(side: Side, term: (value: string) => Json, values?: string[], notValues?: string[]): Json[] {
  return pairOf(side, (all) => or(side, all.map(term)), values, notValues);
}

/** One term for all values of a field. */
function pairOf(side: Side, any: (values: string[]) => Json, values: string[] = [], notValues: string[] = []): Json[] {
  return [...(values.length > 0 ? [any(values)] : []), ...(notValues.length > 0 ? [not(side, any(notValues))] : [])];
}

function translateOperation(operation: Operation): Json[] {
  return [
    ...pair(permission, host, operation.hosts, operation.notHosts),
    ...pair(permission, header(":method"), operation.methods, operation.notMethods),
    ...pair(permission, path, operation.paths, operation.notPaths),
    ...pair(permission, port, operation.ports, operation.notPorts),
  ];
}

function translateSource(source: Source): Json[] {
  const tokens = [source.requestPrincipals, source.notRequestPrincipals] as const;
  return [
    ...pair(principal, spiffe, source.principals, source.notPrincipals),
    ...pairOf(principal, requestPrincipals, ...tokens),
    ...pair(principal, trustDomain, source.trustDomains, source.notTrustDomains),
    ...pair(principal, serviceAccount, source.serviceAccounts, source.notServiceAccounts),
    ...pair(principal, namespace, source.namespaces, source.notNamespaces),
    ...pair(principal, block("remote_ip"), source.remoteIpBlocks, source.notRemoteIpBlocks),
    ...pair(principal, block("direct_remote_ip"), source.ipBlocks, source.notIpBlocks),
  ];
}

function translateCondition({ key, values, notValues }: Condition): { side: Side; terms: Json[] } {
  const [, kind, name] = /^([^[]+)(?:\[(.*)\])?$/.exec(key)!;
  const at = (side: Side, term: (value: string) => Json) => ({ side, terms: pair(side, term, values, notValues) });
  const of = (side: Side, any: (values: string[]) => Json) => ({ side, terms: pairOf(side, any, values, notValues) });
  switch (kind) {
    case "destination.ip":
      return at(permission, block("destination_ip"));
    case "destination.port":
      return at(permission, port);
    case "connection.sni":
      return at(permission, (value) => ({ requested_server_name: stringMatch(value) }));
    case "request.headers":
      return at(principal, header(name!));
    case "source.principal":
      return at(principal, spiffe);
    case "source.namespace":
      return at(principal, namespace);
    case "source.serviceAccount":
      return at(principal, serviceAccount);
    case "source.trustDomain":
      return at(principal, trustDomain);
    case "remote.ip":
      return at(principal, block("remote_ip"));
    case "source.ip":
      return at(principal, block("direct_remote_ip"));
    case "request.auth.principal":
      return of(principal, requestPrincipals);
    case "request.auth.audiences":
      return of(principal, claim(["aud"]));
    case "request.auth.presenter":
      return of(principal, claim(["azp"]));
    case "request.auth.claims":
      return of(principal, claim(name!.split("][")));
    default: {
      const filter = kind!.replace(/^experimental\./, "");
      return of(permission, (all) => metadata(filter, [name!], anyString(all)));
    }
  }
}

/** Istio's rule for strings. */
function stringMatch(rule: string, ignoreCase = false): Json {
  const folded = ignoreCase ? { ignore_case: true } : {};
  if (rule === "*") return { safe_regex: { regex: ".+" } };
  if (rule.startsWith("*")) return { suffix: rule.slice(1), ...folded };
  return rule.endsWith("*") ? { prefix: rule.slice(0, -1), ...folded } : { exact: rule, ...folded };
}

function header(name: string, ignoreCase = false): (value: string) => Json {
  return (value) => ({
    header: value === "*" ? { name, present_match: true } : { name, string_match: stringMatch(value, ignoreCase) },
  });
}

const host = header(":authority", true);

function path(value: string): Json {
  if (!/\{\*\*?\}/.test(value)) return { url_path: { path: stringMatch(value) } };
  const path_template = value.replaceAll("{**}", "**").replaceAll("{*}", "*");
  return { uri_template: { name: "uri-template", typed_config: { "@type": TEMPLATE, path_template } } };
}

function port(value: string): Json {
  return { destination_port: Number(value) };
}

function block(kind: string): (value: string) => Json {
  return (value) => {
    const [address, size] = value.split("/");
    const prefix_len = size === undefined ? (value.includes(":") ? 128 : 32) : Number(size);
    return { [kind]: { address_prefix: address, ...(prefix_len === 0 ? { prefix_len: 0 } : { prefix_len }) } };
  };
}

function authenticated(match: Json): Json {
  return { authenticated: { principal_name: match } };
}

const regex = (text: string): Json => ({ safe_regex: { regex: text } });
const quote = (text: string) => text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");

function spiffe(value: string): Json {
  if (value === "*") return authenticated(regex(".+"));
  if (value.startsWith("*")) return authenticated(regex(`spiffe://.*${quote(value.slice(1))}`));
  return authenticated(stringMatch(`spiffe://${value}`));
}

function namespace(value: string): Json {
  return authenticated(regex(`.*/ns/${value.split("*").map(quote).join(".*")}/.*`));
}

function trustDomain(value: string): Json {
  if (value === "*") return authenticated({ prefix: "spiffe://" });
  if (!value.includes("*")) return authenticated({ prefix: `spiffe://${value}/` });
  return authenticated(regex(`spiffe://${value.split("*").map(quote).join("[^/]*")}/.*`));
}

function serviceAccount(value: string): Json {
  const [name, space = "default"] = value.split("/").reverse();
  return authenticated(regex(`spiffe://.+/ns/${quote(space)}/(.+/|)sa/${quote(name!)}(/.+)?`));
}

function metadata(filter: string, path: readonly string[], value: Json): Json {
  return { metadata: { filter, path: path.map((key) => ({ key })), value } };
}

function anyString(values: readonly string[]): Json {
  const matchers = values.map((value) => ({ string_match: stringMatch(value) }));
  return matchers.length === 1 ? matchers[0]! : { or_match: { value_matchers: matchers } };
}

/** Text, or a list that has it. */
function claim(names: readonly string[]): (values: string[]) => Json {
  return (values) => {
    const text = anyString(values);
    return metadata(JWT, ["payload", ...names], {
      or_match: { value_matchers: [{ list_match: { one_of: text } }, text] },
    });
  };
}

function requestPrincipals(values: readonly string[]): Json {
  const terms = values.map(requestPrincipal);
  return terms.length === 1 ? terms[0]! : or(principal, terms);
}

/** Issuer and subject, divided at the last slash. */
function requestPrincipal(value: string): Json {
  const slash = value.lastIndexOf("/");
  const issuer = value.slice(0, Math.max(slash, 0));
  const subject = value.slice(slash + 1);
  const both = (iss: Json, sub: Json) =>
    and(principal, [
      metadata(JWT, ["payload", "iss"], { string_match: iss }),
      metadata(JWT, ["payload", "sub"], { string_match: sub }),
    ]);
  const any = regex(".+");
  if (value === "*") return both(any, any);
  if (value.startsWith("*")) {
    if (slash < 0) return both(any, stringMatch(value));
    return both(stringMatch(issuer), { exact: subject });
  }
  if (value.endsWith("*")) {
    if (slash < 0) return both(stringMatch(value), any);
    return both({ exact: issuer }, stringMatch(subject));
  }
  return slash < 0 ? both({ exact: value }, { exact: "" }) : both({ exact: issuer }, { exact: subject });
}

function authentication(rules: readonly JwtRule[]): EnvoyHttpFilter {
  const sorted = [...rules].sort((a, b) => (a.issuer < b.issuer ? -1 : a.issuer > b.issuer ? 1 : 0));
  const name = (index: number) => ({ provider_name: `origins-${index}` });
  const any = (requirements: Json[]) => ({ requires_any: { requirements } });
  const orMissing = (_: unknown, index: number) => any([name(index), { allow_missing: {} }]);
  const requires =
    sorted.length === 1
      ? orMissing(null, 0)
      : any([...sorted.map((_, index) => name(index)), { requires_all: { requirements: sorted.map(orMissing) } }]);
  const typed_config = {
    "@type": `${HTTP}.jwt_authn.v3.JwtAuthentication`,
    providers: Object.fromEntries(sorted.map((rule, index) => [`origins-${index}`, provider(rule)])),
    rules: [{ match: { prefix: "/" }, requires }],
    bypass_cors_preflight: true,
  };
  return { name: JWT, typed_config };
}

function provider(rule: JwtRule): Json {
  const { fromHeaders = [], fromParams = [], fromCookies = [], outputClaimToHeaders: claims = [] } = rule;
  const delimited = ["permission", "scope", ...(rule.spaceDelimitedClaims ?? [])].sort();
  return {
    issuer: rule.issuer,
    ...(rule.audiences ? { audiences: rule.audiences } : {}),
    local_jwks: { inline_string: rule.jwks },
    ...(rule.forwardOriginalToken ? { forward: true } : {}),
    ...(fromHeaders.length > 0
      ? {
          from_headers: fromHeaders.map(({ name, prefix }) => ({ name, ...(prefix ? { value_prefix: prefix } : {}) })),
        }
      : {}),
    ...(fromParams.length > 0 ? { from_params: fromParams } : {}),
    ...(fromCookies.length > 0 ? { from_cookies: fromCookies } : {}),
    ...(rule.outputPayloadToHeader ? { forward_payload_header: rule.outputPayloadToHeader } : {}),
    payload_in_metadata: "payload",
    normalize_payload_in_metadata: { space_delimited_claims: delimited },
    ...(claims.length > 0
      ? { claim_to_headers: claims.map(({ header, claim }) => ({ header_name: header, claim_name: claim })) }
      : {}),
  };
}
