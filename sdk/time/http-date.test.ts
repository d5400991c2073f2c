import { beforeAll, describe, expect, it } from "vitest";
import { random, TestModule } from "../json/test-module.ts";
import { fuzzInputs } from "../../test/fuzz-inputs.ts";

let module: TestModule;
beforeAll(async () => {
  module = await TestModule.compile(import.meta.url);
}, 60_000);

const noDate = -(2n ** 63n);
const in2026 = Date.UTC(2026, 10, 21) / 1000;

function format(seconds: number): string {
  const address = (module.exports["format"] as (seconds: bigint) => number)(BigInt(seconds));
  return Buffer.from(module.exports.memory.buffer, address, 29).toString("latin1");
}

const parse = (text: string, now = in2026) =>
  module.call("parse", Buffer.from(text, "latin1"), now) as unknown as bigint;

describe("HTTP dates", () => {
  it("are written as Date writes them, and read back, from the year 0 to 9999", () => {
    const next = random(41);
    const first = Date.UTC(2000, 0, 1) / 1000 - 2000 * 365.2425 * 86400;
    for (let round = 0; round < 50_000; round++) {
      const seconds = first + next(2 ** 31) * 147 + next(86_400);
      if (seconds > 253_402_300_799) continue;
      const text = format(seconds);
      expect(text).toBe(new Date(seconds * 1000).toUTCString());
      expect(parse(text)).toBe(BigInt(seconds));
    }
    expect(format(-1)).toBe("Wed, 31 Dec 1969 23:59:59 GMT");
    expect(format(1e18)).toBe("Fri, 31 Dec 9999 23:59:59 GMT");
    expect(format(-1e18)).toBe("Sat, 01 Jan 0000 00:00:00 GMT");
  });

  it.each([
    ["Sun, 06 Nov 1994 08:49:37 GMT", 784111777],
    ["Sunday, 06-Nov-94 08:49:37 GMT", 784111777],
    ["Sun Nov  6 08:49:37 1994", 784111777],
    ["Wed Nov 16 08:49:37 1994", 784975777],
    ["Thu, 29 Feb 2024 23:59:60 GMT", 1709251200],
    ["Tue, 29 Feb 2000 00:00:00 GMT", 951782400],
  ])("reads %s", (text, seconds) => {
    expect(parse(text)).toBe(BigInt(seconds));
  });

  it.each([
    ["Saturday, 21-Nov-76 00:00:00 GMT", 2026, 2076],
    ["Sunday, 22-Nov-76 00:00:00 GMT", 2026, 1976],
    ["Monday, 01-Jan-99 00:00:00 GMT", 2026, 1999],
    ["Monday, 01-Jan-26 00:00:00 GMT", 2026, 2026],
    ["Monday, 01-Jan-01 00:00:00 GMT", 1999, 2001],
    ["Monday, 01-Jan-60 00:00:00 GMT", 1999, 1960],
    ["Thursday, 29-Feb-00 00:00:00 GMT", 2026, 2000],
    ["Monday, 01-Jan-40 00:00:00 GMT", 2099, 2140],
  ])("puts the two-digit year of %s, read in %i, into %i", (text, now, year) => {
    const seconds = parse(text, Date.UTC(now, 10, 21) / 1000);
    expect(new Date(Number(seconds) * 1000).getUTCFullYear()).toBe(year);
  });

  it.each([
    ...["", "0", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMT "],
    ...["Sun, 6 Nov 1994 08:49:37 GMT", "sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT"],
    ...["Xxx, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Xxx 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT"],
    ...["Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 2023 08:49:37 GMT", "Sun, 29 Feb 1900 08:49:37 GMT"],
    ...["Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT"],
    ...[
      "Sun, 06 Nov 19+4 08:49:37 GMT",
      "Sun, -6 Nov 1994 08:49:37 GMT",
      "Sun Nov 6 08:49:37 1994",
      "Sun Nov  6 08:49:37 94",
    ],
    ...["Sund, 06-Nov-94 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37"],
    ...["1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 +0000"],
  ])("refuses %j", (text) => {
    expect(parse(text)).toBe(noDate);
  });

  it("refuses most of what random changes make of a date, and never traps", () => {
    const next = random(42);
    const dates = ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"];
    for (let round = 0; round < fuzzInputs(100_000); round++) {
      const bytes = Buffer.from(dates[next(3)]!);
      for (let count = 1 + next(3); count > 0; count--) bytes[next(bytes.length)] = next(256);
      const text = bytes.subarray(0, next(8) === 0 ? next(30) : bytes.length).toString("latin1");
      const seconds = parse(text);
      if (seconds !== noDate) expect(text).toMatch(/^[A-Z][a-z]{2,8},? [\dA-Z][-\w ]+:\d\d:\d\d( GMT| \d{4})$/);
    }
  });
});
