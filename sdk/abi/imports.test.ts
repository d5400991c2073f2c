import { readFileSync } from "node:fs";
import { table } from "@attache/abi";
import { describe, expect, it } from "vitest";

const source = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");

/** WebAssembly types of AssemblyScript's. */
const wasmType = (type: string) => (type === "i64" || type === "u64" ? "i64" : "i32");

function parameterTypes(list: string): string[] {
  return [...list.matchAll(/\w+: (\w+)/g)].map(([, type]) => wasmType(type!));
}

describe("the SDK's imports", () => {
  const pattern =
    /@external\("(?:env|wasi_snapshot_preview1)", "(\w+)"\)\nexport declare function (\w+)\(([^)]*)\): (\w+);/g;
  const declared = [...source("imports.ts").matchAll(pattern)];
  const known = [...table.hostFunctions, ...table.wasiFunctions];

  it("are all read by this test", () => {
    expect(declared.length).toBe(source("imports.ts").match(/export declare function/g)!.length);
  });

  it.each(
    declared.map(([, name, local, params, result]) => ({ name: name!, local, params: params!, result: result! })),
  )("declare $name as the ABI table does", ({ name, local, params, result }) => {
    const entry = known.find((candidate) => candidate.name === name)!;
    expect(local).toBe(name);
    expect(parameterTypes(params)).toEqual(entry.params.map(({ type }) => type));
    expect(wasmType(result)).toBe(entry.result);
  });
});

describe("the SDK's callbacks", () => {
  const exported = [...source("../proxy.ts").matchAll(/export function (\w+)\(([^)]*)\): (\w+)/g)];

  it.each(exported.map(([, name, params, result]) => ({ name: name!, params: params!, result: result! })))(
    "declare $name as the ABI table does",
    ({ name, params, result }) => {
      if (table.markers.some((marker) => marker.name === name)) return;
      const entry = table.callbacks.find((known) => known.name === name)!;
      expect(parameterTypes(params)).toEqual(entry.params.map(({ type }) => type));
      expect(result === "void" ? null : wasmType(result)).toBe(entry.result);
    },
  );
});

describe("the SDK's numbers", () => {
  const enums = [...source("enums.ts").matchAll(/export const enum (\w+) \{([^}]*)\}/g)];

  it.each(enums.map(([, name, members]) => ({ name: name!, members: members! })))(
    "of $name are those of the ABI table",
    ({ name, members }) => {
      for (const [, member, value] of members.matchAll(/(\w+) = (\d+)/g)) {
        expect(table.enums[name]![member!]).toBe(Number(value));
      }
    },
  );
});
