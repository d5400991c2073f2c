import { ByteView, Found, RegexSet, Text, TextIndex } from "@attache/sdk";
import { RequestFacts } from "@attache/istio";

export const enum FieldKind {
  Path,
  PathIgnoringCase,
  Authority,
  AuthorityIgnoringCase,
  Header,
}

/** Something of a request that alternatives are looked up by: by what it is or begins with, or by regular expressions. */
@final
export class Field {
  readonly keys: TextIndex;
  readonly regexes: RegexSet;
  hasKeys: bool = false;
  hasRegexes: bool = false;
  /** Regular expressions that alternatives have for it, whatever they are looked up by. */
  regexCount: i32 = 0;

  /** @param name of a header */
  constructor(
    readonly kind: FieldKind,
    readonly name: Text,
    found: Found,
  ) {
    this.keys = new TextIndex(found);
    this.regexes = new RegexSet(found);
  }

  isOf(kind: FieldKind, name: Text): bool {
    return (
      this.kind == kind &&
      this.name.length == name.length &&
      memory.compare(this.name.encoded, name.encoded, name.length) == 0
    );
  }

  /** Hands the numbers that the values in a request lead to on. */
  visitValues(facts: RequestFacts): void {
    for (let line = 0; ; line++) {
      const value = this.valueIn(facts, line);
      if (value === null) break;
      if (this.hasKeys) this.keys.visit(value.start, value.length);
      if (this.hasRegexes) this.regexes.visit(value.start, value.length);
    }
  }

  /** The value, `null` when there is none; only a header has further lines. */
  private valueIn(facts: RequestFacts, line: i32): ByteView | null {
    const kind = this.kind;
    if (kind == FieldKind.Header) return facts.headers.getLineOf(this.name, line);
    if (line > 0) return null;
    if (kind == FieldKind.Path) return facts.path;
    if (kind == FieldKind.PathIgnoringCase) return facts.path.toLowerCase();
    const authority = facts.headers.getBytes(":authority");
    return authority === null || kind == FieldKind.Authority ? authority : authority.toLowerCase();
  }
}
