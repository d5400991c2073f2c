import { ConfigReader } from "@attache/sdk";
import { Attribute } from "./attribute";
import { PolicyContext } from "./policy-context";
import { AddressOf, Term } from "./term";
import { Values, ValueKind } from "./values";

/** Istio's `Source`: who sends the request. */
export function readSource(config: ConfigReader, context: PolicyContext): Term[] {
  const terms: Term[] = [];
  const principal = context.attributes.principal;
  readPair(config, "principals", "notPrincipals", ValueKind.Principal, principal, context, terms);
  readPair(config, "namespaces", "notNamespaces", ValueKind.Namespace, principal, context, terms);
  readPair(config, "serviceAccounts", "notServiceAccounts", ValueKind.ServiceAccount, principal, context, terms);
  readPair(config, "trustDomains", "notTrustDomains", ValueKind.TrustDomain, principal, context, terms);
  readRequestPrincipals(config, "requestPrincipals", false, context, terms);
  readRequestPrincipals(config, "notRequestPrincipals", true, context, terms);
  readBlocks(config, "ipBlocks", false, true, context, terms);
  readBlocks(config, "notIpBlocks", true, true, context, terms);
  readBlocks(config, "remoteIpBlocks", false, false, context, terms);
  readBlocks(config, "notRemoteIpBlocks", true, false, context, terms);
  const hasAccounts = config.has("serviceAccounts") || config.has("notServiceAccounts");
  const hasOthers =
    config.has("principals") || config.has("notPrincipals") || config.has("namespaces") || config.has("notNamespaces");
  if (hasAccounts && hasOthers) config.error("cannot set serviceAccounts with namespaces or principals");
  if (context.allows && config.has("notPrincipals") && !config.has("principals")) {
    config.get("notPrincipals").warn("lets requests pass that come without mTLS, and so without a principal");
  }
  return terms;
}

/** Reads a field and the one that negates it. */
export function readPair(
  config: ConfigReader,
  name: string,
  negation: string,
  kind: ValueKind,
  attribute: Attribute,
  context: PolicyContext,
  into: Term[],
): void {
  readField(config, name, false, kind, attribute, context, into);
  readField(config, negation, true, kind, attribute, context, into);
}

function readField(
  config: ConfigReader,
  name: string,
  isNegative: bool,
  kind: ValueKind,
  attribute: Attribute,
  context: PolicyContext,
  into: Term[],
): void {
  if (!config.has(name)) return;
  const list = config.get(name);
  push(into, new Values(context, kind, name).readTexts(list, attribute, isNegative));
}

/** Why the address of the direct peer cannot be asked for. */
export function noPeerAddress(): string {
  return (
    "the proxy does not tell filters the address of the direct peer: use remoteIpBlocks or remote.ip, or set " +
    'options.sourceIpFrom to "remoteAddress" to compare the address that x-forwarded-for can change'
  );
}

function readRequestPrincipals(
  config: ConfigReader,
  name: string,
  isNegative: bool,
  context: PolicyContext,
  into: Term[],
): void {
  push(into, new Values(context, ValueKind.Plain, name).readRequestPrincipals(config.get(name), isNegative));
}

function readBlocks(
  config: ConfigReader,
  name: string,
  isNegative: bool,
  isPeer: bool,
  context: PolicyContext,
  into: Term[],
): void {
  if (!config.has(name)) return;
  const list = config.get(name);
  if (isPeer && !context.takesRemoteForPeer) list.error(noPeerAddress());
  const values = new Values(context, ValueKind.Plain, name);
  push(into, values.readAddresses(list, AddressOf.Client, isNegative));
}

function push(into: Term[], term: Term | null): void {
  if (term !== null) into.push(term);
}
