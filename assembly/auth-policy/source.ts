import { ConfigReader } from "@attache/sdk";
import { Attribute } from "./attribute";
import { PolicyContext } from "./policy-context";
import { AddressOf, Term } from "./term";
import { Values, ValueKind } from "./values";

/** Istio's `Source`: who sends the request. */
export function readSource(config: ConfigReader, context: PolicyContext): StaticArray<Term> {
  const principal = context.attributes.principal;
  readPair(config, "principals", "notPrincipals", ValueKind.Principal, principal, context);
  readPair(config, "namespaces", "notNamespaces", ValueKind.Namespace, principal, context);
  readPair(config, "serviceAccounts", "notServiceAccounts", ValueKind.ServiceAccount, principal, context);
  readPair(config, "trustDomains", "notTrustDomains", ValueKind.TrustDomain, principal, context);
  readRequestPrincipals(config, "requestPrincipals", false, context);
  readRequestPrincipals(config, "notRequestPrincipals", true, context);
  readBlocks(config, "ipBlocks", false, true, context);
  readBlocks(config, "notIpBlocks", true, true, context);
  readBlocks(config, "remoteIpBlocks", false, false, context);
  readBlocks(config, "notRemoteIpBlocks", true, false, context);
  const hasAccounts = config.has("serviceAccounts") || config.has("notServiceAccounts");
  const hasOthers =
    config.has("principals") || config.has("notPrincipals") || config.has("namespaces") || config.has("notNamespaces");
  if (hasAccounts && hasOthers) config.error("cannot set serviceAccounts with namespaces or principals");
  if (context.allows && config.has("notPrincipals") && !config.has("principals")) {
    config.get("notPrincipals").warn("lets requests pass that come without mTLS, and so without a principal");
  }
  return context.terms.take();
}

/** Reads a field and the one that negates it. */
export function readPair(
  config: ConfigReader,
  name: string,
  negation: string,
  kind: ValueKind,
  attribute: Attribute,
  context: PolicyContext,
): void {
  readField(config, name, false, kind, attribute, context);
  readField(config, negation, true, kind, attribute, context);
}

function readField(
  config: ConfigReader,
  name: string,
  isNegative: bool,
  kind: ValueKind,
  attribute: Attribute,
  context: PolicyContext,
): void {
  if (!config.has(name)) return;
  const list = config.get(name);
  context.terms.add(new Values(context, kind, name).readTexts(list, attribute, isNegative));
}

/** Why the address of the direct peer cannot be asked for. */
export function noPeerAddress(): string {
  return (
    "the proxy does not tell filters the address of the direct peer: use remoteIpBlocks or remote.ip, or set " +
    'options.sourceIpFrom to "remoteAddress" to compare the address that x-forwarded-for can change'
  );
}

function readRequestPrincipals(config: ConfigReader, name: string, isNegative: bool, context: PolicyContext): void {
  context.terms.add(new Values(context, ValueKind.Plain, name).readRequestPrincipals(config.get(name), isNegative));
}

function readBlocks(config: ConfigReader, name: string, isNegative: bool, isPeer: bool, context: PolicyContext): void {
  if (!config.has(name)) return;
  const list = config.get(name);
  if (isPeer && !context.takesRemoteForPeer) list.error(noPeerAddress());
  const values = new Values(context, ValueKind.Plain, name);
  context.terms.add(values.readAddresses(list, AddressOf.Client, isNegative));
}
