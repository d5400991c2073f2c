import { ByteView, ConfigReader, isHeaderName, Query, RequestHeaders, requestCookie, Text } from "@attache/sdk";
import { lowerCase } from "../lower-case";
import { find } from "../peer-match";

/** Receives the tokens of a request. */
export abstract class TokenVisitor {
  /** After {@link visitToken}: whether the token is not for who searches, and stays where it is. */
  passedOver: bool = false;

  /** @returns `false` to end the search */
  abstract visitToken(token: ByteView): bool;
}

/** Where a request can have tokens. */
export abstract class TokenLocation {
  /** Hands each token to `visitor`; `false` when the visitor ended the search. */
  abstract visit(headers: RequestHeaders, visitor: TokenVisitor): bool;

  /** After {@link visit}: takes the tokens out of the request. */
  abstract remove(headers: RequestHeaders): void;
}

/**
 * A header whose values have a prefix, such as `Bearer `; what follows is a token. Envoy joins the lines of some headers,
 * `authorization` too, and finds the prefix behind other credentials: `Basic …,Bearer …`.
 */
@final
export class HeaderLocation extends TokenLocation {
  private readonly name: Text;
  private readonly prefix: Text;
  private hasToken: bool = false;

  constructor(name: string, prefix: string) {
    super();
    this.name = new Text(lowerCase(name));
    this.prefix = new Text(prefix);
  }

  visit(headers: RequestHeaders, visitor: TokenVisitor): bool {
    this.hasToken = false;
    const prefix = this.prefix;
    let line = headers.getLineOf(this.name, 0);
    for (let next = 1; line !== null; next++) {
      const end = line.start + line.length;
      const found = prefix.length == 0 ? line.start : find(prefix, line.start, end);
      line = headers.getLineOf(this.name, next);
      if (prefix.length > 0 && found == 0) continue;
      const start = found + prefix.length;
      if (!visitor.visitToken(ByteView.of(start, <i32>(end - start)))) return false;
      if (!visitor.passedOver) this.hasToken = true;
    }
    return true;
  }

  remove(headers: RequestHeaders): void {
    if (this.hasToken) headers.deleteOf(this.name);
  }
}

/** A query parameter; its first value is a token. */
@final
export class QueryLocation extends TokenLocation {
  private hasToken: bool = false;

  constructor(private readonly name: string) {
    super();
  }

  visit(headers: RequestHeaders, visitor: TokenVisitor): bool {
    this.hasToken = false;
    const path = headers.getBytes(":path");
    if (path === null) return true;
    const query = Query.of(path);
    while (query.next()) {
      if (!query.nameIs(this.name)) continue;
      const goesOn = visitor.visitToken(query.value);
      this.hasToken = !visitor.passedOver;
      return goesOn;
    }
    return true;
  }

  remove(headers: RequestHeaders): void {
    if (!this.hasToken) return;
    const path = headers.getBytes(":path")!;
    const query = Query.of(path);
    let kept = "";
    while (query.next()) {
      if (query.nameIs(this.name)) continue;
      // From the name to the end of the value, as it was written.
      const start = query.rawName.start;
      const value = query.rawValue;
      kept += (kept.length == 0 ? "?" : "&") + ByteView.of(start, <i32>(value.start + value.length - start)).toString();
    }
    headers.path = path.slice(0, path.indexOf(0x3f)).toString() + kept;
  }
}

/** A cookie; its first value is a token. It stays in the request. */
@final
export class CookieLocation extends TokenLocation {
  constructor(private readonly name: string) {
    super();
  }

  visit(headers: RequestHeaders, visitor: TokenVisitor): bool {
    const value = requestCookie(headers, this.name);
    return value === null || visitor.visitToken(value);
  }

  remove(headers: RequestHeaders): void {}
}

/**
 * The locations of a rule, in the order in which Envoy judges their tokens: cookies, parameters, headers, each by name from
 * behind. Those of RFC 6750 when it names none.
 */
export function readLocations(config: ConfigReader): TokenLocation[] {
  const cookies = new SortedLocations();
  const names = config.array("fromCookies");
  for (let index = 0; index < names.length; index++) {
    const name = readName(names.at(index), "cookie name must be non-empty string");
    cookies.add(name, new CookieLocation(name));
  }
  const parameters = new SortedLocations();
  const params = config.array("fromParams");
  for (let index = 0; index < params.length; index++) {
    const name = readName(params.at(index), "location query must be non-empty string");
    parameters.add(name, new QueryLocation(name));
  }
  const headers = new SortedLocations();
  const fromHeaders = config.array("fromHeaders");
  for (let index = 0; index < fromHeaders.length; index++) {
    const header = fromHeaders.at(index).asObject();
    const name = header.string("name", "");
    const prefix = header.string("prefix", "");
    if (name.length == 0) header.error("location header name must be non-empty string");
    else if (!isHeaderName(name)) header.get("name").error("is not a header name");
    headers.add(lowerCase(name) + prefix, new HeaderLocation(name, prefix));
  }
  const locations = cookies.all.concat(parameters.all).concat(headers.all);
  if (locations.length > 0) return locations;
  return [new QueryLocation("access_token"), new HeaderLocation("authorization", "Bearer ")];
}

/** Locations of one kind, the last name first. */
class SortedLocations {
  readonly all: TokenLocation[] = [];
  private readonly names: string[] = [];

  add(name: string, location: TokenLocation): void {
    let at = this.all.length;
    this.all.push(location);
    this.names.push(name);
    for (; at > 0 && name > this.names[at - 1]; at--) {
      this.all[at] = this.all[at - 1];
      this.names[at] = this.names[at - 1];
    }
    this.all[at] = location;
    this.names[at] = name;
  }
}

function readName(config: ConfigReader, problem: string): string {
  const name = config.asString();
  if (config.isPresent && name.length == 0) config.error(problem);
  return name;
}
