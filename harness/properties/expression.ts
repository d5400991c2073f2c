import { isUtf8 } from "node:buffer";
import { createRequire } from "node:module";
import type { CelEnv, CelInput, CelMap, CelValue } from "@bufbuild/cel";
import { Status } from "../abi/status.ts";
import type { Context } from "../wasm/context.ts";
import { encodePairs } from "../wasm/pairs.ts";
import { findProperty } from "./attributes.ts";
import {
  Bytes,
  Duration,
  encodeInteger,
  encodeProperty,
  Timestamp,
  Unsigned,
  type Property,
  type PropertyGroup,
} from "./values.ts";

/** Why a text is no expression, in the words of Envoy's log. */
export class ExpressionError extends Error {}

/** A CEL expression over the properties of a context. */
export class Expression {
  readonly #evaluate: (names: Record<string, CelInput>) => unknown;

  /** Throws {@link ExpressionError}. `text` is latin1. */
  constructor(text: string) {
    const { cel, environment } = library();
    const parsed = parse(text);
    if (some(parsed.expr, (node) => isUnknownCall(node, environment))) {
      throw new ExpressionError("compile error: No overloads provided for FunctionStep creation");
    }
    this.#evaluate = cel.plan(environment, parsed);
  }

  /** The value as `proxy_get_property` would encode it, or why there is none. */
  evaluate(context: Context): string | Status {
    const value = this.#evaluate(namesOf(context));
    if (library().cel.isCelError(value)) return Status.InternalFailure;
    return encode(value as CelValue) ?? Status.SerializationFailure;
  }
}

interface Library {
  cel: typeof import("@bufbuild/cel");
  protobuf: typeof import("@bufbuild/protobuf");
  wkt: typeof import("@bufbuild/protobuf/wkt");
  environment: CelEnv;
}

let loaded: Library | null = null;

/** Loading it takes 0.1 s, which only filters with expressions pay. */
function library(): Library {
  if (loaded !== null) return loaded;
  const require = createRequire(import.meta.url);
  const cel = require("@bufbuild/cel") as Library["cel"];
  const protobuf = require("@bufbuild/protobuf") as Library["protobuf"];
  const wkt = require("@bufbuild/protobuf/wkt") as Library["wkt"];
  return (loaded = { cel, protobuf, wkt, environment: createEnvironment(cel) });
}

/** With what Envoy's CEL has beyond the language's definition. */
function createEnvironment({ celEnv, celFunc, CelScalar: { BOOL, INT, STRING } }: Library["cel"]): CelEnv {
  const { funcs } = celEnv();
  const asFunction = (method: string) =>
    celFunc(method, [STRING, STRING], BOOL, (text, part) => funcs.find(method)!.call(0, text, [part]) as boolean);
  return celEnv({
    funcs: [
      celFunc("int", [BOOL], INT, (value) => (value ? 1n : 0n)),
      ...["contains", "startsWith", "endsWith", "matches"].map(asFunction),
    ],
  });
}

function parse(text: string): ReturnType<Library["cel"]["parse"]> {
  const bytes = Buffer.from(text, "latin1");
  if (!isUtf8(bytes)) throw new ExpressionError("parse error: cannot parse malformed UTF-8 input");
  try {
    const parsed = library().cel.parse(bytes.toString("utf8"));
    if (some(parsed.expr, isTooLarge)) throw new Error("invalid int literal");
    if (some(parsed.expr, isHasOfNoField)) throw new Error("has() argument must be a field selection");
    return parsed;
  } catch (error) {
    throw new ExpressionError(`parse error: ERROR: ${(error as Error).message}`);
  }
}

/** Whether something holds for a node of the parsed expression. */
function some(node: unknown, holds: (node: object) => boolean): boolean {
  if (typeof node !== "object" || node === null) return false;
  return holds(node) || Object.values(node).some((part) => some(part, holds));
}

function isTooLarge(node: object): boolean {
  const { case: kind, value } = node as { case?: string; value?: bigint };
  if (kind === "int64Value") return value !== BigInt.asIntN(64, value!);
  return kind === "uint64Value" && value !== BigInt.asUintN(64, value!);
}

/** All others are gone from the parsed expression. */
function isHasOfNoField(node: object): boolean {
  return (node as { function?: unknown }).function === "has";
}

/** Those without a plain name are operators. */
function isUnknownCall(node: object, { funcs }: CelEnv): boolean {
  const { function: name } = node as { function?: unknown };
  return typeof name === "string" && /^\w+$/.test(name) && funcs.find(name) === undefined;
}

