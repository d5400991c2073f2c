import { findDuplicate } from "./duplicates";
import { JsonKind } from "./json-kind";
import { absentNode, JsonNode } from "./node";
import { newBuffer, Tape } from "./tape";
import { utf8SequenceLength, writeUtf8 } from "./utf8";

/** Arrays and objects within each other; also bounds the stack that the parser and those who walk a document take. */
const MAX_DEPTH: i32 = 128;

/** A count of children takes 24 bits of a node, and a child at least two bytes of text. */
export const MAX_LENGTH: u32 = 16 << 20;

const QUOTE: u32 = 0x22;

/** A set of the bytes that JSON allows between tokens: tab, line feed, carriage return, space. */
const SPACES: u64 = (1 << 0x09) | (1 << 0x0a) | (1 << 0x0d) | (1 << 0x20);

/**
 * Strict recursive descent over RFC 8259. A method that meets an error notes it and returns 0, else the next address.
 *
 * Works on a copy of the text that is followed by eight zero bytes. No token contains a zero, so nothing needs to look
 * for the end, and escapes are decoded in place.
 */
@final
export class Parser {
  readonly tape: Tape = new Tape();
  /** What should have stood at `failedAt`. */
  expected: string = "";
  /** Offset in the text. */
  failedAt: usize = 0;
  /** The member name that occurs twice, when it is that. */
  duplicate: JsonNode = absentNode();

  private buffer: ArrayBuffer = newBuffer(0);
  private depth: i32 = 0;
  private allowDuplicates: bool = false;

  run(start: usize, length: i32, allowDuplicates: bool): bool {
    this.tape.end = 0;
    this.duplicate = absentNode();
    this.depth = 0;
    this.allowDuplicates = allowDuplicates;
    const tooLong = <u32>length > MAX_LENGTH;
    if (tooLong) length = 0;
    if (this.buffer.byteLength < length + 8) this.buffer = newBuffer(length + 8);
    const text = this.text;
    memory.copy(text, start, length);
    store<u64>(text + length, 0);
    if (tooLong) return this.fail(text, "at most 16 MiB") != 0;
    const p = this.skipSpace(this.value(text));
    return p != 0 && (p == text + length || this.fail(p, "the end") != 0);
  }

  /** Address of the text. */
  get text(): usize {
    return changetype<usize>(this.buffer);
  }

  private fail(at: usize, expected: string): usize {
    this.failedAt = at - this.text;
    this.expected = expected;
    return 0;
  }

  private skipSpace(p: usize): usize {
    if (!p) return p;
    while (true) {
      const c = <u64>load<u8>(p);
      if (c > 0x20 || !((SPACES >> c) & 1)) return p;
      p++;
    }
  }

  private value(p: usize): usize {
    p = this.skipSpace(p);
    const c = <u32>load<u8>(p);
    if (c == QUOTE) return this.string(p);
    if (c == 0x7b) return this.container(p, JsonKind.Object, 0x7d);
    if (c == 0x5b) return this.container(p, JsonKind.Array, 0x5d);
    if (c == 0x2d || c - 0x30 <= 9) return this.number(p);
    const word = load<u32>(p);
    if (word == 0x65757274) return this.scalar(p, 4, JsonKind.Bool | (1 << 8));
    if (word == 0x6c6c756e) return this.scalar(p, 4, JsonKind.Null);
    if (word == 0x736c6166 && load<u8>(p, 4) == 0x65) return this.scalar(p, 5, JsonKind.Bool);
    return this.fail(p, "a value");
  }

  private scalar(p: usize, length: usize, kind: u32): usize {
    this.tape.append(kind, p, length);
    return p + length;
  }

  private number(start: usize): usize {
    let p = start;
    if (load<u8>(p) == 0x2d) p++;
    const first = load<u8>(p);
    p = skipDigits(p);
    if (first == 0x30) p = min(p, start + 1 + usize(load<u8>(start) == 0x2d));
    else if (<u32>first - 0x30 > 9) return this.fail(p, "a digit");
    if (load<u8>(p) == 0x2e) {
      const fraction = ++p;
      p = skipDigits(p);
      if (p == fraction) return this.fail(p, "a digit");
    }
    if ((load<u8>(p) | 0x20) == 0x65) {
      const sign = load<u8>(++p);
      if (sign == 0x2b || sign == 0x2d) p++;
      const exponent = p;
      p = skipDigits(p);
      if (p == exponent) return this.fail(p, "a digit");
    }
    return this.scalar(start, p - start, JsonKind.Number);
  }

