import { ByteView } from "../memory/byte-view";
import { beginBytes, writeByte, writeBytes, writtenBytes, writtenSize } from "../memory/byte-writer";
import { decimal } from "../json/text";
import { decodeMultiByte, encodeText, textSize } from "../memory/utf8";
import { RegexSearch } from "./regex-search";

/**
 * Replaces all matches of a regular expression, as RE2's `GlobalReplace` and Envoy's `regex_rewrite` do: leftmost matches
 * that do not overlap, alternatives preferred in their order. In the substitution, `\1` to `\9` stand for groups, `\0` for
 * the whole match and `\\` for a backslash.
 *
 * Syntax and limits are those of `Regex`. Time is linear in the size of the input, for a given pattern.
 */
@final
export class RegexReplacement {
  /** What is wrong with the pattern, or `null`. */
  readonly error: string | null;
  /** What is wrong with the substitution, or `null`. */
  readonly substitutionError: string | null;

  private readonly search: RegexSearch;
  private readonly substitution: StaticArray<u8>;

  constructor(pattern: string, substitution: string) {
    const search = new RegexSearch(pattern);
    this.search = search;
    this.error = search.error;
    const encoded = encodeText(substitution);
    this.substitution = new StaticArray<u8>(<i32>textSize(encoded));
    memory.copy(changetype<usize>(this.substitution), encoded, textSize(encoded));
    this.substitutionError = checkSubstitution(substitution, search.groups);
  }

  /** The text with all matches replaced, valid until the callback returns; `null` when there is none. */
  replaceAll(text: ByteView): ByteView | null {
    if (this.error !== null || this.substitutionError !== null) return null;
    const search = this.search;
    const start = text.start;
    const size = text.length;
    let position = 0;
    let lastEnd = -1;
    let count = 0;
    beginBytes(size + 64);
    while (search.find(text, position)) {
      const from = search.startOf(0);
      const to = search.endOf(0);
      writeBytes(start + position, from - position);
      if (from == to && from == lastEnd) {
        // An empty match right behind the last one does not count: go on after the next character.
        const skipped = from < size ? <i32>characterSize(start + from, start + size) : 1;
        if (from < size) writeBytes(start + from, skipped);
        position = from + skipped;
        continue;
      }
      this.writeSubstitution(start);
      count += 1;
      position = lastEnd = to;
    }
    if (count == 0) return null;
    if (position < size) writeBytes(start + position, size - position);
    return ByteView.of(writtenBytes(), <i32>writtenSize());
  }

  private writeSubstitution(start: usize): void {
    const substitution = this.substitution;
    for (let index = 0; index < substitution.length; index++) {
      const byte = unchecked(substitution[index]);
      if (byte != 0x5c) {
        writeByte(byte);
        continue;
      }
      const next = unchecked(substitution[++index]);
      if (next == 0x5c) {
        writeByte(next);
        continue;
      }
      const group = <i32>next - 0x30;
      const from = this.search.startOf(group);
      if (from >= 0) writeBytes(start + from, this.search.endOf(group) - from);
    }
  }
}

function characterSize(start: usize, end: usize): u32 {
  const lead = <u32>load<u8>(start);
  return lead < 0x80 ? 1 : decodeMultiByte(start, end, lead) >>> 24;
}

function checkSubstitution(text: string, groups: i32): string | null {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) != 0x5c) continue;
    const digit = <u32>text.charCodeAt(++index) - 0x30;
    if (digit > 9 && text.charCodeAt(index) != 0x5c) return "a backslash must be followed by a digit or another one";
    if (digit <= 9 && <i32>digit > groups) return "the pattern has no group " + decimal(digit);
  }
  return null;
}
