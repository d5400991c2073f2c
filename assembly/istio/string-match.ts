import { ByteView, ConfigReader, KeyKind, Regex, Text } from "@attache/sdk";

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
  PathPrefix,
  Regex,
}

/**
 * Istio's `StringMatch`: exactly one of `exact`, `prefix` and `regex`. The empty object, or the regex `*`, asks only
 * that there is a value.
 *
 * Bytes are compared as they are, without Unicode folding; a regex (RE2) must match the whole value.
 * Source: Istio's VirtualService reference, and `pilot/pkg/networking/core/route` for the corner cases.
 */
@final
export class StringMatch {
  /** What a {@link TextIndex} can find this match by, and with which text; in lower case if {@link ignoresCase}. */
  keyKind: KeyKind = KeyKind.None;
  key: Text = new Text("");
  /** The regular expression that this match is, if it is one. */
  regex: Regex | null = null;
  private kind: Kind = Kind.Present;

  /**
   * @param ignoresCase whether all but a regex match ASCII letters of either case
   * @param isPath whether there is a `pathSeparatedPrefix`, too: `/a` matches `/a` and `/a/b`, but not `/ab`
   */
  constructor(
    config: ConfigReader,
    private readonly ignoreCase: bool = false,
    isPath: bool = false,
  ) {
    const exact = config.has("exact");
    const prefix = config.has("prefix");
    const pathPrefix = isPath && config.has("pathSeparatedPrefix");
    const regex = config.has("regex");
    if (<i32>exact + <i32>prefix + <i32>pathPrefix + <i32>regex > 1) {
      config.error("only one of exact, prefix and regex can be given");
    }
    if (exact) this.setText(Kind.Exact, KeyKind.Exact, config.string("exact", ""));
    else if (prefix) this.setText(Kind.Prefix, KeyKind.Prefix, config.string("prefix", ""));
    else if (pathPrefix) {
      const path = config.string("pathSeparatedPrefix", "/");
      if (!path.startsWith("/") || path.endsWith("/")) {
        config.get("pathSeparatedPrefix").error("must start with / and not end with it");
      }
      this.setText(Kind.PathPrefix, KeyKind.Prefix, path);
    }
    if (regex) this.readRegex(config.get("regex"));
  }

  /** Whether the key is one in lower case, which the text has to be compared with in lower case. */
  get ignoresCase(): bool {
    return this.ignoreCase && this.kind != Kind.Regex;
  }

  /** How many bytes of a path that matches are what a rewrite of the prefix replaces. */
  matchedLength(pathLength: i32): i32 {
    if (this.kind == Kind.Prefix || this.kind == Kind.PathPrefix) return this.key.length;
    return this.kind == Kind.Present ? 1 : pathLength;
  }

  /** Whether `value` matches; a value that is not there (`null`) never does. */
  matches(value: ByteView | null): bool {
    return value !== null && this.matchesBytes(value.start, value.length);
  }

  matchesBytes(start: usize, length: i32): bool {
    const size = this.key.length;
    switch (this.kind) {
      case Kind.Exact:
        return length == size && this.startsWithKey(start);
      case Kind.Prefix:
        return length >= size && this.startsWithKey(start);
      case Kind.PathPrefix:
        return (length == size || (length > size && load<u8>(start + size) == 0x2f)) && this.startsWithKey(start);
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

  /** Whether it is a prefix, of text or of whole path segments. */
  get isPrefix(): bool {
    return this.kind == Kind.Prefix || this.kind == Kind.PathPrefix;
  }

  /** Whether nothing is asked for, or the empty text. */
  get isEmpty(): bool {
    return this.kind != Kind.Regex && this.key.length == 0;
  }

  private setText(kind: Kind, keyKind: KeyKind, text: string): void {
    this.kind = kind;
    this.setKey(keyKind, this.ignoreCase ? Text.ofBytes(ByteView.ofText(text).toLowerCase()) : new Text(text));
  }

  private setKey(kind: KeyKind, key: Text): void {
    this.key = key;
    if (kind == KeyKind.Exact || key.length > 0) this.keyKind = kind;
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
    const prefix = regex.literalPrefix;
    this.setKey(KeyKind.Prefix, Text.ofBytes(ByteView.of(changetype<usize>(prefix), prefix.length)));
  }

  private startsWithKey(start: usize): bool {
    const text = this.key.encoded;
    const size = <usize>this.key.length;
    if (!this.ignoreCase) return memory.compare(start, text, size) == 0;
    for (let index: usize = 0; index < size; index++) {
      if (lowerCase(load<u8>(start + index)) != load<u8>(text + index)) return false;
    }
    return true;
  }
}

/** An ASCII letter in lower case; any other byte as it is. */
// @ts-ignore: decorator
@inline
function lowerCase(byte: u8): u8 {
  return byte - 0x41 < 26 ? byte | 0x20 : byte;
}
