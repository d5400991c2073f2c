import { ByteView, ConfigReader, Query, RequestHeaders, requestCookie, Text } from "@attache/sdk";
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

/** The locations of a rule; those of RFC 6750 when it names none. */
export function readLocations(config: ConfigReader): TokenLocation[] {
  const locations: TokenLocation[] = [];
  const headers = config.array("fromHeaders");
  for (let index = 0; index < headers.length; index++) {
    const header = headers.at(index).asObject();
    const name = header.string("name", "");
    if (name.length == 0) header.error("location header name must be non-empty string");
    locations.push(new HeaderLocation(name, header.string("prefix", "")));
  }
  const params = config.array("fromParams");
  for (let index = 0; index < params.length; index++) {
    locations.push(new QueryLocation(readName(params.at(index), "location query must be non-empty string")));
  }
  const cookies = config.array("fromCookies");
  for (let index = 0; index < cookies.length; index++) {
    locations.push(new CookieLocation(readName(cookies.at(index), "cookie name must be non-empty string")));
  }
  if (locations.length > 0) return locations;
  return [new HeaderLocation("authorization", "Bearer "), new QueryLocation("access_token")];
}

function readName(config: ConfigReader, problem: string): string {
  const name = config.asString();
  if (config.isPresent && name.length == 0) config.error(problem);
  return name;
}
