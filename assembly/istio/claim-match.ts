import { ConfigReader, JsonKind, JsonNode } from "@attache/sdk";
import { StringMatch } from "./string-match";

const PREFIX = "@request.auth.claims";

/** Whether the name of a header match stands for a claim of a verified token instead. */
export function isClaimName(name: string): bool {
  return name.startsWith(PREFIX);
}

/** Istio's match on a claim: `@request.auth.claims.group` or `@request.auth.claims[realm][roles]`. */
@final
export class ClaimMatch {
  private readonly path: string[];
  private readonly match: StringMatch;

  constructor(config: ConfigReader) {
    const path = readPath(config.key.substring(PREFIX.length));
    if (path.length == 0) config.error("must end with .<claim> or [<claim>]");
    this.path = path;
    this.match = new StringMatch(config.asObject());
  }

  /** Whether the claim is text that matches, or a list of which an element does. */
  matches(claims: JsonNode): bool {
    const path = this.path;
    let claim = claims;
    for (let index = 0; index < path.length; index++) claim = claim.member(unchecked(path[index]));
    if (claim.kind != JsonKind.Array) return this.matchesText(claim);
    let element = claim.first;
    for (let left = claim.count; left > 0; left--) {
      if (this.matchesText(element)) return true;
      element = element.next;
    }
    return false;
  }

  private matchesText(value: JsonNode): bool {
    return value.kind == JsonKind.String && this.match.matchesBytes(value.start, value.length);
  }
}

/** The names in `.a.b` or `[a][b]`; none when it is neither. */
function readPath(text: string): string[] {
  const isBracketed = text.startsWith("[") && text.endsWith("]");
  if (!isBracketed && !text.startsWith(".")) return [];
  return isBracketed ? split(text.substring(1, text.length - 1), "][") : split(text.substring(1), ".");
}

/** The parts of a text, none when one is empty. */
export function split(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  while (true) {
    const found = text.indexOf(separator, start);
    const end = found < 0 ? text.length : found;
    if (end == start) return [];
    parts.push(text.substring(start, end));
    if (found < 0) return parts;
    start = found + separator.length;
  }
}
