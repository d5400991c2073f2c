import { attributeBool, attributeInteger, ByteView, getPropertyAt } from "@attache/sdk";
import { Expression, ValueType } from "./expression";

/** Counts evaluations: an attribute read in another one is read again. */
let evaluation: u32 = 1;

/** To be called before the expressions are evaluated for another stream. */
export function beginEvaluation(): void {
  evaluation += 1;
}

/** An attribute of the proxy. Read at most once per stream, whatever number of expressions it stands in. */
export class Attribute extends Expression {
  private readIn: u32 = 0;
  private isThere: bool = false;

  /** @param path its segments, separated by NUL */
  constructor(
    private readonly path: string,
    type: ValueType,
  ) {
    super(type);
  }

  override evaluate(): bool {
    if (this.readIn == evaluation) return this.isThere;
    this.readIn = evaluation;
    const value = getPropertyAt(this.path);
    this.isThere = value !== null && this.read(value);
    return this.isThere;
  }

  /** What CEL calls it, for texts and numbers: `false` when it is absent. */
  get inCel(): string {
    const names = this.path.split("\0");
    const name = names[0] + "." + names[1];
    if (names.length == 3) {
      return '"' + names[2] + '" in ' + name + " ? " + name + '["' + names[2] + '"] : false';
    }
    return "has(" + name + ") ? " + name + " : false";
  }

  /** Takes what was read otherwise for this evaluation: the bytes of {@link inCel}. */
  take(start: usize, size: i32): void {
    this.readIn = evaluation;
    if (this.type != ValueType.Text) this.isThere = size == 8 && this.giveNumber(load<i64>(start));
    // `false` is a NUL, which no text of a request has in it.
    else this.isThere = !(size == 1 && load<u8>(start) == 0) && this.give(start, size);
  }

  /** Its text; `null` when it is absent. */
  get view(): ByteView | null {
    return this.evaluate() ? ByteView.of(this.start, this.length) : null;
  }

  /** As {@link view}, but for the empty text, which is as good as none. */
  get nonEmpty(): ByteView | null {
    return this.evaluate() && this.length > 0 ? ByteView.of(this.start, this.length) : null;
  }

  /** Its integer or nanoseconds; `absent` when it is absent. */
  numberOr(absent: i64): i64 {
    return this.evaluate() ? this.number : absent;
  }

  private read(value: ByteView): bool {
    if (this.type == ValueType.Text) return this.giveView(value);
    if (this.type == ValueType.Bool) return this.giveNumber(<i64>attributeBool(value));
    const number = attributeInteger(value, i64.MIN_VALUE);
    return number != i64.MIN_VALUE && this.giveNumber(number);
  }
}

/** All attributes that a configuration names, each once. */
export class Attributes {
  private readonly paths: string[] = [];
  private readonly known: Attribute[] = [];

  /** @param path its segments, separated by NUL */
  get(path: string, type: ValueType): Attribute {
    const index = this.paths.indexOf(path);
    if (index >= 0) return this.known[index];
    const attribute = new Attribute(path, type);
    this.paths.push(path);
    this.known.push(attribute);
    return attribute;
  }

  text(path: string): Attribute {
    return this.get(path, ValueType.Text);
  }

  integer(path: string): Attribute {
    return this.get(path, ValueType.Integer);
  }
}
