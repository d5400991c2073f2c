import { nanoseconds } from "../abi/logging.ts";
import { encodePairs } from "../wasm/pairs.ts";

/** A property on the way to its value: a leaf in its encoding (latin1), or something with parts. */
export type Property = string | PropertyGroup;

export interface PropertyGroup {
  /** `undefined`: there is no such part. */
  part(name: string): Property | undefined;
  /** As a value of its own; `undefined`: it has none. */
  encoded(): string | undefined;
}

export function integer(value: number | bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt.asIntN(64, BigInt(value)));
  return bytes.toString("latin1");
}

export function boolean(value: boolean): string {
  return value ? "\x01" : "\0";
}

export function milliseconds(value: number): string {
  return integer(nanoseconds(value));
}

/** A group whose names cannot be listed: it is no value. */
export function group(part: (name: string) => Property | undefined): PropertyGroup {
  return { part, encoded: () => undefined };
}

/** A map that can be listed. */
export function map(entries: () => readonly (readonly [string, string])[]): PropertyGroup {
  return {
    part: (name) => entries().find(([key]) => key === name)?.[1],
    encoded: () => encodePairs(entries().flat()),
  };
}
