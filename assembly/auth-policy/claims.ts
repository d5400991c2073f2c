import { JsonDocument, JsonKind, JsonNode, Text, TextVisitor } from "@attache/sdk";

/** The claims of a token that was verified. */
@final
export class Claims {
  readonly document: JsonDocument = new JsonDocument();
  /** The payload as it stands in the token. */
  encodedPayload: Text = new Text("");
  /** The payload, decoded. {@link document} has no such text: it decodes escapes where they stand. */
  payload: Text = new Text("");
  /** Values of the headers that hand claims to the upstream, once they are made; `null` where there is none. */
  readonly headerValues: (Text | null)[] = [];

  /** @param delimited claims that hold several values in one text, divided by blanks */
  constructor(private readonly delimited: string[]) {}

  /** A claim that is text; absent for everything else. */
  text(name: string): JsonNode {
    const claim = this.document.root.member(name);
    return claim.kind == JsonKind.String ? claim : claim.member("");
  }

  /**
   * Hands the texts of a claim to `visitor`: itself, or each element of a list that is text. Numbers, truth and objects are
   * none.
   *
   * @param path names from the outermost to the innermost
   * @returns `true` as soon as the visitor does
   */
  visit(path: string[], visitor: TextVisitor): bool {
    let claim = this.document.root;
    for (let index = 0; index < path.length; index++) claim = claim.member(unchecked(path[index]));
    if (claim.kind == JsonKind.String) {
      return path.length == 1 && this.delimited.includes(path[0])
        ? visitWords(claim, visitor)
        : visitor.visit(claim.start, claim.length);
    }
    if (claim.kind != JsonKind.Array || claim.count == 0) return false;
    let element = claim.first;
    for (let left = claim.count; left > 0; left--) {
      if (element.kind == JsonKind.String && visitor.visit(element.start, element.length)) return true;
      element = element.next;
    }
    return false;
  }
}

function visitWords(claim: JsonNode, visitor: TextVisitor): bool {
  const end = claim.start + claim.length;
  let from = claim.start;
  while (from < end) {
    let to = from;
    while (to < end && load<u8>(to) != 0x20) to++;
    if (to > from && visitor.visit(from, <i32>(to - from))) return true;
    from = to + 1;
  }
  return false;
}
