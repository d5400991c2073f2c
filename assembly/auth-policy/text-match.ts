import { KeyKind, Text, UriTemplate } from "@attache/sdk";

/** One of the values that a rule lists for an attribute. Bytes are compared as they are. */
export abstract class TextMatch {
  /** What every text that matches has in common, as far as an index can use it. */
  keyKind: KeyKind = KeyKind.None;
  key: Text = new Text("");

  abstract matches(start: usize, length: i32): bool;

  protected indexBy(kind: KeyKind, key: Text): void {
    if (key.length == 0 && kind != KeyKind.Exact) return;
    this.keyKind = kind;
    this.key = key;
  }
}

/** Exactly this text. */
@final
export class ExactMatch extends TextMatch {
  constructor(private readonly text: Text) {
    super();
    this.indexBy(KeyKind.Exact, text);
  }

  matches(start: usize, length: i32): bool {
    const text = this.text;
    return length == text.length && memory.compare(start, text.encoded, length) == 0;
  }
}

/** What starts with one text and ends with another, which do not overlap, and has at least so many bytes. */
@final
export class AffixMatch extends TextMatch {
  private readonly least: i32;

  constructor(
    private readonly head: Text,
    private readonly tail: Text,
    least: i32 = 0,
  ) {
    super();
    this.least = max(least, head.length + tail.length);
    if (tail.length > 0) this.indexBy(KeyKind.Suffix, tail);
    else this.indexBy(KeyKind.Prefix, head);
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

/** A path template of Istio. */
@final
export class TemplateMatch extends TextMatch {
  constructor(
    private readonly template: UriTemplate,
    text: string,
  ) {
    super();
    this.indexBy(KeyKind.Prefix, new Text(text.substring(0, text.indexOf("{"))));
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
 * @param leastPresent bytes that a text must have to be present
 */
export function stringRule(rule: string, head: string = "", leastPresent: i32 = 1): TextMatch {
  const none = new Text("");
  if (rule == "*") return new AffixMatch(none, none, leastPresent);
  if (rule.startsWith("*")) return new AffixMatch(new Text(head), new Text(rule.substring(1)));
  if (rule.endsWith("*")) return new AffixMatch(new Text(head + rule.substring(0, rule.length - 1)), none);
  return new ExactMatch(new Text(head + rule));
}
