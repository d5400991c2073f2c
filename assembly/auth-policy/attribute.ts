import { ByteView, Cookies, filterMetadata, Query, Text, TextVisitor } from "@attache/sdk";
import { lowerCase } from "./lower-case";
import { find, NAMESPACE_MARK, SERVICE_ACCOUNT_MARK } from "./peer-match";
import { RequestFacts } from "./request-facts";

/**
 * Something of a request that rules compare with texts. It can have several forms at once: the values of a repeated
 * header, a path as it was received and as it is normalised.
 *
 * A rule that lets requests pass must hold for all forms, one that stops them for any: {@link all} and {@link any}.
 */
export abstract class Attribute {
  /** Whether the visitor answers `true` for any form. */
  any(request: RequestFacts, visitor: TextVisitor): bool {
    const value = this.valueOf(request);
    return value !== null && visitor.visit(value.start, value.length);
  }

  /** Whether it does for all forms, and there is one. Every form that this looks at {@link any} looks at as well. */
  all(request: RequestFacts, visitor: TextVisitor): bool {
    return this.any(request, visitor);
  }

  /** Whether the attribute cannot be known for this request, so that even its absence says nothing. */
  isUnknown(request: RequestFacts): bool {
    return false;
  }

  protected valueOf(request: RequestFacts): ByteView | null {
    return null;
  }
}


@final
export class MethodAttribute extends Attribute {
  protected override valueOf(request: RequestFacts): ByteView | null {
    return request.method;
  }

  override isUnknown(request: RequestFacts): bool {
    return request.method === null;
  }
}


@final
export class HostAttribute extends Attribute {
  protected override valueOf(request: RequestFacts): ByteView | null {
    return request.host;
  }

  override isUnknown(request: RequestFacts): bool {
    return request.host === null;
  }
}


@final
export class PortAttribute extends Attribute {
  protected override valueOf(request: RequestFacts): ByteView | null {
    return request.port;
  }

  override isUnknown(request: RequestFacts): bool {
    return request.port === null;
  }
}


@final
export class ServerNameAttribute extends Attribute {
  protected override valueOf(request: RequestFacts): ByteView | null {
    return request.serverName;
  }
}

/** The path without its query: as received and as normalised. */
@final
export class PathAttribute extends Attribute {
  override any(request: RequestFacts, visitor: TextVisitor): bool {
    request.readPath();
    for (let index = 0; index < request.pathCount; index++) {
      if (visitor.visit(unchecked(request.pathStarts[index]), unchecked(request.pathLengths[index]))) return true;
    }
    return false;
  }

  override all(request: RequestFacts, visitor: TextVisitor): bool {
    request.readPath();
    for (let index = request.firstAllowedPath; index < request.pathCount; index++) {
      if (!visitor.visit(unchecked(request.pathStarts[index]), unchecked(request.pathLengths[index]))) return false;
    }
    return request.pathCount > 0;
  }

  override isUnknown(request: RequestFacts): bool {
    request.readPath();
    return request.pathCount == 0;
  }
}

/** The SPIFFE id of the peer. */
export class PrincipalAttribute extends Attribute {
  protected override valueOf(request: RequestFacts): ByteView | null {
    return request.principal;
  }
}

/** What follows a mark in the SPIFFE id of the peer, each time that it occurs: for indexes. */
@final
export class PrincipalPart extends Attribute {
  private readonly mark: Text;

  /** @param isSegment whether only what comes before the next slash counts */
  constructor(
    mark: string,
    private readonly isSegment: bool,
  ) {
    super();
    this.mark = new Text(mark);
  }

  override any(request: RequestFacts, visitor: TextVisitor): bool {
    const principal = request.principal;
    if (principal === null) return false;
    const end = principal.start + principal.length;
    let at = principal.start;
    while (true) {
      const found = find(this.mark, at, end);
      if (found == 0) return false;
      const start = found + this.mark.length;
      let to = end;
      if (this.isSegment) {
        to = start;
        while (to < end && load<u8>(to) != 0x2f) to++;
      }
      if (visitor.visit(start, <i32>(to - start))) return true;
      at = found + 1;
    }
  }
}

/**
 * A header by its name: its values joined by commas, each line of several, and each element of a list. Envoy itself looks
 * at each line, and earlier looked at all of them joined (CVE-2026-26308).
 */
@final
export class HeaderAttribute extends Attribute {
  private readonly name: Text;
  /** Cookies hold commas. */
  private readonly isList: bool;

  constructor(name: string) {
    super();
    this.name = new Text(name);
    this.isList = name != "cookie";
  }

  override any(request: RequestFacts, visitor: TextVisitor): bool {
    if (!request.reading.isStrict) return this.anyLine(request, visitor, false);
    const joined = request.headers.getJoinedOf(this.name);
    if (joined === null) return false;
    if (visitor.visit(joined.start, joined.length)) return true;
    return joined.indexOf(0x2c) >= 0 && this.anyLine(request, visitor, this.isList);
  }

  override all(request: RequestFacts, visitor: TextVisitor): bool {
    if (!request.reading.isStrict) return this.anyLine(request, visitor, false);
    const headers = request.headers;
    const joined = headers.getJoinedOf(this.name);
    if (joined === null || !visitor.visit(joined.start, joined.length)) return false;
    if (joined.indexOf(0x2c) < 0) return true;
    let line = headers.getLineOf(this.name, 0);
    for (let next = 1; line !== null; next++) {
      if (!visitor.visit(line.start, line.length)) return false;
      line = headers.getLineOf(this.name, next);
    }
    return true;
  }

