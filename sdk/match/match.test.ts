import { beforeAll, describe, expect, it } from "vitest";
import { random, TestModule } from "../json/test-module.ts";

let module: TestModule;
beforeAll(async () => {
  module = await TestModule.compile(import.meta.url);
}, 60_000);

function glob(pattern: string, text: string): boolean {
  module.call("makeGlob", pattern);
  return module.call("globMatches", text) === 1;
}

describe("Glob", () => {
  it.each([
    ["", "", true],
    ["", "a", false],
    ["*", "", true],
    ["*", "a/b", true],
    ["a*", "a", true],
    ["*a", "ba", true],
    ["a*a", "a", false],
    ["a*a", "aa", true],
    ["*ab*ab*", "abab", true],
    ["*ab*ba*", "aba", false],
    ["**", "x", true],
    ["a**b", "ab", true],
    ["é*", "éa", true],
    ["A*", "ab", false],
    ["a?c", "abc", false],
  ])("%j on %j: %s", (pattern, text, expected) => {
    expect(glob(pattern, text)).toBe(expected);
  });

  it("agrees with a regular expression on random patterns", () => {
    const next = random(31);
    const pick = (from: string, most: number) =>
      Array.from({ length: next(most) }, () => from[next(from.length)]).join("");
    let matched = 0;
    for (let round = 0; round < 5_000; round++) {
      const pattern = pick("aab*", 8);
      const oracle = new RegExp(`^${pattern.replaceAll("*", ".*")}$`, "s");
      module.call("makeGlob", pattern);
      for (let count = 0; count < 20; count++) {
        const text = pick("aab", 12);
        const expected = oracle.test(text);
        matched += Number(expected);
        if ((module.call("globMatches", text) === 1) !== expected) throw new Error(`${pattern} on ${text}`);
      }
    }
    expect(matched).toBeGreaterThan(5_000);
  });

  it("takes time linear in the text where backtracking would take its square", () => {
    // 300,000 times 1,000 comparisons would take minutes.
    module.call("makeGlob", `*${"a".repeat(1_000)}b*${"a".repeat(1_000)}c*`);
    expect(module.call("globMatches", "a".repeat(300_000))).toBe(0);
  }, 5_000);
});

describe("UriTemplate", () => {
  function matches(template: string, path: string): boolean {
    expect(module.text("makeTemplate", template)).toBe(null);
    return module.call("templateMatches", path) === 1;
  }

  /** As Istio's integration tests have it, and as Envoy 1.40 answers. */
  it.each([
    ["/allow/admin/{**}", ["/allow/admin/", "/allow/admin/temp", "/allow/admin/a/b.txt"], ["/allow/admin", "/allow"]],
    [
      "/foo/{*}/bar/{**}",
      ["/foo/buzz/bar/bat.txt", "/foo/buzz/bar/bat/fuzz.txt", "/foo/a/bar/"],
      ["/foo/bar/bat.txt", "/foo//bar/bat.txt", "/foo/a/bar"],
    ],
    [
      "/store/{**}/cart",
      ["/store//cart", "/store/foo/bar/cart", "/store/cart/cart", "/store/a//cart"],
      ["/store/cart", "/store/a/cart/", "/store/a/cartx"],
    ],
    [
      "/one/{*}",
      ["/one/a", "/one/*", "/one/a%2f", "/one/;x"],
      ["/one/", "/one", "/one/a/", "/one/a/b", "/one/a?b", "/two/a"],
    ],
    ["/one/{*}/", ["/one/a/"], ["/one/a", "/one//"]],
    ["/{**}", ["/", "/a", "/a/b/"], ["", "a"]],
    ["/", ["/"], ["", "//", "/a"]],
    ["/plain/path", ["/plain/path"], ["/plain/path/", "/plain"]],
  ])("%s", (template, allowed, denied) => {
    for (const path of allowed) expect(matches(template, path), path).toBe(true);
    for (const path of denied) expect(matches(template, path), path).toBe(false);
  });

  it("lets operators take the characters that Envoy 1.40 lets them take", () => {
    const taken = "!$%&'()*+,-.0123456789:;=@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";
    for (let byte = 0; byte < 256; byte++) {
      const character = String.fromCharCode(byte);
      for (const [template, also] of [
        ["/x/{*}", ""],
        ["/x/{**}", "/"],
      ] as const) {
        module.call("makeTemplate", template);
        const matched = module.call("templateMatches", Buffer.from(`/x/${character}`, "latin1")) === 1;
        expect(matched, `${template} ${byte}`).toBe(`${taken}${also}`.includes(character));
      }
    }
  });

  it.each([
    ["/foo/{*}.txt", '"{*}.txt": an operator must be a whole path segment'],
    ["/{**}/foo/{*}", '"{*}" behind {**}, which must be the last operator'],
    ["/{**}/{**}", '"{**}" behind {**}, which must be the last operator'],
    ["/*/baz/{*}", '"*": "*" is not allowed beside {*} and {**}'],
    ["/{name}", '"{name}": "{" is not allowed beside {*} and {**}'],
    ["/é/{*}", '"é": "é" is not allowed beside {*} and {**}'],
    ["//{*}", "an empty path segment"],
    ["/a//{*}", "an empty path segment"],
    ["{*}", "must start with /"],
    ["", "must start with /"],
  ])("refuses %s", (template, error) => {
    expect(module.text("makeTemplate", template)).toBe(error);
    expect(module.call("templateMatches", template)).toBe(0);
  });

  it("tells a template from a plain path", () => {
    for (const path of ["/a/{*}", "/{**}", "/{*}.txt"]) expect(module.call("isTemplate", path)).toBe(1);
    for (const path of ["/a/*", "/{name}", "/{***}", ""]) expect(module.call("isTemplate", path)).toBe(0);
  });
});