/** Looks names up as the expression comes to them: what is none is an error, whatever is asked of it. */
function namesOf(context: Context): Record<string, CelInput> {
  const get = (_: object, name: string): unknown => {
    const property = findProperty(context, name);
    if (property !== undefined) return toCel(property);
    return typeNames.has(name) || name.includes(".") ? undefined : library().cel.celError(`there is no ${name}`);
  };
  return new Proxy({}, { get } as ProxyHandler<Record<string, CelInput>>);
}

/** They are values, too; those of messages have dots. */
const typeNames: ReadonlySet<string> = new Set([
  "bool",
  "bytes",
  "double",
  "int",
  "list",
  "map",
  "null_type",
  "string",
  "type",
  "uint",
]);

/** Groups on the way through an expression, which may be its result. */
const groups = new WeakMap<CelMap, PropertyGroup>();

function toCel(property: Property): CelInput {
  if (typeof property === "string") return Buffer.from(property, "latin1").toString("utf8");
  if (typeof property !== "object") return property;
  const { cel, protobuf, wkt } = library();
  if (property instanceof Unsigned) return cel.celUint(property.value);
  if (property instanceof Bytes) return Buffer.from(property.value, "latin1");
  if (property instanceof Duration) return protobuf.create(wkt.DurationSchema, secondsOf(property));
  if (property instanceof Timestamp) return protobuf.create(wkt.TimestampSchema, secondsOf(property));
  const map = cel.celMap(new GroupMap(property));
  map.has = (name) => typeof name === "string" && isSet(property, name);
  groups.set(map, property);
  return map;
}

/** What `has` answers. */
function isSet(group: PropertyGroup, name: string): boolean {
  const part = group.part(name);
  const isEmpty = typeof part === "object" && "kind" in part && isUnset(part);
  return part !== undefined && !(group.kind === "message" && isEmpty);
}

/** As a field of a message: a map without entries, a message without fields. */
function isUnset(group: PropertyGroup): boolean {
  return group.kind === "map" ? group.names().length === 0 : group.encoded() === "";
}

function secondsOf({ nanoseconds }: Duration | Timestamp): { seconds: bigint; nanos: number } {
  return { seconds: nanoseconds / second, nanos: Number(nanoseconds % second) };
}

const second = 1_000_000_000n;

/** A group whose parts are looked up by name, as a map. */
class GroupMap extends Map<string, CelInput> {
  readonly #group: PropertyGroup;

  constructor(group: PropertyGroup) {
    super();
    this.#group = group;
  }

  override get size(): number {
    return this.#group.names().length;
  }

  override get(name: string): CelInput | undefined {
    const part = typeof name === "string" ? this.#group.part(name) : undefined;
    return part === undefined ? undefined : toCel(part);
  }

  override keys(): MapIterator<string> {
    return this.#group.names().values() as MapIterator<string>;
  }
}

/** The encoding of a value; `undefined` when it has none. */
function encode(value: CelValue): string | undefined {
  switch (typeof value) {
    case "string":
      return Buffer.from(value, "utf8").toString("latin1");
    case "boolean":
      return encodeProperty(value);
    case "bigint":
      return encodeInteger(value);
    case "number": {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(value);
      return bytes.toString("latin1");
    }
  }
  const { isCelList, isCelMap, isCelUint } = library().cel;
  if (value === null) return undefined;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("latin1");
  if (isCelUint(value)) return encodeInteger(value.value);
  if (isCelList(value)) return encodeAll([...value].map((element) => [element, ""]));
  if (isCelMap(value)) {
    const group = groups.get(value);
    return group === undefined ? encodeAll([...value]) : group.encoded();
  }
  return encodeTime(value);
}

/** Nothing when one of the values has no encoding. */
function encodeAll(pairs: readonly (readonly [CelValue, CelValue])[]): string | undefined {
  const texts = pairs.flat().map(encode);
  return texts.includes(undefined) ? undefined : encodePairs(texts as string[]);
}

function encodeTime(value: unknown): string | undefined {
  const { message } = value as { message?: { $typeName: string; seconds: bigint; nanos: number } };
  const isTime =
    message?.$typeName === "google.protobuf.Duration" || message?.$typeName === "google.protobuf.Timestamp";
  return isTime ? encodeInteger(message.seconds * second + BigInt(message.nanos)) : undefined;
}
