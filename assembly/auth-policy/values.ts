import {
  ByteView,
  CidrSet,
  ConfigReader,
  IpAddress,
  isUriTemplate,
  JsonKind,
  Regex,
  Text,
  UriTemplate,
} from "@attache/sdk";
import { Attribute } from "./attribute";
import { lowerCase } from "./lower-case";
import { NamespaceMatch, ServiceAccountMatch, TrustDomainMatch } from "./peer-match";
import { PolicyContext } from "./policy-context";
import { RegexMatch, REGEX_MARK } from "./regex-match";
import { PrincipalMatch } from "./request-principal";
import { AddressOf, AddressTerm, RequestPrincipalTerm, Term, TextTerm } from "./term";
import { AffixMatch, ExactMatch, stringRule, TemplateMatch, TextMatch } from "./text-match";
import { TextSet } from "./text-set";

/** How the values of a field are written. */
export enum ValueKind {
  /** Istio's string rule. */
  Plain,
  /** A string rule in which `*` takes the empty value too. */
  Header,
  /** A string rule that ignores case. */
  Host,
  /** A string rule or a path template. */
  Path,
  /** A string rule for what follows `spiffe://`. */
  Principal,
  Namespace,
  ServiceAccount,
  TrustDomain,
  Port,
}

/** Most values of `serviceAccounts`, and most characters of each, that Istio's resource takes. */
const MOST_SERVICE_ACCOUNTS: i32 = 16;
const LONGEST_SERVICE_ACCOUNT: i32 = 320;

/** Reads one value at a time: everything that is wrong with it is a problem at its place. */
export class Values {
  constructor(
    private readonly context: PolicyContext,
    private readonly kind: ValueKind,
    /** Of the field: `notPaths`. */
    private readonly name: string,
  ) {}

  /** The name in Istio's messages: `NotPaths`. */
  private get label(): string {
    const name = this.name;
    return String.fromCharCode(name.charCodeAt(0) & ~0x20) + name.substring(1);
  }

  /** The term for a list of texts; `null` when there is no such list. */
  readTexts(list: ConfigReader, attribute: Attribute, isNegative: bool): Term | null {
    if (!isList(list)) return null;
    const matches = new StaticArray<TextMatch>(list.length);
    if (this.kind == ValueKind.ServiceAccount && list.length > MOST_SERVICE_ACCOUNTS) {
      list.error("must have at most " + MOST_SERVICE_ACCOUNTS.toString() + " values");
    }
    for (let index = 0; index < list.length; index++) matches[index] = this.readText(list.at(index), isNegative);
    return new TextTerm(attribute, this.indexAttribute(attribute), new TextSet(matches), isNegative);
  }

  readAddresses(list: ConfigReader, whose: AddressOf, isNegative: bool): Term | null {
    if (!isList(list)) return null;
    const blocks = new CidrSet();
    for (let index = 0; index < list.length; index++) {
      const value = this.readValue(list.at(index));
      if (value === null) continue;
      if (!blocks.add(ByteView.ofText(value))) {
        list.at(index).error((value.includes("/") ? "bad CIDR range (" : "bad IP address (") + value + ")");
      } else if (isMapped(value)) {
        list.at(index).error("Envoy matches no IPv4 client with " + value + ": write the block as IPv4");
      }
    }
    return new AddressTerm(whose, blocks, isNegative);
  }

  readRequestPrincipals(list: ConfigReader, isNegative: bool): Term | null {
    if (!isList(list)) return null;
    const principals: PrincipalMatch[] = [];
    for (let index = 0; index < list.length; index++) {
      const value = this.readValue(list.at(index));
      if (value === null) continue;
      if (value.startsWith(REGEX_MARK)) list.at(index).error(noRegex());
      principals.push(new PrincipalMatch(value, this.context.allows == isNegative));
    }
    if (!this.context.isAuthenticating) list.warn(noTokens());
    return new RequestPrincipalTerm(principals, isNegative);
  }

