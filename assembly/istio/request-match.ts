import { ByteView, ConfigReader, Cookies, HeaderMap, Text } from "@attache/sdk";
import { ClaimMatch, isClaimName } from "./claim-match";
import { RequestFacts } from "./request-facts";
import { StringMatch } from "./string-match";

/** A match on something that has a name: a header, a query parameter, a cookie. */
@final
export class NamedMatch {
  constructor(
    readonly name: Text,
    readonly match: StringMatch,
  ) {}
}

/**
 * Istio's `HTTPMatchRequest`: all of what is given must match. Beyond Istio's fields it has `cookies`, and
 * `pathSeparatedPrefix` in `uri`.
 */
@final
export class RequestMatch {
  uri: StringMatch | null = null;
  /** Ignores case. */
  authority: StringMatch | null = null;
  readonly headers: NamedMatch[] = [];
  private method: StringMatch | null = null;
  private scheme: StringMatch | null = null;
  private readonly withoutHeaders: NamedMatch[] = [];
  private readonly queryParams: NamedMatch[] = [];
  private readonly cookies: NamedMatch[] = [];
  private readonly claims: ClaimMatch[] = [];
  private readonly withoutClaims: ClaimMatch[] = [];
  /** 0 when it does not matter. */
  private readonly port: i32;

  constructor(config: ConfigReader) {
    config.string("name", "");
    config.string("statPrefix", "");
    const ignoreUriCase = config.bool("ignoreUriCase", false);
    if (config.has("uri")) this.uri = new StringMatch(config.object("uri"), ignoreUriCase, true);
    if (config.has("method")) this.method = new StringMatch(config.object("method"));
    if (config.has("authority")) this.authority = new StringMatch(config.object("authority"), true);
    if (config.has("scheme")) this.scheme = new StringMatch(config.object("scheme"));
    this.port = <i32>config.integer("port", 0, 1, 65535);
    readHeaders(config.object("headers"), this.headers, this.claims);
    readHeaders(config.object("withoutHeaders"), this.withoutHeaders, this.withoutClaims);
    readNamed(config.object("queryParams"), this.queryParams);
    readNamed(config.object("cookies"), this.cookies);
    refuse(config.get("sourceLabels"));
    refuse(config.get("sourceNamespace"));
    refuse(config.get("gateways"));
  }

  /** The part of the path that a rewrite of the prefix keeps; without a `uri` the prefix is `/`, as in Istio. */
  pathBehindPrefix(facts: RequestFacts): ByteView {
    const uri = this.uri;
    return facts.fullPathView.slice(uri === null ? 1 : uri.matchedLength(facts.path.length));
  }

  /** @param known a match on uri, authority or a header that is known to hold, and is not tried again */
  matches(facts: RequestFacts, known: StringMatch | null = null): bool {
    const uri = this.uri;
    if (uri !== null && uri !== known) {
      const path = facts.path;
      if (!uri.matchesBytes(path.start, path.length)) return false;
    }
    return (
      this.matchesHeaders(facts.headers, known) &&
      (this.port == 0 || this.port == facts.port) &&
      this.matchesQuery(facts) &&
      this.matchesCookies(facts.headers) &&
      this.matchesClaims(facts)
    );
  }

  private matchesHeaders(headers: HeaderMap, known: StringMatch | null): bool {
    if (!matchesPseudo(this.method, headers, ":method")) return false;
    if (this.authority !== known && !matchesPseudo(this.authority, headers, ":authority")) return false;
    if (!matchesPseudo(this.scheme, headers, ":scheme")) return false;
    const wanted = this.headers;
    for (let index = 0; index < wanted.length; index++) {
      const header = unchecked(wanted[index]);
      if (header.match !== known && !matchesLine(headers, header)) return false;
    }
    const unwanted = this.withoutHeaders;
    for (let index = 0; index < unwanted.length; index++) {
      const header = unchecked(unwanted[index]);
      if (matchesLine(headers, header)) return false;
      // A header that is not there is compared as the empty one, unless only presence counts.
      const match = header.match;
      if (!match.isPresence && match.matchesBytes(0, 0) && headers.getLineOf(header.name, 0) === null) return false;
    }
    return true;
  }

