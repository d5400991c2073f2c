import { Found, KeyKind, Regex, Text } from "@attache/sdk";
import { RequestMatch, StringMatch } from "@attache/istio";
import { Field, FieldKind } from "./field";

/** Worse than any number of uses: such a part cannot be looked up. */
const CANNOT: i32 = i32.MAX_VALUE;

/** Looking a value up by all its regular expressions costs about as much as trying so many alternatives. */
const REGEX_COST: i32 = 4;

/** Chooses the part of each alternative that it is looked up by. */
@final
export class IndexBuilder {
  /** The part that holds when the alternative added last is found, if there is one. */
  known: StringMatch | null = null;
  private readonly fields: Field[] = [];
  private readonly noName: Text = new Text("");
  /** What the best part so far costs, the field it is of, and whether it is looked up by its regex. */
  private least: i32 = CANNOT;
  private field: Field | null = null;
  private match: StringMatch | null = null;
  private regex: Regex | null = null;

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
    const regex = this.regex;
    if (regex !== null) {
      field.regexes.add(regex, number);
      field.hasRegexes = true;
    } else {
      field.keys.add(match.keyKind, match.key, number);
      field.hasKeys = true;
    }
    this.known = regex !== null || match.keyKind == KeyKind.Exact ? match : null;
    return true;
  }

  /** The fields that something is looked up by. */
  compile(): Field[] {
    const used: Field[] = [];
    for (let index = 0; index < this.fields.length; index++) {
      const field = this.fields[index];
      if (field.hasRegexes) field.regexes.compile();
      if (field.hasKeys || field.hasRegexes) used.push(field);
    }
    return used;
  }

  private visit(alternative: RequestMatch, announces: bool): void {
    const uri = alternative.uri;
    if (uri !== null) {
      this.part(uri.ignoresCase ? FieldKind.PathIgnoringCase : FieldKind.Path, this.noName, uri, announces);
    }
    const authority = alternative.authority;
    if (authority !== null) {
      const kind = authority.ignoresCase ? FieldKind.AuthorityIgnoringCase : FieldKind.Authority;
      this.part(kind, this.noName, authority, announces);
    }
    const headers = alternative.headers;
    for (let index = 0; index < headers.length; index++) {
      this.part(FieldKind.Header, headers[index].name, headers[index].match, announces);
    }
  }

  private part(kind: FieldKind, name: Text, match: StringMatch, announces: bool): void {
    const hasKey = match.keyKind != KeyKind.None;
    const regex = match.regex;
    if (!hasKey && regex === null) return;
    const field = this.fieldOf(kind, name);
    if (announces) {
      if (hasKey) field.keys.announce(match.keyKind, match.key);
      if (regex !== null) field.regexCount += 1;
      return;
    }
    if (hasKey) this.offer(field, match, null, field.keys.costOf(match.keyKind, match.key));
    if (regex !== null && field.regexCount > REGEX_COST) this.offer(field, match, regex, REGEX_COST);
  }

  private offer(field: Field, match: StringMatch, regex: Regex | null, cost: i32): void {
    if (cost >= this.least) return;
    this.least = cost;
    this.field = field;
    this.match = match;
    this.regex = regex;
  }

  private fieldOf(kind: FieldKind, name: Text): Field {
    const fields = this.fields;
    for (let index = 0; index < fields.length; index++) {
      if (fields[index].isOf(kind, name)) return fields[index];
    }
    const field = new Field(kind, name, this.found);
    fields.push(field);
    return field;
  }
}
