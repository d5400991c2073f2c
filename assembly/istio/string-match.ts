import { ByteView, ConfigReader, Regex } from "@attache/sdk";

/**
 * Whether a filter takes regular expressions, which are 16 KB of its module. A package whose `asconfig.json` defines
 * `ISTIO_WITHOUT_REGEX` does without: then a regex is an error of the configuration.
 */
// @ts-ignore: the decorator, and a name that only some builds define
@inline
const TAKES_REGEX = !isDefined(ISTIO_WITHOUT_REGEX);

const enum Kind {
  Present,
  Exact,
  Prefix,
  Regex,
}

/**
 * Istio's `StringMatch`: exactly one of `exact`, `prefix` and `regex`. The empty object, or the regex `*`, asks only
 * that there is a value.
 *
 * Bytes are compared as they are, without Unicode folding; a regex (RE2) must match the whole value.
 * Source: Istio's VirtualService reference, and `pilot/pkg/networking/core/route` for the corner cases.
 */
export class StringMatch {
  private kind: Kind = Kind.Present;
  private text: StaticArray<u8> = [];
  private regex: Regex | null = null;

  /** @param ignoreCase whether `exact` and `prefix` match ASCII letters of either case; a regex never does */
  constructor(
    config: ConfigReader,
    private readonly ignoreCase: bool = false,
  ) {
    const exact = config.has("exact");
    const prefix = config.has("prefix");
    const regex = config.has("regex");
    if (<i32>exact + <i32>prefix + <i32>regex > 1) config.error("only one of exact, prefix and regex can be given");
    if (exact) {
      this.kind = Kind.Exact;
      this.text = config.bytes("exact", "");
    } else if (prefix) {
      this.kind = Kind.Prefix;
      this.text = config.bytes("prefix", "");
    }
    if (regex) this.readRegex(config.get("regex"));
  }

  /** Whether `value` matches; a value that is not there (`null`) never does. */
  matches(value: ByteView | null): bool {
    return value !== null && this.matchesBytes(value.start, value.length);
  }

  matchesBytes(start: usize, length: i32): bool {
    switch (this.kind) {
      case Kind.Exact:
        return length == this.text.length && this.startsWithText(start);
      case Kind.Prefix:
        return length >= this.text.length && this.startsWithText(start);
      case Kind.Regex:
        return TAKES_REGEX && this.regex!.matches(start, length);
      default:
        return true;
    }
  }

  /** Whether any value matches, so that only its presence counts. */
  get isPresence(): bool {
    return this.kind == Kind.Present;
  }

  private readRegex(config: ConfigReader): void {
    const pattern = config.asString();
    if (pattern == "*") return;
    if (!TAKES_REGEX) {
      config.error("this filter takes no regex: use exact or prefix");
      return;
    }
    const regex = new Regex(pattern);
    if (regex.error !== null) config.error(regex.error!);
    this.regex = regex;
    this.kind = Kind.Regex;
  }

  private startsWithText(start: usize): bool {
    const text = changetype<usize>(this.text);
    const size = <usize>this.text.length;
    if (!this.ignoreCase) return memory.compare(start, text, size) == 0;
    for (let index: usize = 0; index < size; index++) {
      if (lowerCase(load<u8>(start + index)) != lowerCase(load<u8>(text + index))) return false;
    }
    return true;
  }
}

// @ts-ignore: decorator
@inline
function lowerCase(byte: u8): u8 {
  return byte - 0x41 < 26 ? byte | 0x20 : byte;
}
