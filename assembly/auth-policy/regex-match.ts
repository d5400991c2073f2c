import { ByteView, isUtf8, KeyKind, Regex, Text } from "@attache/sdk";
import { TextMatch } from "./text-match";

/** What a value begins with that is a regular expression. */
export const REGEX_MARK: string = "regex:";

/**
 * A regular expression (RE2) that the whole text must match. It says nothing of a text that is not UTF-8: such a one
 * counts as a match where that is safe, if it begins like one (CVE-2026-73552).
 */
@final
export class RegexMatch extends TextMatch {
  constructor(
    private readonly regex: Regex,
    /** Whether a text that is not UTF-8 counts as a match. */
    private readonly takesOthers: bool,
  ) {
    const prefix = regex.literalPrefix;
    super(KeyKind.Prefix, Text.ofBytes(ByteView.of(changetype<usize>(prefix), prefix.length)));
  }

  matches(start: usize, length: i32): bool {
    const isMatch = this.regex.matches(start, length);
    const takesOthers = this.takesOthers;
    // RE2's `.` takes overlong forms and surrogates, which are no UTF-8.
    if (isMatch == takesOthers || isUtf8(start, length)) return isMatch;
    return takesOthers && this.beginsWithKey(start, length);
  }

  private beginsWithKey(start: usize, length: i32): bool {
    const key = this.key;
    return length >= key.length && memory.compare(start, key.encoded, key.length) == 0;
  }
}
