import { ConfigReader, isHeaderName } from "@attache/sdk";
import { Attribute } from "./attribute";
import { PolicyContext } from "./policy-context";
import { noPeerAddress } from "./source";
import { AddressOf, Term } from "./term";
import { ValueTerm } from "./value-term";
import { noTokens, Values, ValueKind } from "./values";

/** Istio's `Condition`: one more attribute, with the values it must have and those it must not have. */
export class Condition {
  private readonly key: string;
  /** Whether its values can be those of claims. */
  private takesSources: bool = false;

  constructor(
    private readonly config: ConfigReader,
    private readonly context: PolicyContext,
  ) {
    this.key = config.string("key", "");
  }

  read(): void {
    const config = this.config;
    const key = this.key;
    const attributes = this.context.attributes;
    const hasSources = config.array("valuesFrom").length + config.array("notValuesFrom").length > 0;
    const hasValues = hasSources || config.array("values").length + config.array("notValues").length > 0;
    if (key.length == 0) {
      config.error("`key` must not be empty");
      return;
    }
    if (!hasValues) config.error("at least one of `values` or `notValues` must be set for key " + key);

    if (key == "source.principal") this.texts(ValueKind.Principal, attributes.principal);
    else if (key == "source.namespace") this.texts(ValueKind.Namespace, attributes.principal);
    else if (key == "source.serviceAccount") this.texts(ValueKind.ServiceAccount, attributes.principal);
    else if (key == "source.trustDomain") this.texts(ValueKind.TrustDomain, attributes.principal);
    else if (key == "remote.ip") this.addresses(AddressOf.Client);
    else if (key == "source.ip") this.peerAddresses();
    else if (key == "destination.ip") this.addresses(AddressOf.Destination);
    else if (key == "destination.port") this.texts(ValueKind.Port, attributes.port);
    else if (key == "connection.sni") this.texts(ValueKind.Plain, attributes.serverName);
    else if (key == "request.auth.principal") this.requestPrincipals();
    else if (key == "request.auth.audiences") this.claim(["aud"]);
    else if (key == "request.auth.presenter") this.claim(["azp"]);
    else this.readNamed();
    if (hasSources && !this.takesSources) config.error("valuesFrom and notValuesFrom cannot be used with " + key);
  }

  /** A key with a name in brackets, or an unknown one. */
  private readNamed(): void {
    const key = this.key;
    const attributes = this.context.attributes;
    const open = key.indexOf("[");
    const kind = open < 0 ? key : key.substring(0, open);
    const isMetadata = kind.startsWith("experimental.envoy.filters.");
    const isKnown =
      kind == "request.headers" ||
      kind == "request.auth.claims" ||
      kind == "request.query" ||
      kind == "request.cookies" ||
      isMetadata;
    if (!isKnown) {
      this.config.get("key").error(explainUnknown(kind, key));
      return;
    }
    if (open < 0 || !key.endsWith("]") || key.length - open < 3) {
      this.config.get("key").error("bad key (" + key + "): should have format a[b]");
      return;
    }
    const name = key.substring(open + 1, key.length - 1);
    if (kind == "request.headers") this.header(name);
    else if (kind == "request.query") this.texts(ValueKind.Header, attributes.query(name));
    else if (kind == "request.cookies") this.texts(ValueKind.Header, attributes.cookie(name));
    else if (kind == "request.auth.claims") this.claim(claimPath(name));
    else this.metadata(kind.substring("experimental.".length), name);
  }

  private header(name: string): void {
    // Pseudo headers such as `:path` have names as well.
    if (!isHeaderName(name.startsWith(":") ? name.substring(1) : name)) {
      this.config.get("key").warn("is never there: " + name + " is not a header name");
    }
    this.texts(ValueKind.Header, this.context.attributes.header(name));
  }

  private metadata(filter: string, name: string): void {
    this.refuseLists(this.config.get("values"));
    this.refuseLists(this.config.get("notValues"));
    this.texts(ValueKind.Plain, this.context.attributes.metadata(filter, name));
  }

  private refuseLists(values: ConfigReader): void {
    for (let index = 0; index < values.length; index++) {
      const value = values.at(index).asString();
      if (value.startsWith("[") && value.endsWith("]")) {
        values.at(index).error("lists in metadata are not supported: only text can be compared");
      }
    }
  }

  private texts(kind: ValueKind, attribute: Attribute): void {
    const config = this.config;
    this.takesSources = kind == ValueKind.Header || kind == ValueKind.Plain;
    if (this.takesSources) {
      this.sources(config.get("valuesFrom"), attribute, false);
      this.sources(config.get("notValuesFrom"), attribute, true);
    }
    this.push(new Values(this.context, kind, "values").readTexts(config.get("values"), attribute, false));
    this.push(new Values(this.context, kind, "notValues").readTexts(config.get("notValues"), attribute, true));
  }

  /** Values that a claim of the request's own token has. */
  private sources(list: ConfigReader, attribute: Attribute, isNegative: bool): void {
    if (list.length == 0) return;
    const sources: Attribute[] = [];
    for (let index = 0; index < list.length; index++) {
      const key = list.at(index).asString();
      if (!key.startsWith(CLAIMS) || !key.endsWith("]") || key.length < CLAIMS.length + 2) {
        list.at(index).error("must be request.auth.claims[name]");
      } else {
        sources.push(this.context.attributes.claim(claimPath(key.substring(CLAIMS.length, key.length - 1))));
      }
    }
    if (!this.context.isAuthenticating) list.warn(noTokens());
    if (!isNegative || !this.context.allows) return this.push(new ValueTerm(attribute, sources, isNegative));
    // To let a request pass, each of the claims must be known not to be the value.
    for (let index = 0; index < sources.length; index++) this.push(new ValueTerm(attribute, [sources[index]], true));
  }

  private addresses(whose: AddressOf): void {
    const config = this.config;
    this.push(new Values(this.context, ValueKind.Plain, "values").readAddresses(config.get("values"), whose, false));
    this.push(
      new Values(this.context, ValueKind.Plain, "notValues").readAddresses(config.get("notValues"), whose, true),
    );
  }

  private peerAddresses(): void {
    if (!this.context.takesRemoteForPeer) this.config.get("key").error(noPeerAddress());
    this.addresses(AddressOf.Client);
  }

  private requestPrincipals(): void {
    const config = this.config;
    const values = new Values(this.context, ValueKind.Plain, "values");
    this.push(values.readRequestPrincipals(config.get("values"), false));
    const notValues = new Values(this.context, ValueKind.Plain, "notValues");
    this.push(notValues.readRequestPrincipals(config.get("notValues"), true));
  }

  private claim(path: string[]): void {
    if (!this.context.isAuthenticating) this.config.get("key").warn(noTokens());
    this.texts(ValueKind.Plain, this.context.attributes.claim(path));
  }

  private push(term: Term | null): void {
    this.context.terms.add(term);
  }
}

const CLAIMS: string = "request.auth.claims[";

/** The names in `a][b`; brackets in any other order make one name of all. */
function claimPath(names: string): string[] {
  const path = names.split("][");
  for (let index = 0; index < path.length; index++) {
    const name = path[index];
    if (name.length == 0 || name.includes("[") || name.includes("]")) return [names];
  }
  return path;
}

function explainUnknown(kind: string, key: string): string {
  if (kind == "destination.namespace") return "destination.namespace is replaced by the metadata.namespace";
  if (kind == "destination.labels") return "destination.labels is replaced by the workload selector";
  if (kind == "destination.name" || kind == "destination.user") return kind + " is deprecated and has no effect";
  return "unknown attribute: " + key;
}
