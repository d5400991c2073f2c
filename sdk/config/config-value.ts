import { JsonDocument } from "../json/document";
import { JsonKind } from "../json/json-kind";
import { absentNode, JsonNode } from "../json/node";
import { NumberStatus } from "../json/number";
import { decimal, quote, unitAt, visible } from "../json/text";
import { NO_DURATION, parseDuration } from "./duration";
import { Field } from "./field";
import { ConfigSource } from "./config-source";
import { encode, formatDuration, formatNumber, range } from "./wording";

const REPORTED: usize = memory.data(16, 8);

/** One value of a configuration and where it stands: what {@link ConfigReader} knows without looking at members. */
export class ConfigValue {
  protected constructor(
    protected field: Field,
    protected parent: ConfigValue | null,
    protected node: JsonNode,
    /** The name as it stands in the document; absent for elements, and for members that are not there. */
    protected name: JsonNode,
    /** Place among siblings, or -1 for a member that was asked for by name. */
    protected index: i32,
  ) {}

  protected get source(): ConfigSource {
    return this.field.source;
  }

  /** Nothing more to say about this value: it was reported already, and counts as absent. */
  protected get isReported(): bool {
    return changetype<usize>(this.node) == REPORTED;
  }

  protected markReported(): void {
    this.node = changetype<JsonNode>(REPORTED);
  }

  /** Whether the value was given, and is not `null`. */
  get isPresent(): bool {
    return !this.node.isAbsent;
  }

  /** What the value is: for fields that may be written in several ways. `Absent` when it is not present. */
  get kind(): JsonKind {
    return this.node.kind;
  }

  /** Where the value stands: `http[1].match[0].uri`; `""` for the root. */
  get path(): string {
    const parent = this.parent;
    if (!parent) return "";
    const base = parent.path;
    const name = this.name.isAbsent ? this.field.name : this.key;
    if (!name.length && this.index >= 0) return base + "[" + decimal(this.index) + "]";
    for (let i = 0; i < name.length; i++) {
      const c = unitAt(name, i);
      if (c == 0x2d || c == 0x5f || c - 0x30 <= 9 || (c | 0x20) - 0x61 < 26) continue;
      return base + "[" + quote(this.name.start, this.name.length) + "]";
    }
    return base.length ? base + "." + name : name;
  }

  /** Name of the member whose value this is, as it is written in the configuration; `""` for all others. */
  get key(): string {
    return this.name.text;
  }

  /** {@link key} as UTF-8 bytes. */
  get keyBytes(): StaticArray<u8> {
    return this.name.bytes;
  }

  /** Elements of an array, members of an object; 0 for everything else. */
  get length(): i32 {
    return this.node.count;
  }

  /**
   * The string. Like all `as…`: an absent or wrong value is noted as a problem, and the answer is something harmless,
   * here `""`.
   */
  asString(): string {
    return this.readString("");
  }

  /** Like {@link asString}, as UTF-8 bytes in memory of their own: what filters match on. */
  asBytes(): StaticArray<u8> {
    return this.readBytes("");
  }

  /** An integer within `min` and `max`, both included; what of them is nearest to 0 when it is wrong. */
  asInteger(min: i64 = i64.MIN_VALUE, max: i64 = i64.MAX_VALUE): i64 {
    return this.readInteger(min > 0 ? min : max < 0 ? max : 0, min, max);
  }

  /** A finite number within `min` and `max`, both included; what of them is nearest to 0 when it is wrong. */
  asNumber(min: f64 = -f64.MAX_VALUE, max: f64 = f64.MAX_VALUE): f64 {
    return this.readNumber(min > 0 ? min : max < 0 ? max : 0, min, max);
  }

  /** `true` or `false`; `false` when it is neither. */
  asBool(): bool {
    return this.readBool(false);
  }

  /** Nanoseconds of a duration such as `"1.5s"`, `"300ms"` or `"1h30m"`, within `min` and `max` nanoseconds. */
  asDuration(min: i64 = 0, max: i64 = i64.MAX_VALUE): i64 {
    return this.readDuration(min > 0 ? min : max < 0 ? max : 0, min, max);
  }

