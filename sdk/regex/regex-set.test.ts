import binaryen from "binaryen";
import { beforeAll, describe, expect, it } from "vitest";
import { random, TestModule } from "../json/test-module.ts";
import { fuzzInputs } from "../../test/fuzz-inputs.ts";

const UTF8 = 0;
const BYTES = 1;
const ALL = 2 ** 31 - 1;

let module: TestModule;
/** Calls out at each function and loop. */
let counted: TestModule;
beforeAll(async () => {
  module = await TestModule.compile(import.meta.url);
  counted = await TestModule.compile(import.meta.url, (wasm) => {
    const instrumented = binaryen.readBinary(wasm);
    instrumented.runPasses(["log-execution"]);
    return instrumented.emitBinary();
  });
}, 120_000);

const run = (name: string, of = module) => (of.exports[name] as () => number)();

/** Makes a set of the patterns, numbered from 0, and returns their errors. */
function compile(patterns: readonly string[], mode = UTF8, of = module): (string | null)[] {
  run("beginSet", of);
  const errors = patterns.map((pattern) => of.text("addToSet", pattern, mode));
  run("compileSet", of);
  return errors;
}

const found = (text: string | Uint8Array, most = ALL) => module.text("visitSet", text, most);
const agrees = (text: string | Uint8Array) => module.call("agrees", text) === 1;

describe("RegexSet", () => {
  it.each<[string[], [text: string, numbers: string][]]>([
    [
      ["/users/[0-9]+", "/users/.*", "/orders/.*"],
      [
        ["/users/1", "1,0"],
        ["/users/x", "1"],
        ["/orders/1", "2"],
        ["/users", ""],
      ],
    ],
    [
      ["a", "a", "ab", "", "a?"],
      [
        ["", "4,3"],
        ["a", "4,1,0"],
        ["ab", "2"],
      ],
    ],
    [
      ["^a$", "\\Aa\\z", "(?m)^a$", "a\\b", "\\ba.", "a\\B.", "^^a$$"],
      [
        ["a", "6,3,2,1,0"],
        ["ab", "5,4"],
        ["a-", "4"],
      ],
    ],
    [
      ["a^b", "a$b", "(?m)a$\\n^b", "a\\nb", "(^a|b)\\n(b|c$)"],
      [
        ["ab", ""],
        ["a\nb", "4,3,2"],
        ["b\nc", "4"],
      ],
    ],
    [
      ["(?i)straße", "straße", "(?i)STRASSE", "(?i:str)aße"],
      [
        ["STRAẞE", "0"],
        ["STRaße", "3,0"],
        ["strasse", "2"],
      ],
    ],
    [
      ["(a)(b)", "(?:a)b", "((a))[b]", "(a|b)b", "a{1}b", "(?P<x>ab|cd)"],
      [
        ["ab", "5,4,3,2,1,0"],
        ["bb", "3"],
        ["cd", "5"],
      ],
    ],
    [
      ["a+", "a+?", "a*", "a{2}", "a{2,}", "a{3}"],
      [
        ["", "2"],
        ["a", "2,1,0"],
        ["aa", "4,3,2,1,0"],
        ["aaa", "5,4,2,1,0"],
      ],
    ],
    [[".", "\\C", "é", "\\C\\C"], [["é", "3,2,0"]]],
    [[], [["", ""]]],
  ])("%j", (patterns, rows) => {
    expect(compile(patterns).filter((error) => error !== null)).toEqual([]);
    for (const [text, numbers] of rows) expect([text, found(text)]).toEqual([text, numbers]);
  });

  it("ends when it is told to", () => {
    compile(["a", "a.*", ".*"]);
    expect(found("a", 2)).toBe("2,1.");
    expect(found("a")).toBe("2,1,0");
  });

  it("leaves a broken pattern out, whose error the regex has", () => {
    expect(compile(["a", "(a", "a*", ".{1000}".repeat(8)])).toEqual([
      null,
      "column 1: the group is not closed; add ')'",
      null,
      "the pattern is too large: it compiles to more than 32768 instructions",
    ]);
    expect(found("a")).toBe("2,0");
  });

  it("takes expressions on text and on bytes", () => {
    run("beginSet");
    for (const mode of [UTF8, BYTES, BYTES, UTF8]) module.text("addToSet", "a.", mode);
    run("compileSet");
    expect(found("aé")).toBe("3,0");
    expect(found(Uint8Array.of(0x61, 0xff))).toBe("2,1");
  });

  it("is several automata when the instructions do not fit in one", () => {
    const patterns = Array.from({ length: 9 }, (_, i) => `${i}.{1000}|x{${i}}`);
    compile(patterns);
    for (let i = 0; i < 9; i++) {
      expect(found(`${i}${"é".repeat(1000)}`)).toBe(String(i));
      expect(found("x".repeat(i))).toBe(String(i));
    }
  });

  it("takes many patterns of which each begins with the one before", () => {
    compile(Array.from({ length: 2000 }, (_, i) => "a".repeat(i)));
    for (const length of [0, 1, 1999]) expect(found("a".repeat(length))).toBe(String(length));
    expect(found("a".repeat(2000))).toBe("");
  });

  it("takes a long literal", () => {
    compile(["a".repeat(30_000), `${"a".repeat(29_999)}b`]);
    expect(found("a".repeat(30_000))).toBe("0");
  });
});

