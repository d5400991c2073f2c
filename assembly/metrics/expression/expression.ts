import { ByteView } from "@attache/sdk";

/** What an expression gives; known when it is compiled. */
export const enum ValueType {
  Text,
  Integer,
  Bool,
  /** Nanoseconds. */
  Duration,
}

/**
 * A compiled expression. It keeps the result of its last evaluation in itself, so that evaluating allocates nothing;
 * text is valid until the callback returns.
 */
export abstract class Expression {
  /** Of text. */
  start: usize = 0;
  length: i32 = 0;
  /** Integer, truth (0 or 1) or nanoseconds. */
  number: i64 = 0;

  constructor(readonly type: ValueType) {}

  /** @returns `false` when there is no value: something in it is absent */
  abstract evaluate(): bool;

  /** Whether it has a value, which is `true`. */
  holds(): bool {
    return this.evaluate() && this.number != 0;
  }

  protected give(start: usize, length: i32): bool {
    this.start = start;
    this.length = length;
    return true;
  }

  protected giveView(view: ByteView): bool {
    return this.give(view.start, view.length);
  }

  protected giveNumber(number: i64): bool {
    this.number = number;
    return true;
  }

  /** The value of `other`, which is of the same type. */
  protected giveThat(other: Expression): bool {
    this.start = other.start;
    this.length = other.length;
    this.number = other.number;
    return true;
  }
}

/** As one says it in a message. */
export function typeName(type: ValueType): string {
  switch (type) {
    case ValueType.Text:
      return "text";
    case ValueType.Integer:
      return "an integer";
    case ValueType.Bool:
      return "true or false";
    default:
      return "a duration";
  }
}
