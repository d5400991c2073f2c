import { beforeAll, describe, expect, it } from "vitest";
import { TestModule } from "../json/test-module.ts";

let module: TestModule;
beforeAll(async () => {
  module = await TestModule.compile(import.meta.url);
}, 60_000);

const compile = (pattern: string, substitution: string) =>
  module.text("compileReplacement", `${pattern} ${substitution}`);
const replaced = (text: string) => module.text("replaceAll", text);

describe("RegexReplacement", () => {
  it.each([
    ["/v1/(.*)", "/v2/\\1", "/v1/users", "/v2/users"],
    ["^/service/([^/]+)(/.*)$", "\\2/instance/\\1", "/service/foo/v1/api", "/v1/api/instance/foo"],
    ["one", "two", "/xxx/one/yyy/one/zzz", "/xxx/two/yyy/two/zzz"],
    ["^(.*?)one(.*)$", "\\1two\\2", "/xxx/one/yyy/one/zzz", "/xxx/two/yyy/one/zzz"],
    ["(?i)/xxx/", "/yyy/", "/aaa/XxX/bbb", "/aaa/yyy/bbb"],
    ["a|ab", "x", "abab", "xbxb"],
    ["ab|a", "x", "aba", "xx"],
    ["a*", "-", "aab", "-b-"],
    ["x*", "-", "abc", "-a-b-c-"],
    ["", "-", "é", "-é-"],
    ["^", "/p", "/a", "/p/a"],
    ["$", "!", "/a", "/a!"],
    ["\\b", "|", "ab cd", "|ab| |cd|"],
    ["(a)|(b)", "[\\1\\2\\0]", "ab", "[aa][bb]"],
    ["(a*)(a*)", "<\\1,\\2>", "aa", "<aa,>"],
    ["(a*?)(a*)$", "<\\1,\\2>", "aa", "<,aa>"],
    ["((a)(b)(c)(d)(e)(f)(g)(h)(i))", "\\9\\1", "abcdefghi", "habcdefghi"],
    ["a", "\\\\", "bab", "b\\b"],
    ["(a|b)+", "\\1", "abab", "b"],
    ["é+", "e", "caféé", "cafe"],
  ])("of %s by %s turns %s into %s", (pattern, substitution, text, expected) => {
    expect(compile(pattern, substitution)).toBeNull();
    expect(replaced(text)).toBe(expected);
  });

  it("leaves a text alone that has no match", () => {
    compile("b+", "x");
    expect(replaced("aaa")).toBeNull();
  });

  it.each([
    ["(", "x", /column/],
    ["a", "\\1", /the pattern has no group 1/],
    ["a", "\\n", /a backslash must be followed by/],
    ["a", "x\\", /a backslash must be followed by/],
  ])("refuses %s by %s", (pattern, substitution, problem) => {
    expect(compile(pattern, substitution)).toMatch(problem);
  });

  it("is linear where backtracking is not", () => {
    compile("(a*)*(a*)*b", "x");
    expect(replaced("a".repeat(300))).toBeNull();
    compile("(x+x+)+y", "-");
    expect(replaced(`${"x".repeat(2000)}y`)).toBe("-");
  });
});
