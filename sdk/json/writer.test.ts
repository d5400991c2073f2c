import { beforeAll, describe, expect, it } from "vitest";
import { random, TestModule } from "./test-module.ts";

let module: TestModule;
beforeAll(async () => {
  module = await TestModule.compile(import.meta.url);
}, 60_000);

function written(name: string, bytes: Uint8Array | string = ""): string {
  const address = module.call(name, bytes);
  const size = (module.exports["writtenSize"] as () => number)();
  return new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(module.exports.memory.buffer, address, size));
}

describe("JsonWriter", () => {
  it.each([
    ...["{}", "[]", "null", "true", "false", "0", "-1", '""', "[[],{}]", '{"a":{"b":[1,"x",null,true]},"c":[]}'],
    ...[
      "[1.5,-0.25,1e300,5e-324,123456789012345680,0.1]",
      String.raw`"\u0000\b\t\n\f\r\"\\/é€😀\u001f"`,
      '"\u2028\u007f"',
    ],
    `[${"[".repeat(127)}${"]".repeat(127)}]`,
    `${'{"a":['.repeat(64)}${"]}".repeat(64)}`,
  ])("writes %s as JSON.stringify does", (text) => {
    expect(written("rewrite", text)).toBe(JSON.stringify(JSON.parse(text)));
  });

  it("writes random values that read back the same, as JSON.stringify does", () => {
    const next = random(21);
    const value = (depth: number): unknown => {
      const kind = next(depth > 4 ? 5 : 7);
      if (kind === 0) return next(2) === 0;
      if (kind === 1) return null;
      if (kind === 2) return next(1_000_000) - 500_000;
      if (kind === 3) return next(1_000_000) / 1024;
      if (kind === 4)
        return Array.from({ length: next(9) }, () => String.fromCodePoint(next(3) ? next(0x80) : next(0xd800))).join(
          "",
        );
      if (kind === 5) return Array.from({ length: next(5) }, () => value(depth + 1));
      return Object.fromEntries(Array.from({ length: next(5) }, (_, index) => [`k${index}"é`, value(depth + 1)]));
    };
    for (let round = 0; round < 3_000; round++) {
      const text = JSON.stringify(value(0));
      expect(written("rewrite", text)).toBe(text);
    }
  });

  it("writes bytes that are not UTF-8 as U+FFFD, where TextDecoder does", () => {
    const next = random(22);
    for (let round = 0; round < 50_000; round++) {
      const bytes = Uint8Array.from(
        { length: next(12) },
        () => [next(256), 0xe2, 0x82, 0xf0, 0x9f, 0xc3, 0x61][next(7)]!,
      );
      const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
      expect(written("writeBytes", bytes)).toBe(JSON.stringify(text));
    }
  });

  it("writes integers exactly, and what JSON lacks as null", () => {
    expect(written("writeIntegers")).toBe(
      "[0,-1,9223372036854775807,-9223372036854775808,18446744073709551615,null,null,0,1e+21,0.1]",
    );
  });

  it("traps rather than write what is no JSON, for every order of calls up to six", () => {
    const steps = ["{", "}", "[", "]", "n", "0"];
    let complete = 0;
    const run = (script: string, depth: number) => {
      let text: string | null = null;
      try {
        text = written("script", script);
      } catch {
        // A trap.
      }
      const valid = expected(script);
      if ((text !== null) !== valid) throw new Error(`${script}: ${text}`);
      if (text !== null) {
        complete += 1;
        JSON.parse(text);
      }
      if (depth < 6) for (const step of steps) run(script + step, depth + 1);
    };
    run("", 0);
    expect(complete).toBeGreaterThan(20);
  });

  it("traps at more than 128 levels", () => {
    expect(() => written("script", "[".repeat(129) + "]".repeat(129))).toThrow();
    expect(written("script", "[".repeat(128) + "]".repeat(128))).toHaveLength(256);
  });
});

/** Whether the calls make one whole value. */
function expected(script: string): boolean {
  const value = (at: number): number => {
    if (script[at] === "0") return at + 1;
    const close = script[at] === "{" ? "}" : script[at] === "[" ? "]" : null;
    if (close === null) return -1;
    for (at += 1; script[at] !== close;) {
      if (close === "}" && script[at++] !== "n") return -1;
      at = value(at);
      if (at < 0) return -1;
    }
    return at + 1;
  };
  return value(0) === script.length;
}
