import { JsonKind } from "../json/json-kind";
import { absentNode, JsonNode, NODE_BYTES } from "../json/node";
import { writtenBytes, writtenSize } from "../memory/byte-writer";
import { unitAt } from "../json/text";
import { ConfigSource } from "./config-source";
import { ConfigValue } from "./config-value";
import { Environment } from "./environment";
import { Field } from "./field";
import { hashOf, rememberWritten } from "./hash";
import { didYouMean } from "./suggestion";
import { encode } from "./wording";

/** Marks on the name of a member. */
const ASKED: u32 = 1;
/** On the first name of an object: the filter has asked for a member. */
const VISITED: u32 = 2;

/**
 * One value of a plugin's JSON configuration, and the place where it stands.
 *
 * ```ts
 * override configure(config: ConfigReader): void {
 *   this.greeting = config.string("greeting", "hello");
 *   this.timeoutNs = config.duration("timeout", 5 * SECOND);
 *   const headers = config.object("headers");
 *   for (let i = 0; i < headers.length; i++) this.add(headers.at(i).key, headers.at(i).asString());
 * }
 * ```
 *
 * Nothing here traps or stops: a getter notes what is wrong, answers something harmless and reading goes on, so that
 * {@link finish} can tell *all* problems, each as `http[1].match[0].uri: <what>`. Fields that nobody asked for are
 * problems too.
 *
 * Conventions, those of proto JSON: names are asked for in lowerCamelCase and accepted in snake_case as well; `null` is
 * the same as absent; integers may be written `80`, `80.0` or `"80"`, since a protobuf `Struct` makes every number a
 * double.
 *
 * What getters return are copies: nothing refers to the configuration's bytes afterwards. Durations count in
 * nanoseconds.
 *
 * Cost: each look-up compares all names of its object, and each value that is looked at is one small object; for use
 * while the plugin is configured. `at` in ascending order takes constant time.
 */
@final
export class ConfigReader extends ConfigValue {
  private lastIndex: i32 = 0;
  private lastNode: JsonNode = absentNode();

  /**
   * The root of the configuration in the `length` bytes at `start`, which are copied. No bytes are the empty object; a
   * syntax error is one problem, with line and column, and everything is absent then.
   */
  static parse(start: usize, length: i32): ConfigReader {
    const source = new ConfigSource();
    const root = new ConfigReader(new Field("", source), null, absentNode(), absentNode(), -1);
    if (length <= 0) return root;
    source.document.reserveFor(start, length);
    source.document.parse(start, length);
    root.node = source.document.root;
    const error = source.document.error;
    if (error !== null) {
      root.markReported();
      source.problems.add(error);
    }
    return root;
  }

  /** Like {@link parse}, from a string: for tests. */
  static parseString(text: string): ConfigReader {
    const bytes = encode(text);
    return ConfigReader.parse(changetype<usize>(bytes), bytes.length);
  }

  /**
   * A hash of what this value says, the same in every proxy: spaces and the order of members do not count, nor do the
   * values of environment variables. It tells configurations apart; it is no secret, and no protection against forgery.
   *
   * ```ts
   * this.seen = new SharedNumber("seen-" + decimal(config.hash)); // begins anew with another configuration
   * ```
   *
   * Cost: linear in the value.
   */
  get hash(): u64 {
    return hashOf(this.node);
  }

  /**
   * Puts environment variables of the VM into all strings of this value: `${NAME}` becomes the value of `NAME`, and
   * `${NAME:-text}` is `text` when it is not set or empty. `$${` stands for the characters `${`. A variable that is not set
   * is a problem. Names of members stay as they are.
   *
   * ```ts
   * override configure(config: ConfigReader): void {
   *   config.expandEnvironment();
   *   this.key = config.required("apiKey").asString(); // "apiKey": "${API_KEY}"
   * }
   * ```
   *
   * A value is text: it becomes no other JSON, and a `${` in it stays. Problems and warnings show the names of variables
   * for their values of four characters or more, so that no secret gets into the log; what a filter has made of a value,
   * such as its lower case, is not known for it.
   *
   * The proxy sets variables by `vmConfig.env` (Istio), `env` (Envoy Gateway) or `environment_variables` (Envoy).
   *
   * Allowed in: `configure`, on the root, before anything is read. Cost: some 2 KB of the module, and two host calls.
   */
  expandEnvironment(): void {
    if (!holdsReference(this.node)) return;
    const environment = new Environment();
    this.source.messageFilter = environment;
    this.expand(environment);
  }