  /** The text; `null`, with the problem told, for anything else and for nothing. */
  private readValue(value: ConfigReader): string | null {
    const isText = value.kind == JsonKind.String;
    const text = value.asString();
    if (isText && text.length == 0) value.error("empty value not allowed, found in " + this.label);
    return text.length == 0 ? null : text;
  }

  private readText(at: ConfigReader, isNegative: bool): TextMatch {
    const value = this.readValue(at);
    if (value === null) return refused();
    // Where a match keeps a request out, it takes line feeds, which no `.` does in Envoy: values can be decoded ones.
    const keepsOut = this.context.allows == isNegative;
    return value.startsWith(REGEX_MARK) ? this.readRegex(at, value, keepsOut) : this.readMatch(at, value, keepsOut);
  }

  /** A regular expression, if the configuration asks for such: to Istio it is a text like any other. */
  private readRegex(at: ConfigReader, value: string, keepsOut: bool): TextMatch {
    const context = this.context;
    const kind = this.kind;
    if (!context.takesRegex) {
      at.warn("is compared as it is: with options.regex it would be a regular expression");
      return this.readMatch(at, value, keepsOut);
    }
    if (kind > ValueKind.Principal) {
      at.error(noRegex());
      return refused();
    }
    if (kind == ValueKind.Path) context.usesPath = true;
    const pattern = value.substring(REGEX_MARK.length);
    const flags = (keepsOut ? "(?s)" : "") + (kind == ValueKind.Host ? "(?i)" : "");
    let regex = new Regex(pattern);
    if (regex.error === null && kind == ValueKind.Principal) regex = new Regex("spiffe://(?:" + flags + pattern + ")");
    else if (regex.error === null && flags.length > 0) regex = new Regex(flags + pattern);
    // Also of the second: `\Q` without `\E` is right by itself, but not in a group.
    if (regex.error !== null) at.error(regex.error!);
    return new RegexMatch(regex, keepsOut);
  }

  private readMatch(at: ConfigReader, value: string, keepsOut: bool): TextMatch {
    switch (this.kind) {
      case ValueKind.Path:
        this.context.usesPath = true;
        return this.readPath(at, value);
      case ValueKind.Port:
        return readPort(at, value);
      case ValueKind.ServiceAccount:
        return this.readServiceAccount(at, value);
      case ValueKind.TrustDomain:
        return this.readTrustDomain(at, value);
      case ValueKind.Namespace:
        return new NamespaceMatch(value);
      default:
        warnOfStar(at, value);
        if (this.kind == ValueKind.Principal) {
          if (value.startsWith("spiffe://")) at.warn("never matches: spiffe:// is put in front of it");
          return stringRule(value, "spiffe://");
        }
        if (this.kind == ValueKind.Host) {
          if (value.includes("/")) at.warn("never matches: a host has neither scheme nor path");
          return stringRule(lowerCase(value));
        }
        // A header is there also when it is empty.
        if (this.kind == ValueKind.Header && value == "*") return new AffixMatch(new Text(""), new Text(""));
        return stringRule(value, "", keepsOut);
    }
  }

  private readPath(at: ConfigReader, value: string): TextMatch {
    const problem = findPathProblem(value);
    if (problem !== null) {
      at.error("invalid or unsupported path " + value + ", found in " + this.label + ". " + problem);
      return refused();
    }
    if (isUriTemplate(value)) {
      const template = new UriTemplate(value);
      if (template.error !== null) {
        at.error("invalid or unsupported path " + value + ", found in " + this.label + ". " + template.error!);
        return refused();
      }
      return new TemplateMatch(template, value);
    }
    if (!value.startsWith("/") && !value.startsWith("*")) at.warn('never matches: a path starts with "/"');
    if (value.includes("?") || value.includes("#"))
      at.warn("never matches: the query is cut off before paths are compared");
    warnOfStar(at, value);
    return stringRule(value);
  }