/** A pattern of pieces that others are likely to have in common with it. */
function pattern(next: (limit: number) => number, depth = 2): string {
  const pieces = ["a", "b", "ab", "A", "é", ".", ".*", "[ab]", "[^a]", "\\w+", "\\W", "\\C", "k", "/", "-", "\\n"];
  const places = ["^", "$", "\\b", "\\B", "(?m:^)", "(?m:$)", "\\A", "\\z"];
  let text = next(8) === 0 ? ["(?i)", "(?s)", "(?m)"][next(3)]! : "";
  for (let count = next(5); count > 0; count--) {
    const kind = next(depth > 0 ? 10 : 8);
    if (kind === 0) text += places[next(places.length)]!;
    else if (kind < 8) text += pieces[next(pieces.length)]! + ["", "", "", "?"][next(4)]!.repeat(kind === 7 ? 1 : 0);
    else {
      const inner = `${pattern(next, depth - 1)}|${pattern(next, depth - 1)}`;
      text += `(${next(2) ? "?:" : ""}${inner})${["", "*", "+", "?", "{2}", "{0,2}"][next(6)]!}`;
    }
  }
  return text;
}

function text(next: (limit: number) => number): Uint8Array {
  const units = ["a", "b", "A", "B", "é", "É", "k", "\u212a", "/", "-", "\n", "_", "ab", "\xff"];
  const chosen = Array.from({ length: next(8) }, () => units[next(units.length)]!);
  return Buffer.concat(chosen.map((unit) => Buffer.from(unit, unit === "\xff" ? "latin1" : "utf8")));
}

describe("beside single expressions", () => {
  it("finds the same on random patterns and texts", () => {
    const next = random(11);
    let matches = 0;
    for (let round = 0; round < 400; round++) {
      const patterns = Array.from({ length: 1 + next(40) }, () => pattern(next));
      compile(patterns, next(4) === 0 ? BYTES : UTF8);
      for (let count = 0; count < 40; count++) {
        const bytes = text(next);
        if (!agrees(bytes)) throw new Error(`${JSON.stringify(patterns)} on ${JSON.stringify(bytes.toString())}`);
        matches += found(bytes) === "" ? 0 : 1;
      }
    }
    expect(matches).toBeGreaterThan(5_000);
  });

  // They come to more states than are kept: few paths at once in one, many in the other, so that they are tried one by one.
  it.each([
    ["of which few go on at once", (i: number) => `.*/s${i}/.*/t${i}`],
    ["of which many go on at once", (i: number) => `(?:x${i}|.*)s${i}.*(?:x${i}|.*)t${i}`],
  ])("finds the same, in the memory it has, by a thousand patterns %s", { timeout: 60_000 }, (_, patternOf) => {
    compile(Array.from({ length: 1000 }, (_, i) => patternOf(i)));
    const next = random(5);
    const path = () => Array.from({ length: 2 + next(5) }, () => `/${"st"[next(2)]!}${next(1000)}`).join("");
    for (let count = 0; count < 3000; count++) found(path());
    for (let count = 0; count < 100; count++) {
      const target = next(1000);
      const bytes = Buffer.from(`${path()}/s${target}${path()}/t${target}`);
      if (!agrees(bytes)) throw new Error(bytes.toString());
    }
    const before = run("pages");
    for (let count = 0; count < 6000; count++) found(path());
    expect(run("pages")).toBe(before);
  });
});

describe("time", () => {
  it.each<[string, (i: number) => string, string]>([
    ["(.*)*=…", (i) => `(.*)*=${i}`, "=1"],
    ["(a|aa)+…", (i) => `(a|aa)+${i}`, "a1"],
    [".*a.{12}b…", (i) => `(?:.*a.{12}b${i})*`, "ab1"],
    ["many paths", (i) => `(?:x{${i + 1}}|.*)a.{12}b${i}`, "ab1x"],
  ])("is in proportion to the text: %s", (_, patternOf, units) => {
    compile(
      Array.from({ length: 50 }, (_, i) => patternOf(i)),
      UTF8,
      counted,
    );
    const next = random(3);
    const steps = (length: number) => {
      let count = 0;
      const bytes = Buffer.from(Array.from({ length }, () => units[next(units.length)]!).join(""));
      TestModule.onStep = () => count++;
      counted.call("visitSet", bytes, ALL);
      TestModule.onStep = () => {};
      return count;
    };
    for (let count = 0; count < 20; count++) steps(2000); // builds the automata
    const [once, twice] = [steps(2000), steps(4000)];
    expect(once).toBeGreaterThan(10);
    expect(twice).toBeLessThan(2.5 * once + 1000);
  });
});

describe("bounds", () => {
  it("never traps, whatever the patterns and the texts", () => {
    const next = random(17);
    const pieces = [..."()[]{}*+?|^$.\\-:=<>P,ims01aé😀", "(?", "\\x{", "[[:", ":]]", "{2,3}", "\\pL", "(?i)", "ab"];
    const garbage = () => Array.from({ length: next(10) }, () => pieces[next(pieces.length)]!).join("");
    for (let input = 0; input < fuzzInputs(5_000); input += 5) {
      const mode = next(2);
      compile(
        Array.from({ length: 5 }, () => (next(2) ? garbage() : pattern(next))),
        mode,
      );
      for (let count = 0; count < 3; count++) {
        const bytes = Uint8Array.from({ length: next(9) }, () => next(256));
        if (!agrees(bytes)) throw new Error(`input ${input}`);
      }
    }
  });
});