  /**
   * An element of an array, or the value of an object's member, whatever its name: for maps. See {@link key}.
   * Beyond {@link length}: an absent value.
   */
  at(index: i32): ConfigReader {
    const isMap = this.kind == JsonKind.Object;
    if (<u32>index >= <u32>this.length) return this.reader("", absentNode(), absentNode(), index);
    if (index < this.lastIndex || this.lastNode.isAbsent) {
      this.lastIndex = 0;
      this.lastNode = this.node.first;
    }
    let node = this.lastNode;
    for (let i = this.lastIndex; i < index; i++) node = isMap ? node.next.next : node.next;
    this.lastIndex = index;
    this.lastNode = node;
    if (!isMap) return this.reader("", node, absentNode(), index);
    this.markAsked(node);
    return this.reader("", node.next, node, index);
  }

  /** Whether the member is given, and is not `null`. */
  has(name: string): bool {
    return isGiven(this.find(name));
  }

  /** The member, present or not. Its `as…` getters tell that it is missing when it is. */
  get(name: string): ConfigReader {
    return this.readerOf(name, this.find(name));
  }

  /** The member; a problem when it is missing: `config.required("issuer").asString()`. */
  required(name: string): ConfigReader {
    const member = this.get(name);
    if (!member.isPresent && !member.isReported) {
      member.error("is required");
      member.markReported();
    }
    return member;
  }

  /** The member, which must be an object if it is present. */
  object(name: string): ConfigReader {
    const member = this.get(name);
    return member.isPresent ? member.asObject() : member;
  }

  /** The member, which must be an array if it is present. */
  array(name: string): ConfigReader {
    const member = this.get(name);
    return member.isPresent ? member.asArray() : member;
  }

  /** Accepts the member, whatever it holds: it is not an unknown field then. */
  ignore(name: string): void {
    this.get(name);
  }

  /**
   * The member's string, or `fallback` when it is absent. Like all getters with a fallback: a value of the wrong type
   * is a problem, and answers the fallback as well.
   */
  string(name: string, fallback: string): string {
    const member = this.given(name);
    return member !== null ? member.readString(fallback) : fallback;
  }

  /** Like {@link string}, as UTF-8 bytes: what filters match on. */
  bytes(name: string, fallback: string): StaticArray<u8> {
    const member = this.given(name);
    return member !== null ? member.readBytes(fallback) : encode(fallback);
  }

  /** An integer within `min` and `max`, both included. */
  integer(name: string, fallback: i64, min: i64 = i64.MIN_VALUE, max: i64 = i64.MAX_VALUE): i64 {
    const member = this.given(name);
    return member !== null ? member.readInteger(fallback, min, max) : fallback;
  }

  /** A finite number within `min` and `max`, both included. */
  number(name: string, fallback: f64, min: f64 = -f64.MAX_VALUE, max: f64 = f64.MAX_VALUE): f64 {
    const member = this.given(name);
    return member !== null ? member.readNumber(fallback, min, max) : fallback;
  }

  /** `true` or `false`. */
  bool(name: string, fallback: bool): bool {
    const member = this.given(name);
    return member !== null ? member.readBool(fallback) : fallback;
  }

  /** Nanoseconds of a duration such as `"1.5s"`, `"300ms"` or `"1h30m"`, within `min` and `max` nanoseconds. */
  duration(name: string, fallback: i64, min: i64 = 0, max: i64 = i64.MAX_VALUE): i64 {
    const member = this.given(name);
    return member !== null ? member.readDuration(fallback, min, max) : fallback;
  }

  /** Index of the string in `choices`: `config.oneOf("action", ["ALLOW", "DENY"], 0)`. */
  oneOf(name: string, choices: StaticArray<string>, fallback: i32): i32 {
    const member = this.given(name);
    return member !== null ? member.readOneOf(choices, fallback) : fallback;
  }

  /** This value, which must be an object. If it is not, that is a problem, and everything in it is absent. */
  asObject(): ConfigReader {
    if (this.expect(JsonKind.Object, "an object")) this.markVisited();
    return this;
  }

  /** This value, which must be an array. If it is not, that is a problem, and it is empty. */
  asArray(): ConfigReader {
    this.expect(JsonKind.Array, "an array");
    return this;
  }

  /** All warnings so far, as texts with their path. */
  get warnings(): StaticArray<string> {
    return this.source.warnings.list();
  }

  /**
   * Ends reading, on the root: adds a problem for each field that nobody asked for, a warning when not `strict`, and
   * returns all problems as texts with their path. None: the configuration is accepted.
   */
  finish(strict: bool = true): StaticArray<string> {
    if (!this.source.isFinished) {
      this.source.isFinished = true;
      if (this.kind == JsonKind.Object) this.markVisited();
      if (hasUnknown(this.node)) this.findUnknown(strict);
    }
    return this.source.problems.list();
  }

