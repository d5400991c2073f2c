import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { stickyPlace, xxHash64 } from "./sticky-hash.ts";

it("agrees with the published vectors of XXH64", () => {
  expect(xxHash64(Buffer.from(""), 0n)).toBe(0xef46db3751d8e999n);
  expect(xxHash64(Buffer.from("a"), 0n)).toBe(0xd24ec4f1a98c6e5bn);
  expect(xxHash64(Buffer.from("abc"), 0n)).toBe(0x44bc2cf5ad770999n);
  expect(xxHash64(Buffer.from("Nobody inspects the spammish repetition"), 0n)).toBe(0xfbcea83c8a378bf1n);
});

it("spreads 100,000 users evenly, and another way for another salt", () => {
  const counts = new Array<number>(100).fill(0);
  let onBoth = 0;
  for (let user = 0; user < 100_000; user++) {
    const place = stickyPlace(`user-${user}`, "checkout", 100);
    counts[place]!++;
    if (place < 10 && stickyPlace(`user-${user}`, "reviews", 100) < 10) onBoth++;
  }
  const chiSquare = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  // One in a thousand even spreads is above.
  expect(chiSquare).toBeLessThan(148.2);
  expect(Math.abs(onBoth - 1000)).toBeLessThan(5 * Math.sqrt(990));
});

it("gives the places that the README names", () => {
  const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
  const rows = [...readme.matchAll(/^\| +(?:`([^`]+)`)? *\| `([^`]+)` +\| (\d+) +\| (\d+) +\|$/gm)];
  expect(rows).toHaveLength(4);
  for (const [, key = "", salt, sum, place] of rows) {
    expect([key, stickyPlace(key, salt!, Number(sum))]).toEqual([key, Number(place)]);
  }
});
