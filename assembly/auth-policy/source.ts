import { ConfigReader } from "@attache/sdk";
import { Attribute } from "./attribute";
import { PolicyContext } from "./policy-context";
import { AddressOf, Term } from "./term";
import { Values, ValueKind } from "./values";

/** Istio's `Source`: who sends the request. */
export function readSource(config: ConfigReader, context: PolicyContext): Term[] {
  const terms: Term[] = [];
  const principal = context.attributes.principal;
  readPair(config, "principals", ValueKind.Principal, principal, context, terms);
  readPair(config, "namespaces", ValueKind.Namespace, principal, context, terms);
  readPair(config, "serviceAccounts", ValueKind.ServiceAccount, principal, context, terms);
  readPair(config, "trustDomains", ValueKind.TrustDomain, principal, context, terms);
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
  kind: ValueKind,
  attribute: Attribute,
  context: PolicyContext,
  into: Term[],
): void {
  const label = capitalize(name);
  push(into, new Values(context, kind, label).readTexts(config.get(name), attribute, false));
  push(into, new Values(context, kind, "Not" + label).readTexts(config.get("not" + label), attribute, true));
}

/** Why the address of the direct peer cannot be asked for. */
export const NO_PEER_ADDRESS: string =
  "the proxy does not tell filters the address of the direct peer: use remoteIpBlocks or remote.ip, or set " +
  'options.sourceIpFrom to "remoteAddress" to compare the address that x-forwarded-for can change';

function readRequestPrincipals(
  config: ConfigReader,
  name: string,
  isNegative: bool,
  context: PolicyContext,
  into: Term[],
): void {
  push(
    into,
    new Values(context, ValueKind.Plain, capitalize(name)).readRequestPrincipals(config.get(name), isNegative),
  );
}

function readBlocks(
  config: ConfigReader,
  name: string,
  isNegative: bool,
  isPeer: bool,
  context: PolicyContext,
  into: Term[],
): void {
  const list = config.get(name);
  if (isPeer && list.isPresent && !context.takesRemoteForPeer) list.error(NO_PEER_ADDRESS);
  const values = new Values(context, ValueKind.Plain, capitalize(name));
  push(into, values.readAddresses(list, AddressOf.Client, isNegative));
}

function push(into: Term[], term: Term | null): void {
  if (term !== null) into.push(term);
}

function capitalize(name: string): string {
  return name.charAt(0).toUpperCase() + name.substring(1);
}
