import { nanoseconds } from "../abi/logging.ts";
import { encodePairs } from "../wasm/pairs.ts";

/** A property on the way to its value: a value of one of CEL's types, or something with parts. Text is latin1. */
export type Property = string | boolean | bigint | Unsigned | Bytes | Duration | Timestamp | PropertyGroup;

export interface PropertyGroup {
  /** A message has each of its parts; one that is empty counts as absent when an expression asks. */
  readonly kind: "group" | "map" | "message";
  /** `undefined`: there is no such part. */
  part(name: string): Property | undefined;
  /** As a value of its own; `undefined`: it has none. */
  encoded(): string | undefined;
  /** Of a map: its names. */
  names(): readonly string[];
}

export class Unsigned {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

export class Bytes {
  /** latin1. */
  readonly value: string;

  constructor(value: string) {
    this.value = value;
  }
}

export class Duration {
  readonly nanoseconds: bigint;

  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds;
  }
}

export class Timestamp {
  /** Since the epoch. */
  readonly nanoseconds: bigint;

  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds;
  }
}

/** As `proxy_get_property` answers it: latin1; `undefined` for a group that is no value. */
export function encodeProperty(property: Property): string | undefined {
  if (typeof property === "string") return property;
  if (typeof property === "boolean") return property ? "\x01" : "\0";
  if (typeof property === "bigint") return encodeInteger(property);
  if (property instanceof Bytes) return property.value;
  if (property instanceof Unsigned) return encodeInteger(property.value);
  if (property instanceof Duration || property instanceof Timestamp) return encodeInteger(property.nanoseconds);
  return property.encoded();
}

/** The eight bytes of an integer, signed or not. */
export function encodeInteger(value: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt.asIntN(64, value));
  return bytes.toString("latin1");
}

export function integer(value: number | bigint): bigint {
  return BigInt(value);
}

export function unsigned(value: number): Unsigned {
  return new Unsigned(BigInt(value));
}

export function duration(milliseconds: number): Duration {
  return new Duration(nanoseconds(milliseconds));
}

/** Milliseconds since the epoch. */
export function timestamp(milliseconds: number): Timestamp {
  return new Timestamp(nanoseconds(milliseconds));
}

/** A group whose names cannot be listed: it is no value. */
export function group(part: (name: string) => Property | undefined): PropertyGroup {
  return { kind: "group", part, encoded: () => undefined, names: () => [] };
}

/** A protobuf message; `encoded` are its bytes. */
export function message(part: (name: string) => Property | undefined, encoded: string): PropertyGroup {
  return { kind: "message", part, encoded: () => encoded, names: () => [] };
}

/** A map of texts that can be listed; `part` finds a value by its name. */
export function map(names: () => readonly string[], part: (name: string) => string | undefined): PropertyGroup {
  return {
    kind: "map",
    part,
    encoded: () => encodePairs(names().flatMap((name) => [name, part(name)!])),
    names,
  };
}

export function emptyMap(): PropertyGroup {
  return map(
    () => [],
    () => undefined,
  );
}
