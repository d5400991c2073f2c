import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { table } from "@attache/abi";
import { describe, expect, it } from "vitest";
import { stalePages } from "../docs.ts";
import { coverage } from "./abi-coverage.ts";
import { undocumented } from "./api-pages.ts";
import { publicSymbols } from "./public-symbols.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

describe("the generated pages", () => {
  it("are up to date (npm run docs)", async () => {
    expect(await stalePages()).toEqual([]);
  });

  it("find a doc comment on everything public", () => {
    expect(undocumented(publicSymbols())).toEqual([]);
  });
});

describe("the ABI's coverage", () => {
  const names = new Set(publicSymbols().map(({ name }) => name));

  it("tells of every function, and of nothing else", () => {
    const functions = [...table.hostFunctions, ...table.callbacks].map(({ name }) => name);
    expect(Object.keys(coverage).sort()).toEqual([...functions].sort());
  });

  it.each(
    Object.entries(coverage).flatMap(([name, found]) => (typeof found === "string" ? [] : [[name, found] as const])),
  )("of %s names public symbols and a test that uses the first", (_name, { symbols, test }) => {
    expect(symbols.filter((symbol) => !names.has(symbol.split(".")[0]!))).toEqual([]);
    expect(existsSync(root + test)).toBe(true);
    expect(readFileSync(root + test, "utf8")).toContain(symbols[0]!.split(".").at(-1)!);
  });
});