  private matchesQuery(facts: RequestFacts): bool {
    const wanted = this.queryParams;
    for (let index = 0; index < wanted.length; index++) {
      const param = unchecked(wanted[index]);
      const query = facts.query;
      if (query === null || !param.match.matches(findQueryParam(query, param.name))) return false;
    }
    return true;
  }

  private matchesCookies(headers: HeaderMap): bool {
    const wanted = this.cookies;
    for (let index = 0; index < wanted.length; index++) {
      const cookie = unchecked(wanted[index]);
      if (!cookie.match.matches(findCookie(headers, cookie.name))) return false;
    }
    return true;
  }

  private matchesClaims(facts: RequestFacts): bool {
    const wanted = this.claims;
    for (let index = 0; index < wanted.length; index++) {
      if (!unchecked(wanted[index]).matches(facts.claims)) return false;
    }
    const unwanted = this.withoutClaims;
    for (let index = 0; index < unwanted.length; index++) {
      if (unchecked(unwanted[index]).matches(facts.claims)) return false;
    }
    return true;
  }
}

function readNamed(config: ConfigReader, into: NamedMatch[]): void {
  for (let index = 0; index < config.length; index++) {
    const entry = config.at(index);
    if (entry.key.length == 0) entry.error("a name cannot be empty");
    into.push(new NamedMatch(new Text(entry.key), new StringMatch(entry.asObject())));
  }
}

function readHeaders(config: ConfigReader, headers: NamedMatch[], claims: ClaimMatch[]): void {
  for (let index = 0; index < config.length; index++) {
    const entry = config.at(index);
    const name = entry.key;
    if (name.length == 0) entry.error("a name cannot be empty");
    if (isClaimName(name)) claims.push(new ClaimMatch(entry));
    else if (",uri,scheme,method,authority,".includes("," + name + ",")) {
      entry.warn("is ignored, as Istio does: use the field " + name);
    } else headers.push(new NamedMatch(new Text(name), new StringMatch(entry.asObject())));
  }
}

/** A selector, which says where Istio puts a route. */
function refuse(selector: ConfigReader): void {
  if (selector.isPresent) selector.error("is for the control plane: leave it out");
  for (let index = 0; index < selector.length; index++) selector.at(index);
}

/** Whether any line of the header matches, as in Envoy. */
function matchesLine(headers: HeaderMap, header: NamedMatch): bool {
  for (let line = 0; ; line++) {
    const value = headers.getLineOf(header.name, line);
    if (value === null) return false;
    if (header.match.matches(value)) return true;
  }
  return false;
}

function matchesPseudo(match: StringMatch | null, headers: HeaderMap, name: string): bool {
  return match === null || match.matches(headers.getBytes(name));
}

/** Value of the first cookie called `name` in all `cookie` lines, or `null`. */
export function findCookie(headers: HeaderMap, name: Text): ByteView | null {
  const count = headers.count;
  for (let index = 0; index < count; index++) {
    if (!headers.nameAt(index)!.equals("cookie")) continue;
    const cookies = Cookies.in(headers.valueAt(index)!);
    while (cookies.next()) if (isName(cookies.name, name)) return cookies.value;
  }
  return null;
}

/** Value of the first parameter called `name`, not decoded; empty when it has no `=`; `null` when it is not there. */
function findQueryParam(query: ByteView, name: Text): ByteView | null {
  let start = 0;
  while (start < query.length) {
    const ampersand = query.indexOf(0x26, start);
    const end = ampersand < 0 ? query.length : ampersand;
    const equals = query.indexOf(0x3d, start);
    const nameEnd = equals < 0 || equals > end ? end : equals;
    if (isName(query.slice(start, nameEnd), name)) return query.slice(min(nameEnd + 1, end), end);
    start = end + 1;
  }
  return null;
}

function isName(found: ByteView, name: Text): bool {
  return found.length == name.length && memory.compare(found.start, name.encoded, name.length) == 0;
}
