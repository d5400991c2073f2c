import { ConfigReader, JsonKind, Regex } from "@attache/sdk";
import { PathTemplates } from "../path-templates";
import { Reporter } from "../reporter";
import { Attributes } from "./attribute";
import { attributeType } from "./attribute-types";
import { parseDigits, parseDuration } from "./duration";
import { Expression, typeName, ValueType } from "./expression";
import { FoldIds } from "./fold-ids";
import {
  KnownMethod,
  Lower,
  Parsed,
  PathTemplate,
  Replace,
  Size,
  StatusClass,
  TextTest,
  TextTesting,
} from "./functions";
import {
  Comparison,
  Concatenation,
  Conditional,
  Connective,
  DefaultTo,
  Has,
  Not,
  NumberLiteral,
  Order,
  Sum,
  TextLiteral,
} from "./operators";
import { Matches } from "./matches";
import { Printed } from "./printed";
import { WorkloadLabel } from "./workload-label";
import { TokenKind, Tokens } from "./tokens";

const MOST_LEVELS = 64;

/**
 * Compiles expressions over attributes: a subset of CEL, and the operator `|` of Istio's Mixer for what is absent. From
 * the loosest to the tightest: `?:`, `||`, `&&`, comparisons, `+` and `|`, `!`, then calls.
 */
export class ExpressionParser {
  /** What is wrong with the last expression, with its column; `null`: nothing. */
  error: string | null = null;
  private tokens: Tokens = new Tokens("");
  private level: i32 = 0;

  constructor(
    private readonly attributes: Attributes,
    private readonly templates: PathTemplates,
    private readonly reporter: Reporter,
  ) {}

  /** The compiled expression; `null` when there is an {@link error}. */
  parse(source: string): Expression | null {
    this.error = null;
    this.level = 0;
    this.tokens = new Tokens(source);
    const result = this.conditional();
    if (this.error === null && this.tokens.kind != TokenKind.End) this.fail("an operator or the end is expected here");
    return this.error === null ? result : null;
  }

  /** The expression that a configuration has here; `null` when it has a problem, which it is told. */
  read(config: ConfigReader): Expression | null {
    const source = config.asString();
    if (source.length == 0) {
      if (config.kind == JsonKind.String) config.error("must not be empty");
      return null;
    }
    const expression = this.parse(source);
    if (expression === null) config.error(this.error!);
    return expression;
  }

  /** As {@link read}; its value must be true or false. */
  readCondition(config: ConfigReader): Expression | null {
    const expression = this.read(config);
    if (expression !== null && expression.type != ValueType.Bool) config.error("expected true or false as its value");
    return expression;
  }

  /** The text of an expression, for a label. */
  asText(expression: Expression): Expression {
    return expression.type == ValueType.Text ? expression : new Printed(expression);
  }

  private conditional(): Expression {
    if (++this.level > MOST_LEVELS) return this.fail("the expression is nested too deeply");
    let result = this.connective(true);
    if (this.tokens.take("?")) {
      this.expectType(result, ValueType.Bool);
      const first = this.conditional();
      this.expect(":");
      const second = this.conditional();
      result = new Conditional(result, this.alike(first, second), this.alike(second, first));
    }
    this.level--;
    return result;
  }

  private connective(isOr: bool): Expression {
    let result = isOr ? this.connective(false) : this.comparison();
    while (this.tokens.take(isOr ? "||" : "&&")) {
      this.expectType(result, ValueType.Bool);
      const second = isOr ? this.connective(false) : this.comparison();
      this.expectType(second, ValueType.Bool);
      result = new Connective(result, second, <i64>isOr);
    }
    return result;
  }

  private comparison(): Expression {
    const first = this.sum();
    let accepted = 0;
    if (this.tokens.take("==")) accepted = Order.Equal;
    else if (this.tokens.take("!=")) accepted = Order.Less | Order.Greater;
    else if (this.tokens.take("<")) accepted = Order.Less;
    else if (this.tokens.take("<=")) accepted = Order.Less | Order.Equal;
    else if (this.tokens.take(">")) accepted = Order.Greater;
    else if (this.tokens.take(">=")) accepted = Order.Greater | Order.Equal;
    if (accepted == 0) return first;
    const second = this.sum();
    this.expectType(second, first.type);
    return new Comparison(first, second, accepted);
  }

  private sum(): Expression {
    let result = this.unary();
    while (true) {
      if (this.tokens.take("|")) {
        const second = this.unary();
        result = new DefaultTo(this.alike(result, second), this.alike(second, result));
      } else if (this.tokens.take("+")) {
        const second = this.unary();
        this.expectType(second, result.type);
        if (result.type == ValueType.Bool) this.fail("+ is for texts, integers and durations");
        const isText = result.type == ValueType.Text;
        result = isText ? new Concatenation(result, second) : new Sum(result, second);
      } else {
        return result;
      }
    }
  }

  private unary(): Expression {
    if (!this.tokens.take("!")) return this.calls(this.primary());
    if (++this.level > MOST_LEVELS) return this.fail("the expression is nested too deeply");
    const operand = this.unary();
    this.level--;
    this.expectType(operand, ValueType.Bool);
    return new Not(operand);
  }

  private primary(): Expression {
    const tokens = this.tokens;
    const value = tokens.value;
    switch (tokens.kind) {
      case TokenKind.Text:
        tokens.advance();
        return new TextLiteral(value);
      case TokenKind.Integer:
        if (parseDigits(value) < 0) return this.fail("the integer is too large");
        tokens.advance();
        return new NumberLiteral(ValueType.Integer, parseDigits(value));
      case TokenKind.Name:
        tokens.advance();
        return this.named(value);
      case TokenKind.Invalid:
        return this.fail(value);
    }
    if (tokens.take("(")) {
      const inner = this.conditional();
      this.expect(")");
      return inner;
    }
    return this.fail("a value is expected here");
  }