  private container(start: usize, kind: JsonKind, closing: u32): usize {
    if (this.depth++ == MAX_DEPTH) return this.fail(start, "at most 128 levels");
    const tape = this.tape;
    const isObject = kind == JsonKind.Object;
    const node = tape.append(kind, start, 0);
    let count = 0;
    let p = this.skipSpace(start + 1);
    if (load<u8>(p) != closing) {
      while (true) {
        if (isObject) {
          if (load<u8>(p) != QUOTE) return this.fail(p, "a name in double quotes");
          p = this.skipSpace(this.string(p));
          if (!p) return 0;
          if (load<u8>(p) != 0x3a) return this.fail(p, "':'");
          p++;
        }
        p = this.skipSpace(this.value(p));
        if (!p) return 0;
        count++;
        const c = <u32>load<u8>(p);
        if (c == closing) break;
        if (c != 0x2c) return this.fail(p, isObject ? "',' or '}' after a member" : "',' or ']' after an element");
        p = this.skipSpace(p + 1);
      }
    }
    this.depth--;
    tape.at(node).close(count, ++p, changetype<usize>(tape.at(tape.end)));
    if (!isObject || this.allowDuplicates) return p;
    tape.reserve((<usize>count) << 3);
    this.duplicate = findDuplicate(tape.at(node), changetype<usize>(tape.at(tape.end)));
    return this.duplicate.isAbsent ? p : this.fail(this.duplicate.start - 1, "each name once");
  }

  /** Appends the string whose opening quote is at `open`. */
  private string(open: usize): usize {
    const content = open + 1;
    let to = content; // behind what has been decoded
    let run = content; // what lies between here and p has still to be moved to `to`
    let p = content;
    while (true) {
      p = skipPlain(p);
      const c = <u32>load<u8>(p);
      if (c >= 0x80) {
        const length = utf8SequenceLength(p);
        if (!length) return this.fail(p, "valid UTF-8");
        p += length;
        continue;
      }
      if (to != run) memory.copy(to, run, p - run);
      to += p - run;
      if (c != 0x5c) break;
      run = p = this.escape(p + 1, to);
      if (!p) return 0;
      to = this.escapeEnd;
    }
    if (load<u8>(p) != QUOTE) return this.fail(p, "'\"'");
    this.tape.append(JsonKind.String, content, to - content);
    return p + 1;
  }

  private escapeEnd: usize = 0;

  /** Decodes what follows the backslash, at `p`, to `to`, and sets `escapeEnd` behind what it wrote. */
  private escape(p: usize, to: usize): usize {
    let code = <u32>load<u8>(p++);
    if (code == 0x62) code = 8;
    else if (code == 0x66) code = 12;
    else if (code == 0x6e) code = 10;
    else if (code == 0x72) code = 13;
    else if (code == 0x74) code = 9;
    else if (code == 0x75) {
      let high: u32 = 0;
      while (true) {
        code = hex4(p);
        if (code > 0xffff) return this.fail(p, "four hex digits");
        const isSurrogate = (code & 0xf800) == 0xd800;
        if (high ? (code & 0xfc00) != 0xdc00 : isSurrogate && code >= 0xdc00) return this.fail(p, "a surrogate pair");
        p += 4;
        if (high) code = (high << 10) + code - 0x35fdc00;
        if (high || !isSurrogate) break;
        if (load<u16>(p) != 0x755c) return this.fail(p, "a surrogate pair");
        high = code;
        p += 2;
      }
    } else if (code != QUOTE && code != 0x5c && code != 0x2f) {
      return this.fail(p - 1, 'one of "\\/bfnrtu');
    }
    this.escapeEnd = writeUtf8(code, to);
    return p;
  }
}

function skipDigits(p: usize): usize {
  while (<u32>load<u8>(p) - 0x30 <= 9) p++;
  return p;
}

/** The value of four hexadecimal digits, or a number above 0xffff. */
function hex4(p: usize): u32 {
  let code: u32 = 0;
  for (const end = p + 4; p < end; p++) {
    const c = <u32>load<u8>(p);
    const letter = (c | 0x20) - 0x61;
    const digit = letter < 6 ? letter + 10 : c - 0x30;
    if (digit > 15 || (digit > 9 && letter >= 6)) return u32.MAX_VALUE;
    code = (code << 4) | digit;
  }
  return code;
}

/** First address from `p` on that holds a control character, a quote, a backslash or a byte above ASCII. */
function skipPlain(p: usize): usize {
  while (true) {
    const word = load<u64>(p);
    // Sets the top bit of each such byte; bytes above the first one found may be set too, by the borrow.
    const found =
      (word |
        (word - 0x2020202020202020) |
        ((word ^ 0x2222222222222222) - 0x0101010101010101) |
        ((word ^ 0x5c5c5c5c5c5c5c5c) - 0x0101010101010101)) &
      0x8080808080808080;
    if (found) return p + ((<usize>ctz(found)) >> 3);
    p += 8;
  }
}
