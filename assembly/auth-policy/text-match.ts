import { ByteView, KeyKind, Text, UriTemplate } from "@attache/sdk";

/** One of the values that a rule lists for an attribute. Bytes are compared as they are. */
export abstract class TextMatch {
  /** What an index can find it by. */
  readonly keyKind: KeyKind;

  /** @param key what every text that matches has in common: as a whole, in front or at its end */
  constructor(
    kind: KeyKind,
    readonly key: Text,
  ) {
    this.keyKind = key.length == 0 && kind != KeyKind.Exact ? KeyKind.None : kind;
  }

  abstract matches(start: usize, length: i32): bool;
}

/** Exactly this text. */
@final
export class ExactMatch extends TextMatch {
  constructor(text: Text) {
    super(KeyKind.Exact, text);
  }

  matches(start: usize, length: i32): bool {
    const text = this.key;
    return length == text.length && memory.compare(start, text.encoded, length) == 0;
  }
}

/** What starts with one text and ends with another, which do not overlap. */
@final
export class AffixMatch extends TextMatch {
  private readonly least: i32;

  constructor(
    private readonly head: Text,
    private readonly tail: Text,
  ) {
    super(tail.length > 0 ? KeyKind.Suffix : KeyKind.Prefix, tail.length > 0 ? tail : head);
    this.least = head.length + tail.length;
  }

  matches(start: usize, length: i32): bool {
    if (length < this.least) return false;
    const head = this.head;
    const tail = this.tail;
    return (
      memory.compare(start, head.encoded, head.length) == 0 &&
      memory.compare(start + length - tail.length, tail.encoded, tail.length) == 0
    );
  }
}

/** Any text that is not empty. */
@final
export class PresentMatch extends TextMatch {
  /** @param takesLineFeeds whether one with a line feed counts: not in Envoy, which is told `.+` by Istio */
  constructor(private readonly takesLineFeeds: bool) {
    super(KeyKind.None, new Text(""));
  }

  matches(start: usize, length: i32): bool {
    return length > 0 && (this.takesLineFeeds || ByteView.of(start, length).indexOf(0x0a) < 0);
  }
}

/** A path template of Istio. */
@final
export class TemplateMatch extends TextMatch {
  constructor(
    private readonly template: UriTemplate,
    text: string,
  ) {
    super(KeyKind.Prefix, new Text(text.substring(0, text.indexOf("{"))));
  }

  matches(start: usize, length: i32): bool {
    return this.template.matches(start, length);
  }
}

/**
 * Istio's rule for strings: `*` asks for presence, a `*` in front for the suffix behind it, one at the end for the prefix
 * before it, looked at in this order; a `*` elsewhere stands for itself.
 *
 * @param head what every text has in front, such as `spiffe://`; not for presence
 * @param takesLineFeeds whether a text with a line feed is present
 */
export function stringRule(rule: string, head: string = "", takesLineFeeds: bool = true): TextMatch {
  if (rule == "*") return new PresentMatch(takesLineFeeds);
  if (rule.startsWith("*")) return new AffixMatch(new Text(head), new Text(rule.substring(1)));
  if (rule.endsWith("*")) return new AffixMatch(new Text(head + rule.substring(0, rule.length - 1)), new Text(""));
  return new ExactMatch(new Text(head + rule));
}