  private readServiceAccount(at: ConfigReader, value: string): TextMatch {
    if (value.includes("*")) {
      at.error("wildcard not allowed, found in " + this.label);
      return refused();
    }
    if (value.length > LONGEST_SERVICE_ACCOUNT) at.error("is longer than 320 characters");
    const slash = value.indexOf("/");
    const namespace = slash < 0 ? this.context.namespace : value.substring(0, slash);
    const name = value.substring(slash + 1);
    if (name.length == 0 || name.includes("/") || (slash >= 0 && namespace.length == 0)) {
      at.error('must be "<name>" or "<namespace>/<name>"');
      return refused();
    }
    if (namespace.length == 0) {
      at.error('must be "<namespace>/<name>", since the policy has no namespace');
      return refused();
    }
    return new ServiceAccountMatch(namespace, name);
  }

  private readTrustDomain(at: ConfigReader, value: string): TextMatch {
    const star = value.indexOf("*");
    let problem: string | null = null;
    if (value.includes("/")) problem = "trust domain must not contain '/', found in " + this.label;
    else if (star != value.lastIndexOf("*")) problem = "at most one wildcard is allowed, found in " + this.label;
    else if (star > 0 && star < value.length - 1)
      problem = "wildcard is only allowed at an end, found in " + this.label;
    if (problem === null) return new TrustDomainMatch(value);
    at.error(problem + ': "' + value + '"');
    return refused();
  }

  private indexAttribute(attribute: Attribute): Attribute {
    const attributes = this.context.attributes;
    if (this.kind == ValueKind.Namespace) return attributes.namespacePart;
    return this.kind == ValueKind.ServiceAccount ? attributes.serviceAccountPart : attribute;
  }
}

/** Stands for a value that has a problem: its configuration is refused. */
function refused(): TextMatch {
  return new ExactMatch(new Text(""));
}

function noRegex(): string {
  return "cannot be a regular expression: these names are compared by parts";
}

export function noTokens(): string {
  return "never matches: no token is verified, since there is no requestAuthentication";
}

/** Protobuf knows no difference between an empty list and none. */
function isList(list: ConfigReader): bool {
  return list.isPresent && list.asArray().length > 0;
}

function readPort(at: ConfigReader, value: string): TextMatch {
  let port = 0;
  for (let index = 0; index < value.length && port <= 65535; index++) {
    const digit = <u32>value.charCodeAt(index) - 0x30;
    port = digit > 9 ? i32.MAX_VALUE : port * 10 + digit;
  }
  if (port <= 65535) return new ExactMatch(new Text(port.toString()));
  at.error("bad port (" + value + ")");
  return refused();
}

/** What Istio's validation says about braces and segments of a path, or `null`. */
function findPathProblem(path: string): string | null {
  if (!path.includes("{") && !path.includes("}")) return null;
  const segments = path.split("/");
  let hasDoubleStar = false;
  for (let index = 0; index < segments.length; index++) {
    const segment = segments[index];
    if (segment == "{*}" || segment == "{**}") {
      if (hasDoubleStar) return "{**} is not the last operator";
      hasDoubleStar = segment == "{**}";
    } else if (segment.includes("{") || segment.includes("}")) {
      return "Contains '{' or '}' beyond a supported path template";
    }
  }
  return null;
}

function warnOfStar(at: ConfigReader, value: string): void {
  const star = value.indexOf("*", 1);
  if (star < 0 || (star == value.length - 1 && !value.startsWith("*"))) return;
  at.warn("a * that is neither first nor last stands for itself");
}

/** Whether a block is written as IPv4 mapped into IPv6: {@link CidrSet} would take it for IPv4, and allow more than Envoy. */
function isMapped(block: string): bool {
  if (!block.includes(":")) return false;
  const address = IpAddress.parse(ByteView.ofText(block.split("/")[0]));
  return address !== null && address.isIpv4;
}