  private anyLine(request: RequestFacts, visitor: TextVisitor, divides: bool): bool {
    const headers = request.headers;
    let line = headers.getLineOf(this.name, 0);
    for (let next = 1; line !== null; next++) {
      if (visitor.visit(line.start, line.length) || (divides && visitElements(line, visitor))) return true;
      line = headers.getLineOf(this.name, next);
    }
    return false;
  }
}

/** A query parameter by its name: all its values, decoded. */
@final
export class QueryAttribute extends Attribute {
  constructor(private readonly name: string) {
    super();
  }

  override any(request: RequestFacts, visitor: TextVisitor): bool {
    const path = request.headers.getBytes(":path");
    if (path === null) return false;
    const query = Query.of(path);
    while (query.next()) {
      if (!query.nameIs(this.name)) continue;
      const value = query.value;
      if (visitor.visit(value.start, value.length)) return true;
    }
    return false;
  }

  override all(request: RequestFacts, visitor: TextVisitor): bool {
    const path = request.headers.getBytes(":path");
    if (path === null) return false;
    const query = Query.of(path);
    let isFound = false;
    while (query.next()) {
      if (!query.nameIs(this.name)) continue;
      const value = query.value;
      if (!visitor.visit(value.start, value.length)) return false;
      isFound = true;
    }
    return isFound;
  }
}

/** A cookie by its name: all its values in all lines. */
@final
export class CookieAttribute extends Attribute {
  constructor(private readonly name: string) {
    super();
  }

  override any(request: RequestFacts, visitor: TextVisitor): bool {
    return this.visitAll(request, visitor, true);
  }

  override all(request: RequestFacts, visitor: TextVisitor): bool {
    return this.visitAll(request, visitor, false);
  }

  private visitAll(request: RequestFacts, visitor: TextVisitor, isAny: bool): bool {
    const headers = request.headers;
    let isFound = false;
    const count = headers.count;
    for (let index = 0; index < count; index++) {
      if (!headers.nameAt(index)!.equals("cookie")) continue;
      const cookies = Cookies.in(headers.valueAt(index)!);
      while (cookies.next()) {
        if (!cookies.name.equals(this.name)) continue;
        const value = cookies.value;
        if (visitor.visit(value.start, value.length) == isAny) return isAny;
        isFound = true;
      }
    }
    return !isAny && isFound;
  }
}

/** Text that another filter of the proxy wrote in the dynamic metadata. */
@final
export class MetadataAttribute extends Attribute {
  constructor(
    private readonly filter: string,
    private readonly key: string,
  ) {
    super();
  }

  protected override valueOf(request: RequestFacts): ByteView | null {
    return filterMetadata.getBytes(this.filter, this.key);
  }
}

/** A claim of the verified token. */
@final
export class ClaimAttribute extends Attribute {
  constructor(private readonly path: string[]) {
    super();
  }

  override any(request: RequestFacts, visitor: TextVisitor): bool {
    const claims = request.claims;
    return claims !== null && claims.visit(this.path, visitor);
  }

  override isUnknown(request: RequestFacts): bool {
    return !request.reading.isAuthenticating;
  }
}

/** All attributes of a configuration: two rules that ask for the same one share it, and so its index. */
export class Attributes {
  readonly method: Attribute = new MethodAttribute();
  readonly host: Attribute = new HostAttribute();
  readonly path: Attribute = new PathAttribute();
  readonly port: Attribute = new PortAttribute();
  readonly serverName: Attribute = new ServerNameAttribute();
  readonly principal: Attribute = new PrincipalAttribute();
  readonly namespacePart: Attribute = new PrincipalPart(NAMESPACE_MARK, false);
  readonly serviceAccountPart: Attribute = new PrincipalPart(SERVICE_ACCOUNT_MARK, true);
  private readonly named: Map<string, Attribute> = new Map<string, Attribute>();

  header(name: string): Attribute {
    const lower = lowerCase(name);
    const canonical = lower == "host" ? ":authority" : lower;
    const key = "header " + canonical;
    return this.named.has(key) ? this.named.get(key) : this.keep(key, new HeaderAttribute(canonical));
  }

  query(name: string): Attribute {
    const key = "query " + name;
    return this.named.has(key) ? this.named.get(key) : this.keep(key, new QueryAttribute(name));
  }

  cookie(name: string): Attribute {
    const key = "cookie " + name;
    return this.named.has(key) ? this.named.get(key) : this.keep(key, new CookieAttribute(name));
  }

  metadata(filter: string, name: string): Attribute {
    const key = "metadata " + filter + "\0" + name;
    return this.named.has(key) ? this.named.get(key) : this.keep(key, new MetadataAttribute(filter, name));
  }

  claim(path: string[]): Attribute {
    const key = "claim " + path.join("\0");
    return this.named.has(key) ? this.named.get(key) : this.keep(key, new ClaimAttribute(path));
  }

  private keep(key: string, attribute: Attribute): Attribute {
    this.named.set(key, attribute);
    return attribute;
  }
}

/** Hands the elements of a comma-separated list to `visitor`, without the blanks around them. */
function visitElements(line: ByteView, visitor: TextVisitor): bool {
  const end = line.start + line.length;
  let from = line.start;
  while (from <= end) {
    let to = from;
    while (to < end && load<u8>(to) != 0x2c) to++;
    let start = from;
    let last = to;
    while (start < last && isBlank(load<u8>(start))) start++;
    while (last > start && isBlank(load<u8>(last - 1))) last--;
    if (visitor.visit(start, <i32>(last - start))) return true;
    from = to + 1;
  }
  return false;
}

function isBlank(byte: u8): bool {
  return byte == 0x20 || byte == 0x09;
}