  private named(name: string): Expression {
    if (name == "true" || name == "false") return new NumberLiteral(ValueType.Bool, <i64>(name == "true"));
    if (this.tokens.take("(")) return this.call(name);
    const segments = [name];
    while (true) {
      const tokens = this.tokens;
      if (tokens.take("[")) {
        if (tokens.kind != TokenKind.Text && tokens.kind != TokenKind.Integer)
          return this.fail("a key is expected here");
        segments.push(tokens.value);
        tokens.advance();
        this.expect("]");
      } else if (tokens.take(".")) {
        const segment = tokens.value;
        if (tokens.kind != TokenKind.Name) return this.fail("a name is expected here");
        tokens.advance();
        if (tokens.take("(")) return this.method(this.attribute(segments), segment);
        segments.push(segment);
      } else {
        return this.attribute(segments);
      }
    }
  }

  private attribute(segments: string[]): Expression {
    const first = segments[0];
    if (segments.length == 3 && segments[1] == "labels" && (first == "source" || first == "destination")) {
      return new WorkloadLabel(this.attributes, this.reporter, first == "source", segments[2]);
    }
    const type = attributeType(segments);
    if (type < 0) return this.fail("unknown attribute: " + segments.join("."));
    return this.attributes.get(segments.join("\0"), <ValueType>type);
  }

  /** Methods of what is no attribute. */
  private calls(receiver: Expression): Expression {
    let result = receiver;
    while (this.error === null && this.tokens.take(".")) {
      const name = this.tokens.value;
      this.tokens.advance();
      this.expect("(");
      result = this.method(result, name);
    }
    return result;
  }

  private call(name: string): Expression {
    if (name == "duration") {
      const ns = this.tokens.kind == TokenKind.Text ? parseDuration(this.tokens.value) : -1;
      if (ns < 0) return this.fail('a duration such as "300ms" is expected here');
      this.tokens.advance();
      this.expect(")");
      return new NumberLiteral(ValueType.Duration, ns);
    }
    const names = " has string int size lower pathTemplate foldIds statusClass knownMethod ";
    if (!names.includes(" " + name + " ")) return this.fail("unknown function: " + name);
    const argument = this.conditional();
    this.expect(")");
    if (name == "has") return new Has(argument);
    if (name == "string") {
      if (argument.type == ValueType.Duration) return this.fail("string is for texts, integers, true and false");
      return this.asText(argument);
    }
    this.expectType(argument, name == "statusClass" ? ValueType.Integer : ValueType.Text);
    if (name == "size") return new Size(argument);
    if (name == "int") return new Parsed(argument);
    if (name == "lower") return new Lower(argument);
    if (name == "foldIds") return new FoldIds(argument);
    if (name == "statusClass") return new StatusClass(argument);
    if (name == "knownMethod") return new KnownMethod(argument);
    if (this.templates.isEmpty) this.fail("pathTemplate needs pathTemplates in the configuration");
    return new PathTemplate(argument, this.templates);
  }

  /** What follows `receiver.name(`. */
  private method(receiver: Expression, name: string): Expression {
    this.expectType(receiver, ValueType.Text);
    if (name == "size" || name == "lower") {
      this.expect(")");
      return name == "size" ? new Size(receiver) : new Lower(receiver);
    }
    if (name == "matches") return this.matches(receiver);
    if (name == "replace") return this.replace(receiver);
    const isTest = " startsWith endsWith contains ".includes(" " + name + " ");
    if (!isTest) return this.fail("unknown function: " + name);
    const other = this.conditional();
    this.expectType(other, ValueType.Text);
    this.expect(")");
    const test = name == "contains" ? TextTest.Contains : name == "endsWith" ? TextTest.EndsWith : TextTest.StartsWith;
    return new TextTesting(test, receiver, other);
  }

  private matches(receiver: Expression): Expression {
    const isText = this.tokens.kind == TokenKind.Text;
    const regex = new Regex(this.tokens.value);
    if (isText && regex.error !== null) this.fail("in the regular expression, " + regex.error!);
    this.literal();
    this.expect(")");
    return new Matches(receiver, regex);
  }

  private replace(receiver: Expression): Expression {
    const from = this.literal();
    if (this.error === null && from.length == 0) this.fail("what is replaced must not be empty");
    this.expect(",");
    const to = this.literal();
    this.expect(")");
    return new Replace(receiver, from, to);
  }

  private literal(): string {
    const value = this.tokens.value;
    if (this.tokens.kind != TokenKind.Text) this.fail("a text in quotes is expected here");
    this.tokens.advance();
    return value;
  }

  /** `operand` as the type it must have to stand beside `other`: both become text when they differ. */
  private alike(operand: Expression, other: Expression): Expression {
    return operand.type == other.type || operand.type == ValueType.Text ? operand : new Printed(operand);
  }

  private expect(symbol: string): void {
    if (!this.tokens.take(symbol)) this.fail("'" + symbol + "' is expected here");
  }

  private expectType(expression: Expression, type: ValueType): void {
    if (expression.type == type) return;
    this.fail("expected " + typeName(type) + ", found " + typeName(expression.type) + ", before here");
  }

  /** Keeps the first problem only: what follows from it is no news. */
  private fail(what: string): Expression {
    if (this.error === null) this.error = "column " + decimal(this.tokens.column) + ": " + what;
    return new NumberLiteral(ValueType.Bool, 0);
  }
}

/** `number`, which is positive, in decimal. */
function decimal(number: i32): string {
  const digit = String.fromCharCode(0x30 + (number % 10));
  return number < 10 ? digit : decimal(number / 10) + digit;
}
