import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { stickyPlace, xxHash64 } from "./sticky-hash.ts";

it("agrees with the published vectors of XXH64", () => {
  expect(xxHash64(Buffer.from(""), 0n)).toBe(0xef46db3751d8e999n);
  expect(xxHash64(Buffer.from("a"), 0n)).toBe(0xd24ec4f1a98c6e5bn);
  expect(xxHash64(Buffer.from("abc"), 0n)).toBe(0x44bc2cf5ad770999n);
  expect(xxHash64(Buffer.from("Nobody inspects the spammish repetition"), 0n)).toBe(0xfbcea83c8a378bf1n);
});

it("gives the places that the README names", () => {
  const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
  const rows = [...readme.matchAll(/^\| +(?:`([^`]+)`)? *\| `([^`]+)` +\| (\d+) +\| (\d+) +\|$/gm)];
  expect(rows).toHaveLength(4);
  for (const [, key = "", salt, sum, place] of rows) {
    expect([key, stickyPlace(key, salt!, Number(sum))]).toEqual([key, Number(place)]);
  }
});
