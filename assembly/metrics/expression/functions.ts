import { Text } from "@attache/sdk";
import { PathTemplates } from "../path-templates";
import { Expression, ValueType } from "./expression";
import { TextBuffer } from "./text-buffer";

export const enum TextTest {
  StartsWith,
  EndsWith,
  Contains,
}

/** `text.startsWith(other)` and its like. */
export class TextTesting extends Expression {
  constructor(
    private readonly test: TextTest,
    private readonly text: Expression,
    private readonly other: Expression,
  ) {
    super(ValueType.Bool);
  }

  override evaluate(): bool {
    const text = this.text;
    const other = this.other;
    if (!text.evaluate() || !other.evaluate()) return false;
    return this.giveNumber(<i64>this.decide(text, other));
  }

  private decide(text: Expression, other: Expression): bool {
    const last = text.length - other.length;
    if (last < 0) return false;
    if (this.test == TextTest.Contains) return find(text, other.start, other.length, 0) >= 0;
    const at = this.test == TextTest.EndsWith ? last : 0;
    return memory.compare(text.start + at, other.start, other.length) == 0;
  }
}

/** `text.size()`: in code points, as in CEL; what is not UTF-8 counts by its bytes that begin a character. */
export class Size extends Expression {
  constructor(private readonly text: Expression) {
    super(ValueType.Integer);
  }

  override evaluate(): bool {
    if (!this.text.evaluate()) return false;
    let count = 0;
    for (let index = 0; index < this.text.length; index++) {
      if ((load<u8>(this.text.start + index) & 0xc0) != 0x80) count++;
    }
    return this.giveNumber(count);
  }
}

/** `int(text)`: decimal digits, with a minus in front or not; absent for what is no integer, or has more than 18 digits. */
export class Parsed extends Expression {
  constructor(private readonly text: Expression) {
    super(ValueType.Integer);
  }

  override evaluate(): bool {
    const text = this.text;
    if (!text.evaluate() || text.length == 0) return false;
    const first = i32(load<u8>(text.start) == 0x2d);
    if (text.length == first || text.length - first > 18) return false;
    let number: i64 = 0;
    for (let index = first; index < text.length; index++) {
      const digit = <u32>load<u8>(text.start + index) - 0x30;
      if (digit > 9) return false;
      number = number * 10 + digit;
    }
    return this.giveNumber(first ? -number : number);
  }
}

/** `text.lower()`: ASCII letters only. */
export class Lower extends Expression {
  private readonly written: TextBuffer = new TextBuffer();

  constructor(private readonly text: Expression) {
    super(ValueType.Text);
  }

  override evaluate(): bool {
    if (!this.text.evaluate()) return false;
    const written = this.written.begin().write(this.text.start, this.text.length);
    for (let index = 0; index < written.length; index++) {
      const byte = load<u8>(written.start + index);
      if (byte - 0x41 < 26) store<u8>(written.start + index, byte | 0x20);
    }
    return this.give(written.start, written.length);
  }
}

/** `text.replace("from", "to")`: every occurrence. */
export class Replace extends Expression {
  private readonly written: TextBuffer = new TextBuffer();
  private readonly from: Text;
  private readonly to: Text;

  /** @param from not empty */
  constructor(
    private readonly text: Expression,
    from: string,
    to: string,
  ) {
    super(ValueType.Text);
    this.from = new Text(from);
    this.to = new Text(to);
  }

  override evaluate(): bool {
    const text = this.text;
    if (!text.evaluate()) return false;
    const written = this.written.begin();
    let from = 0;
    for (let at = this.next(0); at >= 0; at = this.next(from)) {
      written.write(text.start + from, at - from).write(this.to.encoded, this.to.length);
      from = at + this.from.length;
    }
    written.write(text.start + from, text.length - from);
    return this.give(written.start, written.length);
  }

  private next(from: i32): i32 {
    return find(this.text, this.from.encoded, this.from.length, from);
  }
}

/** `statusClass(status)`: `2xx`; absent for what is no status. */
export class StatusClass extends Expression {
  private readonly written: TextBuffer = new TextBuffer();

  constructor(private readonly status: Expression) {
    super(ValueType.Text);
  }

  override evaluate(): bool {
    if (!this.status.evaluate()) return false;
    const status = this.status.number;
    if (status < 100 || status > 599) return false;
    const written = this.written
      .begin()
      .writeInteger(status / 100)
      .writeByte(0x78)
      .writeByte(0x78);
    return this.give(written.start, written.length);
  }
}

/** `knownMethod(method)`: the method if it is one of RFC 9110 or PATCH (RFC 5789), else `other`. */
export class KnownMethod extends Expression {
  private readonly known: Text = new Text(",GET,HEAD,POST,PUT,DELETE,CONNECT,OPTIONS,TRACE,PATCH,");
  private readonly other: Text = new Text("other");

  constructor(private readonly method: Expression) {
    super(ValueType.Text);
  }

  override evaluate(): bool {
    const method = this.method;
    if (!method.evaluate()) return false;
    const start = this.known.encoded;
    for (let index = 0; index < method.length; index++) {
      if (load<u8>(method.start + index) == 0x2c) return this.give(this.other.encoded, this.other.length);
    }
    for (let from = 0; from + method.length + 1 < this.known.length; from++) {
      if (load<u8>(start + from) != 0x2c || load<u8>(start + from + method.length, 1) != 0x2c) continue;
      if (method.length == 0 || memory.compare(start + from + 1, method.start, method.length) != 0) continue;
      return this.giveThat(method);
    }
    return this.give(this.other.encoded, this.other.length);
  }
}

/** `pathTemplate(path)`: the first of the configured templates that matches, else `other`. */
export class PathTemplate extends Expression {
  constructor(
    private readonly path: Expression,
    private readonly templates: PathTemplates,
  ) {
    super(ValueType.Text);
  }

  override evaluate(): bool {
    if (!this.path.evaluate()) return false;
    const template = this.templates.find(this.path.start, this.path.length);
    return this.give(template.encoded, template.length);
  }
}

function find(text: Expression, wanted: usize, size: i32, from: i32): i32 {
  for (let at = from; at + size <= text.length; at++) {
    if (memory.compare(text.start + at, wanted, size) == 0) return at;
  }
  return -1;
}
