import { Expression, ValueType } from "./expression";
import { TextBuffer } from "./text-buffer";

/**
 * `foldIds(path)`: the path without its query, with `:id` for each segment that looks like one: digits, hexadecimal digits
 * from eight on, a UUID.
 */
export class FoldIds extends Expression {
  private readonly written: TextBuffer = new TextBuffer();

  constructor(private readonly path: Expression) {
    super(ValueType.Text);
  }

  override evaluate(): bool {
    const path = this.path;
    if (!path.evaluate()) return false;
    const written = this.written.begin();
    let from = 0;
    for (let at = 0; ; at++) {
      const byte = at < path.length ? load<u8>(path.start + at) : 0x3f;
      const isEnd = byte == 0x3f || byte == 0x23;
      if (!isEnd && byte != 0x2f) continue;
      if (isId(path.start + from, at - from)) written.writeByte(0x3a).writeByte(0x69).writeByte(0x64);
      else written.write(path.start + from, at - from);
      if (isEnd) break;
      written.writeByte(byte);
      from = at + 1;
    }
    return this.give(written.start, written.length);
  }
}

function isId(start: usize, length: i32): bool {
  let digits = 0;
  let letters = 0;
  let hyphens = 0;
  for (let index = 0; index < length; index++) {
    const byte = load<u8>(start + index);
    if (byte - 0x30 < 10) digits++;
    else if ((byte | 0x20) - 0x61 < 6) letters++;
    else if (byte == 0x2d && (index == 8 || index == 13 || index == 18 || index == 23)) hyphens++;
    else return false;
  }
  if (hyphens > 0) return hyphens == 4 && length == 36;
  return length > 0 && (letters == 0 || length >= 8);
}
