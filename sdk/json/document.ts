import { absentNode, JsonNode, NODE_BYTES } from "./node";
import { MAX_LENGTH, Parser } from "./parser";
import { decimal, describeCharacter, quote } from "./text";

/** Of each second node, the name of a member, 8 bytes are needed to find duplicates. */
const NODE_AND_NAME_BYTES: usize = NODE_BYTES + 4;

/**
 * A JSON text (RFC 8259, strict).
 *
 * Values are {@link JsonNode}s, good until the next `parse`. The document keeps a copy of the text, into which they
 * point.
 *
 * ```ts
 * const claims = new JsonDocument();
 * if (!claims.parse(start, length)) return claims.error;
 * const expires = claims.root.member("exp");
 * this.expires = expires.i64;
 * if (expires.numberStatus != NumberStatus.Ok) return "exp must be an integer";
 * ```
 *
 * Refused, beside what the grammar refuses: a byte order mark, invalid UTF-8, lone surrogates (`"\ud800"`; RFC 7493
 * §2.1), a member name given twice (RFC 7493 §2.3), more than 128 levels, more than 16 MiB.
 *
 * Cost: time is linear in the length, but for O(n√n) comparisons of the n names of an object, which find duplicates.
 * Memory is the length and 16 bytes per value and name, at most doubled, whatever the input. A document that is parsed
 * into again reuses it.
 */
@final
export class JsonDocument {
  private parser: Parser = new Parser();

  /**
   * `null`, or what is wrong and where: `line 3, column 14: expected ',' or '}' after a member, found '"'`. Lines and
   * columns count from 1, columns in characters.
   */
  error: string | null = null;

  /**
   * Reads `length` bytes of UTF-8 at `start`, replacing what this document held, and tells whether they are valid;
   * {@link error} says what is wrong otherwise. With `allowDuplicates`, a member name may occur
   * again and the last one counts.
   */
  parse(start: usize, length: i32, allowDuplicates: bool = false): bool {
    const valid = this.parser.run(start, length, allowDuplicates);
    this.error = valid ? null : this.describe(start, length);
    return valid;
  }

  /**
   * @internal Makes room for all that a text can hold, before it is parsed: a tape that grows bit by bit leaves as much memory
   * behind as it has. Cost: linear in the length; for texts that are read once.
   */
  reserveFor(start: usize, length: i32): void {
    if (<u32>length > MAX_LENGTH) return;
    // Each value and name has one of four characters in front, or is the whole.
    let most: usize = 1;
    for (const end = start + length; start < end; start++) {
      const c = <u32>load<u8>(start);
      if (c == 0x2c || c == 0x3a || (c | 0x20) == 0x7b) most++;
    }
    this.parser.tape.reserve(most * NODE_AND_NAME_BYTES);
  }

  /** The value that is the whole text; absent unless {@link parse} succeeded. */
  get root(): JsonNode {
    return this.parser.tape.end && this.error === null ? this.parser.tape.at(0) : absentNode();
  }

  private describe(start: usize, length: i32): string {
    const parser = this.parser;
    const at = start + parser.failedAt;
    let line = 1;
    let column = 1;
    for (let p = start; p < at; p++) {
      const c = load<u8>(p);
      if (c == 0x0a) {
        line++;
        column = 0;
      }
      if ((c & 0xc0) != 0x80) column++;
    }
    const name = parser.duplicate;
    const found = name.isAbsent
      ? describeCharacter(parser.text + parser.failedAt, parser.text + length)
      : quote(name.start, name.length) + " again";
    return (
      "line " + decimal(line) + ", column " + decimal(column) + ": expected " + parser.expected + ", found " + found
    );
  }
}
