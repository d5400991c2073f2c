import { ByteView, Found, KeyKind, Text, TextIndex } from "@attache/sdk";
import { RequestFacts, RequestMatch, StringMatch } from "@attache/istio";
import { Route } from "./route";

/**
 * The routes in order, of which the first that matches is taken.
 *
 * Each alternative of a route's match stands in an index under one of its parts: of path, authority and headers, the one
 * that fewest others share. A request is looked up once for each thing that an index exists for, and the alternatives
 * found are tried, unless one before them has matched. So the cost follows the routes that a request could take,
 * not the routes there are.
 */
@final
export class RouteTable extends Found {
  readonly routes: Route[] = [];
  readonly facts: RequestFacts = new RequestFacts();
  /** All alternatives of all routes, in order, and the numbers of their routes. */
  private readonly alternatives: RequestMatch[] = [];
  private readonly owners: i32[] = [];
  private readonly fields: Field[] = [];
  /** Numbers of the alternatives that no index can find, the last one first. */
  private readonly unindexed: i32[] = [];
  /** The first alternative that is known to match. */
  private best: i32 = 0;

  add(route: Route): void {
    const alternatives = route.alternatives;
    for (let index = 0; index < alternatives.length; index++) {
      this.alternatives.push(alternatives[index]);
      this.owners.push(this.routes.length);
    }
    this.routes.push(route);
  }

  /** Builds the indexes, once all routes are there. */
  compile(): void {
    const alternatives = this.alternatives;
    const builder = new IndexBuilder(this);
    for (let number = 0; number < alternatives.length; number++) builder.announce(alternatives[number]);
    // Of one key the number added last is found first: the lowest, which can spare trying the others.
    for (let number = alternatives.length - 1; number >= 0; number--) {
      if (!builder.add(alternatives[number], number)) this.unindexed.push(number);
    }
    for (let index = 0; index < builder.fields.length; index++) {
      if (builder.fields[index].isUsed) this.fields.push(builder.fields[index]);
    }
  }

  /** The first route that takes the request in {@link facts}, or `null`. */
  find(): Route | null {
    const none = this.alternatives.length;
    this.best = none;
    const fields = this.fields;
    for (let index = 0; index < fields.length; index++) {
      const field = unchecked(fields[index]);
      for (let line = 0; ; line++) {
        const value = field.valueIn(this.facts, line);
        if (value === null) break;
        field.index.visit(value.start, value.length);
      }
    }
    const unindexed = this.unindexed;
    for (let index = unindexed.length - 1; index >= 0; index--) {
      const number = unchecked(unindexed[index]);
      if (number >= this.best) break;
      this.take(number);
    }
    return this.best < none ? unchecked(this.routes[unchecked(this.owners[this.best])]) : null;
  }

  /** The alternative by which {@link find} found its route. */
  get matched(): RequestMatch {
    return this.alternatives[this.best];
  }

  take(number: i32): bool {
    if (number < this.best && unchecked(this.alternatives[number]).matches(this.facts)) this.best = number;
    return false;
  }
}

const enum FieldKind {
  Path,
  PathIgnoringCase,
  Authority,
  Header,
}

/** Something of a request that alternatives are looked up by. */
@final
class Field {
  readonly index: TextIndex;
  isUsed: bool = false;

  constructor(
    readonly kind: FieldKind,
    readonly name: Text,
    found: Found,
  ) {
    this.index = new TextIndex(found);
  }

  /** The value, `null` when there is none; only a header has further lines. */
  valueIn(facts: RequestFacts, line: i32): ByteView | null {
    const kind = this.kind;
    if (kind == FieldKind.Header) return facts.headers.getLineOf(this.name, line);
    if (line > 0) return null;
    if (kind == FieldKind.Path) return facts.path;
    if (kind == FieldKind.PathIgnoringCase) return facts.path.toLowerCase();
    const authority = facts.headers.getBytes(":authority");
    return authority === null ? null : authority.toLowerCase();
  }
}

/** Worse than any number of uses: such a part cannot be looked up. */
const CANNOT: i32 = i32.MAX_VALUE;

/** Chooses the part of each alternative that it is looked up by. */
class IndexBuilder {
  readonly fields: Field[] = [];
  private readonly noName: Text = new Text("");
  /** The rarest part so far. */
  private least: i32 = CANNOT;
  private field: Field | null = null;
  private match: StringMatch | null = null;

  constructor(private readonly found: Found) {}

  announce(alternative: RequestMatch): void {
    this.visit(alternative, true);
  }

  /** Adds an alternative under its rarest part; `false` when it has none. */
  add(alternative: RequestMatch, number: i32): bool {
    this.least = CANNOT;
    this.visit(alternative, false);
    if (this.least == CANNOT) return false;
    const field = this.field!;
    const match = this.match!;
    field.index.add(match.keyKind, match.key, number);
    field.isUsed = true;
    return true;
  }

  private visit(alternative: RequestMatch, announces: bool): void {
    const uri = alternative.uri;
    if (uri !== null) {
      this.part(uri.ignoresCase ? FieldKind.PathIgnoringCase : FieldKind.Path, this.noName, uri, announces);
    }
    const authority = alternative.authority;
    if (authority !== null && authority.ignoresCase) {
      this.part(FieldKind.Authority, this.noName, authority, announces);
    }
    const headers = alternative.headers;
    for (let index = 0; index < headers.length; index++) {
      this.part(FieldKind.Header, headers[index].name, headers[index].match, announces);
    }
  }

  private part(kind: FieldKind, name: Text, match: StringMatch, announces: bool): void {
    if (match.keyKind == KeyKind.None) return;
    const field = this.fieldOf(kind, name);
    if (announces) {
      field.index.announce(match.keyKind, match.key);
      return;
    }
    const cost = field.index.costOf(match.keyKind, match.key);
    if (cost >= this.least) return;
    this.least = cost;
    this.field = field;
    this.match = match;
  }

  private fieldOf(kind: FieldKind, name: Text): Field {
    const fields = this.fields;
    for (let index = 0; index < fields.length; index++) {
      const field = fields[index];
      if (
        field.kind == kind &&
        field.name.length == name.length &&
        memory.compare(field.name.encoded, name.encoded, name.length) == 0
      ) {
        return field;
      }
    }
    const field = new Field(kind, name, this.found);
    fields.push(field);
    return field;
  }
}