  /** The name of the member as it stands in the document; absent without one. */
  private find(name: string): JsonNode {
    this.field.child(name);
    if (this.isPresent && this.expect(JsonKind.Object, "an object")) this.markVisited();
    let found = absentNode();
    let member = this.node.first;
    for (let i = this.length; i > 0; i--) {
      const value = member.next;
      if (member.equals(name) || isSnakeCase(member, name)) {
        this.markAsked(member);
        if (found.isAbsent) found = member;
        else this.reader(name, value, member, -1).error("given twice; keep " + found.text);
      }
      member = value.next;
    }
    return found;
  }

  /** The member, if it is given. */
  private given(name: string): ConfigReader | null {
    const found = this.find(name);
    return isGiven(found) ? this.readerOf(name, found) : null;
  }

  private readerOf(name: string, found: JsonNode): ConfigReader {
    return this.reader(name, found.isAbsent ? found : found.next, found, -1);
  }

  private reader(name: string, node: JsonNode, nameNode: JsonNode, index: i32): ConfigReader {
    if (node.kind == JsonKind.Null) node = absentNode();
    const reader = new ConfigReader(this.field.child(name), this, node, nameNode, index);
    if (this.isReported) reader.markReported();
    return reader;
  }

  private expand(environment: Environment): void {
    const node = this.node;
    if (node.kind == JsonKind.String) {
      const written = rememberWritten(node);
      const isExpanded = environment.write(node.text);
      // What is wrong is reported once: the value counts as absent from then on.
      node.set(isExpanded ? JsonKind.String : JsonKind.Null, writtenBytes(), writtenSize());
      node.mark = written;
      if (!isExpanded) this.error(environment.problem);
      return;
    }
    const isMap = this.kind == JsonKind.Object;
    let child = node.first;
    for (let i = 0; i < node.count; i++) {
      const name = isMap ? child : absentNode();
      const value = isMap ? child.next : child;
      child = value.next;
      if (holdsReference(value)) this.reader("", value, name, i).expand(environment);
    }
  }

  private markAsked(name: JsonNode): void {
    name.mark |= ASKED;
    this.markVisited();
  }

  private markVisited(): void {
    if (this.length) this.node.first.mark |= VISITED;
  }

  private findUnknown(strict: bool): void {
    const isMap = this.kind == JsonKind.Object;
    const count = this.length;
    if (!count || (isMap && !(this.node.first.mark & VISITED))) return;
    let node = this.node.first;
    for (let i = 0; i < count; i++) {
      const name = isMap ? node : absentNode();
      const value = isMap ? node.next : node;
      if (isMap && !(name.mark & ASKED)) {
        const message = "unknown field" + didYouMean(this.field.suggest(name.text));
        const member = this.reader("", value, name, i);
        if (strict) member.error(message);
        else member.warn(message);
      } else if (hasUnknown(value)) {
        this.reader(this.nameAskedFor(name), value, name, i).findUnknown(strict);
      }
      node = value.next;
    }
  }

  /** The name by which the filter asked for the member, `""` when it iterated. */
  private nameAskedFor(name: JsonNode): string {
    let field = this.field.firstChild;
    while (field) {
      if (name.equals(field.name) || isSnakeCase(name, field.name)) return field.name;
      field = field.sibling;
    }
    return "";
  }
}

/** Whether the member of this name, if there is one, has a value. */
function isGiven(name: JsonNode): bool {
  return !name.isAbsent && name.next.kind != JsonKind.Null;
}

/** Whether a member somewhere in `value` was not asked for, where the filter has asked for members at all. */
function hasUnknown(value: JsonNode): bool {
  const isMap = value.kind == JsonKind.Object;
  const count = value.count;
  if (!count || (isMap && !(value.first.mark & VISITED))) return false;
  let child = value.first;
  for (let i = 0; i < count; i++) {
    if (isMap) {
      if (!(child.mark & ASKED)) return true;
      child = child.next;
    }
    if (hasUnknown(child)) return true;
    child = child.next;
  }
  return false;
}

/** Whether `${` stands in any text of the value: its nodes stand one behind the other. */
function holdsReference(value: JsonNode): bool {
  const end = changetype<usize>(value.next);
  for (let address = changetype<usize>(value); address < end; address += NODE_BYTES) {
    const node = changetype<JsonNode>(address);
    if (node.kind != JsonKind.String) continue;
    const last = node.start + node.length - 1;
    for (let p = node.start; p < last; p++) if (load<u16>(p) == 0x7b24) return true;
  }
  return false;
}

/** Whether `node` is `name`, given in lowerCamelCase, in snake_case. */
function isSnakeCase(node: JsonNode, name: string): bool {
  let p = node.start;
  const end = p + node.length;
  for (let i = 0; i < name.length; i++) {
    let c = unitAt(name, i);
    if (c - 0x41 < 26) {
      if (p >= end || load<u8>(p++) != 0x5f) return false;
      c |= 0x20;
    }
    if (c >= 0x80 || p >= end || load<u8>(p++) != c) return false;
  }
  return p == end;
}
