import { encodeText, textSize } from "../memory/utf8";

/**
 * A path template of Istio's AuthorizationPolicy (since 1.22): `{*}` is one segment, not empty; `{**}` any number of
 * segments, also none, and must be the last operator, though more may follow: `/store/{**}/cart`. Everything else stands
 * for itself.
 *
 * ```ts
 * const template = new UriTemplate("/orders/{*}/items/{**}");
 * if (template.error) config.error(template.error!);
 * if (template.matches(path.start, path.length)) …
 * ```
 *
 * As in Envoy, operators take the characters of RFC 3986 paths, and `*`; no others. A path with a query does not match:
 * cut it off first. `/a/{**}` takes `/a/` and `/a//b`, not `/a`.
 *
 * Cost: linear in the path; no garbage.
 */
@final
export class UriTemplate {
  /** `null`, or what is wrong: `"{*}.txt": an operator must be a whole path segment`. Such a template matches nothing. */
  readonly error: string | null;

  private bytes: StaticArray<u8>;
  private suffixSize: usize = 0;

  constructor(template: string) {
    this.error = findError(template);
    const encoded = encodeText(template);
    const size = textSize(encoded);
    this.bytes = new StaticArray<u8>(<i32>size);
    memory.copy(changetype<usize>(this.bytes), encoded, size);
    // A template without an error has one of these at most, and only ASCII.
    const any = template.indexOf("{**}");
    if (any >= 0) this.suffixSize = size - <usize>any - 4;
  }

  /** Whether the `length` bytes at `start`, a path without its query, match. */
  matches(start: usize, length: i32): bool {
    if (this.error !== null) return false;
    let template = changetype<usize>(this.bytes);
    const templateEnd = template + this.bytes.length;
    let from = start;
    const end = start + length;
    while (template < templateEnd) {
      if (load<u8>(template) != OPEN) {
        if (from == end || load<u8>(from++) != load<u8>(template++)) return false;
        continue;
      }
      if (load<u8>(template, 2) == STAR) {
        const suffix = this.suffixSize;
        if (<usize>(end - from) < suffix) return false;
        const suffixStart = end - suffix;
        if (memory.compare(suffixStart, templateEnd - suffix, suffix) != 0) return false;
        while (from < suffixStart && (load<u8>(from) == SLASH || isPathCharacter(load<u8>(from)))) from++;
        return from == suffixStart;
      }
      const segment = from;
      while (from < end && isPathCharacter(load<u8>(from))) from++;
      if (from == segment) return false;
      template += 3;
    }
    return from == end;
  }
}

/** Whether a path of a policy is meant as a template: it has an operator, right or wrong. */
export function isUriTemplate(path: string): bool {
  return path.includes("{*}") || path.includes("{**}");
}

// @ts-ignore: decorator
@inline
const SLASH: u32 = 0x2f;
// @ts-ignore: decorator
@inline
const STAR: u32 = 0x2a;
// @ts-ignore: decorator
@inline
const OPEN: u32 = 0x7b;

/** RFC 3986 `pchar` with a `%` of any kind, and `*`, without the slash. */
function isPathCharacter(byte: u32): bool {
  if ((byte | 0x20) - 0x61 < 26 || byte - 0x30 < 10) return true;
  // ! $ % & ' ( ) * + , - . : ; = @ _ ~
  if (byte < 0x40) return ((<u64>1) << byte) & 0x2c007ff200000000 ? true : false;
  return byte == 0x40 || byte == 0x5f || byte == 0x7e;
}

/** As Istio checks it: each segment is an operator or a literal of path characters without `*`, and none is empty. */
function findError(template: string): string | null {
  if (!template.startsWith("/")) return "must start with /";
  if (template == "/") return null;
  let from = 1;
  const to = template.endsWith("/") ? template.length - 1 : template.length;
  let hasDoubleStar = false;
  for (let end = from; from <= to; from = end + 1) {
    end = template.indexOf("/", from);
    if (end < 0 || end > to) end = to;
    const segment = template.substring(from, end);
    if (segment == "{*}" || segment == "{**}") {
      if (hasDoubleStar) return '"' + segment + '" behind {**}, which must be the last operator';
      hasDoubleStar = segment == "{**}";
      continue;
    }
    if (segment.length == 0) return "an empty path segment";
    if (segment.includes("{*}") || segment.includes("{**}")) {
      return '"' + segment + '": an operator must be a whole path segment';
    }
    for (let at = 0; at < segment.length; at++) {
      const unit = <u32>segment.charCodeAt(at);
      if (unit == STAR || unit > 0x7e || !isPathCharacter(unit)) {
        return '"' + segment + '": "' + segment.charAt(at) + '" is not allowed beside {*} and {**}';
      }
    }
  }
  return null;
}
