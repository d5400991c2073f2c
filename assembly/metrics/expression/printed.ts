import { Text } from "@attache/sdk";
import { Expression, ValueType } from "./expression";
import { TextBuffer } from "./text-buffer";

/** Another expression as text: what a label says. Durations are in milliseconds. */
export class Printed extends Expression {
  private readonly written: TextBuffer = new TextBuffer();
  private readonly yes: Text = new Text("true");
  private readonly no: Text = new Text("false");

  constructor(private readonly operand: Expression) {
    super(ValueType.Text);
  }

  override evaluate(): bool {
    const operand = this.operand;
    if (!operand.evaluate()) return false;
    switch (operand.type) {
      case ValueType.Text:
        return this.giveThat(operand);
      case ValueType.Bool: {
        const word = operand.number != 0 ? this.yes : this.no;
        return this.give(word.encoded, word.length);
      }
      case ValueType.Duration: {
        const written = this.written.begin().writeInteger(operand.number / 1_000_000);
        return this.give(written.start, written.length);
      }
      default: {
        const written = this.written.begin().writeInteger(operand.number);
        return this.give(written.start, written.length);
      }
    }
  }
}
