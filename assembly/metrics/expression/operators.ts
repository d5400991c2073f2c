import { Text } from "@attache/sdk";
import { Expression, ValueType } from "./expression";
import { TextBuffer } from "./text-buffer";

export class TextLiteral extends Expression {
  private readonly text: Text;

  constructor(text: string) {
    super(ValueType.Text);
    this.text = new Text(text);
  }

  override evaluate(): bool {
    return this.give(this.text.encoded, this.text.length);
  }
}

/** An integer, truth or nanoseconds. */
export class NumberLiteral extends Expression {
  constructor(type: ValueType, number: i64) {
    super(type);
    this.number = number;
  }

  override evaluate(): bool {
    return true;
  }
}

/** `a | b`: what stands first and is there. */
export class DefaultTo extends Expression {
  constructor(
    private readonly first: Expression,
    private readonly second: Expression,
  ) {
    super(first.type);
  }

  override evaluate(): bool {
    if (this.first.evaluate()) return this.giveThat(this.first);
    return this.second.evaluate() && this.giveThat(this.second);
  }
}

/** `condition ? a : b`. */
export class Conditional extends Expression {
  constructor(
    private readonly condition: Expression,
    private readonly first: Expression,
    private readonly second: Expression,
  ) {
    super(first.type);
  }

  override evaluate(): bool {
    if (!this.condition.evaluate()) return false;
    const chosen = this.condition.number != 0 ? this.first : this.second;
    return chosen.evaluate() && this.giveThat(chosen);
  }
}

/** `a && b` and `a || b`. As in CEL, one operand that decides is enough: the other may be absent. */
export class Connective extends Expression {
  /** @param decisive what decides: 1 for `||`, 0 for `&&` */
  constructor(
    private readonly first: Expression,
    private readonly second: Expression,
    private readonly decisive: i64,
  ) {
    super(ValueType.Bool);
  }

  override evaluate(): bool {
    const hasFirst = this.first.evaluate();
    if (hasFirst && this.first.number == this.decisive) return this.giveNumber(this.decisive);
    const hasSecond = this.second.evaluate();
    if (hasSecond && this.second.number == this.decisive) return this.giveNumber(this.decisive);
    return hasFirst && hasSecond && this.giveNumber(1 - this.decisive);
  }
}

export class Not extends Expression {
  constructor(private readonly operand: Expression) {
    super(ValueType.Bool);
  }

  override evaluate(): bool {
    return this.operand.evaluate() && this.giveNumber(1 - this.operand.number);
  }
}

/** `has(a)`: always a truth. */
export class Has extends Expression {
  constructor(private readonly operand: Expression) {
    super(ValueType.Bool);
  }

  override evaluate(): bool {
    return this.giveNumber(<i64>this.operand.evaluate());
  }
}

/** How two values stand to each other: bits, so that `<=` is two of them. */
export const enum Order {
  Less = 1,
  Equal = 2,
  Greater = 4,
}

/** `==`, `!=`, `<`, `<=`, `>`, `>=` of two values of one type; texts by their bytes. */
export class Comparison extends Expression {
  /** @param accepted the {@link Order}s for which it is true */
  constructor(
    private readonly first: Expression,
    private readonly second: Expression,
    private readonly accepted: i32,
  ) {
    super(ValueType.Bool);
  }

  override evaluate(): bool {
    const first = this.first;
    const second = this.second;
    if (!first.evaluate() || !second.evaluate()) return false;
    const order = first.type == ValueType.Text ? compareTexts(first, second) : compareNumbers(first, second);
    return this.giveNumber(<i64>((order & this.accepted) != 0));
  }
}

/** `a + b` of two texts. */
export class Concatenation extends Expression {
  private readonly text: TextBuffer = new TextBuffer();

  constructor(
    private readonly first: Expression,
    private readonly second: Expression,
  ) {
    super(ValueType.Text);
  }

  override evaluate(): bool {
    const first = this.first;
    const second = this.second;
    if (!first.evaluate() || !second.evaluate()) return false;
    const text = this.text.begin().write(first.start, first.length).write(second.start, second.length);
    return this.give(text.start, text.length);
  }
}

/** `a + b` of two integers or durations. */
export class Sum extends Expression {
  constructor(
    private readonly first: Expression,
    private readonly second: Expression,
  ) {
    super(first.type);
  }

  override evaluate(): bool {
    if (!this.first.evaluate() || !this.second.evaluate()) return false;
    return this.giveNumber(this.first.number + this.second.number);
  }
}

function compareNumbers(first: Expression, second: Expression): i32 {
  if (first.number == second.number) return Order.Equal;
  return first.number < second.number ? Order.Less : Order.Greater;
}

function compareTexts(first: Expression, second: Expression): i32 {
  const order = memory.compare(first.start, second.start, min(first.length, second.length));
  const sign = order != 0 ? order : first.length - second.length;
  if (sign == 0) return Order.Equal;
  return sign < 0 ? Order.Less : Order.Greater;
}
