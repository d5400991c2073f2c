import { ConfigReader } from "../config";
import { KeyKind } from "../match/text-index";
import { ByteView } from "../memory/byte-view";
import { Text } from "../memory/text";

/** What a text has to be: `exact`, `prefix`, `suffix`, for paths also `pathSeparatedPrefix`; `{}`: any. */
@final
export class TextMatch {
  private constructor(
    /** What an index can find it by; `None` for any text. */
    readonly kind: KeyKind,
    readonly key: Text,
    /** Whether the key is a path, and what follows must begin another segment. */
    private readonly isWholeSegments: bool = false,
  ) {}

  static read(config: ConfigReader, isPath: bool): TextMatch {
    config.asObject();
    const exact = config.has("exact");
    const prefix = config.has("prefix");
    const suffix = config.has("suffix");
    const pathPrefix = isPath && config.has("pathSeparatedPrefix");
    if (<i32>exact + <i32>prefix + <i32>suffix + <i32>pathPrefix > 1) {
      config.error("only one of exact, prefix and suffix can be given");
    }
    if (exact) return new TextMatch(KeyKind.Exact, new Text(config.string("exact", "")));
    if (prefix) return TextMatch.ofPart(KeyKind.Prefix, config.string("prefix", ""));
    if (suffix) return TextMatch.ofPart(KeyKind.Suffix, config.string("suffix", ""));
    if (!pathPrefix) return TextMatch.ofPart(KeyKind.None, "");
    const path = config.string("pathSeparatedPrefix", "/path");
    if (!path.startsWith("/") || path.endsWith("/")) {
      config.get("pathSeparatedPrefix").error("must start with / and not end with it");
    }
    return new TextMatch(KeyKind.Prefix, new Text(path), true);
  }

  /** A host: a name, `*.` and what names end with, or `*` for all. */
  static readHost(config: ConfigReader): TextMatch {
    const host = config.asString();
    if (host == "*") return TextMatch.ofPart(KeyKind.None, "");
    const isSuffix = host.startsWith("*.");
    const name = isSuffix ? host.substring(1) : host;
    // Of requests, too, port and last dot are left out.
    const hasMore = name.endsWith(".") || (name.includes(":") && !name.endsWith("]"));
    if (config.isPresent && (host.length == 0 || name.includes("*") || name.includes("/") || hasMore)) {
      config.error("must be a name, * or *. and a name, without port and last dot");
    }
    return new TextMatch(isSuffix ? KeyKind.Suffix : KeyKind.Exact, lowerCaseText(name));
  }

  matches(value: ByteView): bool {
    const size = this.key.length;
    const length = value.length;
    const kind = this.kind;
    if (kind == KeyKind.None) return true;
    if (kind == KeyKind.Exact ? length != size : length < size) return false;
    const at = value.start + <usize>(kind == KeyKind.Suffix ? length - size : 0);
    if (memory.compare(at, this.key.encoded, size) != 0) return false;
    return !this.isWholeSegments || length == size || value.at(size) == 0x2f;
  }

  /** An empty part is one of any text. */
  private static ofPart(kind: KeyKind, text: string): TextMatch {
    return new TextMatch(text.length == 0 ? KeyKind.None : kind, new Text(text));
  }
}

/** The text with ASCII letters in lower case, encoded. */
export function lowerCaseText(text: string): Text {
  return Text.ofBytes(ByteView.ofText(text).toLowerCase());
}
