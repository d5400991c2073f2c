import { decimal } from "../json/text";

/** What stands behind the end of the pattern. */
export const END: u32 = u32.MAX_VALUE;

/** Reads the characters of a pattern, and escapes that stand for one. Keeps the first error. */
export class PatternScanner {
  /** What is wrong, with its column, or `null`. */
  error: string | null = null;
  protected position: i32 = 0;

  constructor(
    protected text: string,
    protected isBytes: bool,
  ) {}

  /** Largest code point, or byte. */
  protected get limit(): u32 {
    return this.isBytes ? 0xff : 0x10ffff;
  }

  protected get failed(): bool {
    return this.error !== null;
  }

  /** Keeps the error and goes to the end, so that all loops stop. */
  protected fail(at: i32, message: string): void {
    if (this.failed) return;
    let column = 1;
    for (let i = 0; i < at; i++) {
      if ((this.text.charCodeAt(i) & 0xfc00) != 0xdc00) column++;
    }
    this.error = "column " + decimal(column) + ": " + message;
    this.position = this.text.length;
  }

  /** The code point at the position, or `END`. */
  protected peek(): u32 {
    const p = this.position;
    return p < this.text.length ? this.text.codePointAt(p) : END;
  }

  protected next(): u32 {
    const c = this.peek();
    if (c != END) this.position += c > 0xffff ? 2 : 1;
    return c;
  }

  protected accept(c: u32): bool {
    if (this.peek() != c) return false;
    this.position++;
    return true;
  }

  protected charAt(p: i32): u32 {
    return p < this.text.length ? <u32>this.text.charCodeAt(p) : END;
  }

  /** The character that an escape stands for. */
  protected escapedCharacter(): u32 {
    const start = this.position++;
    let c = this.next();
    if (c == END) this.fail(start, "a backslash at the end; write '\\\\' for the character");
    else if (c == 0x78) c = this.hexadecimal(start);
    else if (c == 0x6e) c = 0x0a;
    else if (c == 0x72) c = 0x0d;
    else if (c == 0x74) c = 0x09;
    else if (c == 0x61) c = 0x07;
    else if (c == 0x66) c = 0x0c;
    else if (c == 0x76) c = 0x0b;
    else if (c - 0x30 <= 9) {
      c -= 0x30;
      if (c > 7 || (c && this.peek() - 0x30 > 7)) this.fail(start, "back-references are not supported");
      for (let i = 0; i < 2 && this.peek() - 0x30 <= 7; i++) c = c * 8 + this.next() - 0x30;
      if (c > this.limit) this.fail(start, "not a byte");
    } else if (c >= 0x80 || (c | 0x20) - 0x61 < 26) {
      this.fail(start, "'\\" + String.fromCodePoint(c) + "' is not an escape that is supported");
    }
    return c;
  }

  /** `41` or `{10FFFF}` after `\x`. */
  protected hexadecimal(start: i32): u32 {
    const isBraced = this.accept(0x7b);
    let code: u32 = 0;
    let digits = 0;
    while (isBraced || digits < 2) {
      const c = this.peek();
      const letter = (c | 0x20) - 0x61;
      if (letter >= 6 && c - 0x30 > 9) break;
      code = min(code * 16 + (letter < 6 ? letter + 10 : c - 0x30), 0x110000);
      this.next();
      digits++;
    }
    if (isBraced ? digits == 0 || !this.accept(0x7d) : digits < 2) {
      this.fail(start, "'\\x' must be followed by two hexadecimal digits, or by some in braces");
    }
    if (code > this.limit) this.fail(start, this.isBytes ? "not a byte" : "not a code point");
    return code;
  }
}