  /** Index of the string in `choices`; 0 when it is none of them. */
  asOneOf(choices: StaticArray<string>): i32 {
    return this.readOneOf(choices, 0);
  }

  /** Adds a problem of the filter's own at this path. */
  error(message: string): void {
    this.source.problems.add(this.located(message));
  }

  /** Adds something that works but was hardly meant. */
  warn(message: string): void {
    this.source.warnings.add(this.located(message));
  }

  protected expect(kind: JsonKind, what: string): bool {
    if (this.kind == kind) return true;
    this.expected(what);
    return false;
  }

  /** Reports the value as not being what was expected, once; from then on it is absent. */
  protected expected(what: string): void {
    if (!this.isReported) this.error("expected " + what + ", found " + this.found());
    this.markReported();
  }

  protected found(): string {
    const node = this.node;
    const kind = this.kind;
    if (kind == JsonKind.Absent) return "nothing";
    if (kind == JsonKind.Array) return "an array";
    if (kind == JsonKind.Object) return "an object";
    if (kind == JsonKind.String) return "the string " + quote(node.start, node.length);
    return (kind == JsonKind.Number ? "the number " : "") + visible(node.start, node.length);
  }

  protected located(message: string): string {
    const path = this.path;
    const whole = path.length ? path + ": " + message : message;
    const filter = this.source.messageFilter;
    return filter ? filter.apply(whole) : whole;
  }

  protected readString(fallback: string): string {
    return this.expect(JsonKind.String, "a string") ? this.node.text : fallback;
  }

  protected readBytes(fallback: string): StaticArray<u8> {
    return this.expect(JsonKind.String, "a string") ? this.node.bytes : encode(fallback);
  }

  protected readBool(fallback: bool): bool {
    return this.expect(JsonKind.Bool, "true or false") ? this.node.isTrue : fallback;
  }

  protected readInteger(fallback: i64, min: i64, max: i64): i64 {
    const node = this.numberNode();
    const value = node.i64;
    if (node.numberStatus == NumberStatus.Ok && value >= min && value <= max) return value;
    const low = min == i64.MIN_VALUE ? "" : decimal(min);
    this.expected(range("an integer", low, max == i64.MAX_VALUE ? "" : decimal(max)));
    return fallback;
  }

  protected readNumber(fallback: f64, min: f64, max: f64): f64 {
    const node = this.numberNode();
    const value = node.f64;
    if (node.numberStatus == NumberStatus.Ok && value >= min && value <= max) return value;
    const low = min == -f64.MAX_VALUE ? "" : formatNumber(min);
    this.expected(range("a number", low, max == f64.MAX_VALUE ? "" : formatNumber(max)));
    return fallback;
  }

  /** The node itself, or the number that is the content of a string. */
  private numberNode(): JsonNode {
    const node = this.node;
    if (node.kind != JsonKind.String) return node;
    let content = this.source.content;
    if (!content) this.source.content = content = new JsonDocument();
    content.parse(node.start, node.length);
    return content.root.length == node.length ? content.root : absentNode(); // no spaces around it
  }

  protected readDuration(fallback: i64, min: i64, max: i64): i64 {
    const node = this.node;
    const value = node.kind == JsonKind.String ? parseDuration(node.start, node.length) : NO_DURATION;
    if (value != NO_DURATION && value >= min && value <= max) return value;
    const what = value == NO_DURATION ? 'a duration such as "1.5s"' : "a duration";
    const low = min == i64.MIN_VALUE ? "" : formatDuration(min);
    this.expected(range(what, low, max == i64.MAX_VALUE ? "" : formatDuration(max)));
    return fallback;
  }

  protected readOneOf(choices: StaticArray<string>, fallback: i32): i32 {
    let what = "one of ";
    for (let i = 0; i < choices.length; i++) {
      if (this.node.equals(choices[i])) return i;
      what += (i ? ', "' : '"') + choices[i] + '"';
    }
    this.expected(what);
    return fallback;
  }
}
