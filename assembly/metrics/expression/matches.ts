import { Regex } from "@attache/sdk";
import { Expression, ValueType } from "./expression";

/** `text.matches("pattern")`: whether some part of the text matches the regular expression, as in CEL. */
export class Matches extends Expression {
  constructor(
    private readonly text: Expression,
    private readonly regex: Regex,
  ) {
    super(ValueType.Bool);
  }

  override evaluate(): bool {
    const text = this.text;
    return text.evaluate() && this.giveNumber(<i64>this.regex.test(text.start, text.length));
  }
}
