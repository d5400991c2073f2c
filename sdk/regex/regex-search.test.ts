import { beforeAll, describe, expect, it } from "vitest";
import { random, TestModule } from "../json/test-module.ts";
import { fuzzInputs } from "../../test/fuzz-inputs.ts";

let module: TestModule;
beforeAll(async () => {
  module = await TestModule.compile(import.meta.url);
}, 60_000);

const compile = (pattern: string) => module.text("compileSearch", pattern);
const groups = (text: string, from = 0) => module.text("groups", text, from);

describe("RegexSearch", () => {
  // As RE2 answers: bytes of the match, then the match and each group; one more that there is not.
  it.each<[string, string, number, string | null]>([
    ["^/tenants/([^/]+)/", "/tenants/a b/x", 0, "0-13[/tenants/a b/][a b]-"],
    ["(a)|(b)", "xb", 0, "1-2[b]-[b]-"],
    ["(a*)(a*)", "baab", 0, "0-0[][][]-"],
    ["(a*)(a*)", "baab", 1, "1-3[aa][aa][]-"],
    ["a|ab", "xab", 0, "1-2[a]-"],
    ["(a|ab)(c|bcd)(d*)", "abcd", 0, "0-4[abcd][a][bcd][]-"],
    ["^b", "ab", 1, null],
    ["(é)(.)", "aé€", 0, "1-6[é€][é][€]-"],
    ["\\bc", "b c", 2, "2-3[c]-"],
    ["x", "abc", 0, null],
    ["", "ab", 2, "2-2[]-"],
    ["", "ab", 3, null],
    ["", "ab", -1, null],
    ["(?:(x)|y)+", "xy", 0, "0-2[xy][x]-"],
    // What repeats can be empty: it counts once.
    ["(|a)*", "aa", 0, "0-0[][]-"],
    ["(|a)+", "aa", 0, "0-0[][]-"],
    ["(a|)*", "aab", 0, "0-2[aa][a]-"],
    ["(b|)*c", "ac", 0, "1-2[c][]-"],
    ["(?:a*?)*", "aa", 0, "0-0[]-"],
    ["(?:a*?)*?b", "aab", 0, "0-3[aab]-"],
    ["(a)(b)(c)(d)(e)(f)(g)(h)(i)", "abcdefghi", 0, "0-9[abcdefghi][a][b][c][d][e][f][g][h][i]-"],
    ["(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)", "abcdefghij", 0, "0-10[abcdefghij][a][b][c][d][e][f][g][h][i]--"],
  ])("finds %j in %j from %i", (pattern, text, from, found) => {
    expect(compile(pattern)).toBeNull();
    expect(groups(text, from)).toBe(found);
  });

  it("forgets what it found when it finds nothing", () => {
    expect(compile("(b)")).toBeNull();
    expect(groups("ab")).toBe("1-2[b][b]-");
    expect(groups("ac")).toBeNull();
  });

  it("finds nothing by a pattern that is none", () => {
    expect(compile("(")).toMatch(/^column 1: /);
    expect(groups("(")).toBeNull();
  });

  it("agrees with JavaScript where both mean the same", () => {
    const next = random(7);
    const pieces = ["a", "b", ".", "(a|b)", "(ab?)", "(?:a|(b))", "[^a]", "(c*)", "(b+?)", "x?"];
    for (let i = 0; i < fuzzInputs(3000); i++) {
      let pattern = "";
      for (let k = 1 + next(5); k > 0; k--) pattern += pieces[next(pieces.length)]!;
      const text = Array.from({ length: next(12) }, () => "abcx"[next(4)]!).join("");
      expect(compile(pattern)).toBeNull();
      const match = new RegExp(pattern).exec(text);
      const shown = match?.map((group) => (group === undefined ? "-" : `[${group}]`)).join("");
      const expected = match === null ? null : `${match.index}-${match.index + match[0].length}${shown}-`;
      expect([pattern, text, groups(text)]).toEqual([pattern, text, expected]);
    }
  });
});
