import { beforeAll, describe, expect, it } from "vitest";
import { random, TestModule } from "../json/test-module.ts";
import { fuzzInputs } from "../../test/fuzz-inputs.ts";

let module: TestModule;
beforeAll(async () => {
  module = await TestModule.compile(import.meta.url);
}, 60_000);

/** Calls an export that answers with bytes; `null` when it has none. Each character is one byte. */
function bytes(name: string, text: string, ...rest: number[]): string | null {
  const address = module.call(name, Buffer.from(text, "latin1"), ...rest);
  if (!address) return null;
  const size = (module.exports["outputSize"] as () => number)();
  return Buffer.from(module.exports.memory.buffer, address, size).toString("latin1");
}

const Mode = { None: 0, Base: 1, MergeSlashes: 2, DecodeAndMergeSlashes: 3 };

describe("normalizePath", () => {
  /** Path, and what Envoy 1.40 makes of it in the modes Base, MergeSlashes and DecodeAndMergeSlashes (measured). */
  it.each<[string, string | null, string | null, string | null]>([
    ["/", "/", "/", "/"],
    ["/a", "/a", "/a", "/a"],
    ["/a/../b", "/b", "/b", "/b"],
    ["/a/./b", "/a/b", "/a/b", "/a/b"],
    ["/a/..", "/", "/", "/"],
    ["/a/.", "/a/", "/a/", "/a/"],
    ["/..", "/", "/", "/"],
    ["/../a", "/a", "/a", "/a"],
    ["/a/b/../../../c", "/c", "/c", "/c"],
    ["/a/b/../", "/a/", "/a/", "/a/"],
    ["/a/...", "/a/...", "/a/...", "/a/..."],
    ["/a/..b/.c", "/a/..b/.c", "/a/..b/.c", "/a/..b/.c"],
    ["/a//b", "/a//b", "/a/b", "/a/b"],
    ["//a/../b", "//b", "/b", "/b"],
    ["/a///../b", "/a//b", "/a/b", "/a/b"],
    ["/a/..//b", "//b", "/b", "/b"],
    ["//", "//", "//", "//"],
    ["/%2f", "/%2f", "/%2f", "//"],
    ["/a//", "/a//", "/a/", "/a/"],
    ["/a\\..\\b", "/b", "/b", "/b"],
    ["/a\\b", "/a/b", "/a/b", "/a/b"],
    ["/a/%2e%2E/b", "/b", "/b", "/b"],
    ["/a/.%2e", "/", "/", "/"],
    ["/a%2fb%5Cc", "/a%2fb%5Cc", "/a%2fb%5Cc", "/a/b/c"],
    ["/a%2f..%2fb", "/a%2f..%2fb", "/a%2f..%2fb", "/b"],
    ["/a%2f%2e%2e%2fb", "/a%2f..%2fb", "/a%2f..%2fb", "/b"],
    ["/x%2f%5C%2f/y", "/x%2f%5C%2f/y", "/x%2f%5C%2f/y", "/x/y"],
    ["/a%252fb", "/a%252fb", "/a%252fb", "/a%252fb"],
    ["/%41%5a%61%7a%30%39%2d%2e%5f%7E", "/AZaz09-._~", "/AZaz09-._~", "/AZaz09-._~"],
    ["/%c3%A9%7f%20", "/%c3%A9%7f%20", "/%c3%A9%7f%20", "/%c3%A9%7f%20"],
    ["/%/%4/%zz", "/%/%4/%zz", "/%/%4/%zz", "/%/%4/%zz"],
    ["/%2%65%2e", "/%252e.", "/%252e.", "/%252e."],
    ["/..%2e%2//e%6/../^%32", "/...%2//%5E2", "/...%2/%5E2", "/...%2/%5E2"],
    [
      "/{a}<b>\"`|^[c]'",
      "/%7Ba%7D%3Cb%3E%22%60%7C%5E[c]'",
      "/%7Ba%7D%3Cb%3E%22%60%7C%5E[c]'",
      "/%7Ba%7D%3Cb%3E%22%60%7C%5E[c]'",
    ],
    ["/a/../\xe9", "/%E9", "/%E9", "/%E9"],
    ["/a/..;x/b", "/b", "/b", "/b"],
    ["/a/.;x;y", "/a/", "/a/", "/a/"],
    ["/a/%2e%2e;x", "/a/..;x", "/a/..;x", "/a/..;x"],
    ["/a;x/b", "/a;x/b", "/a;x/b", "/a;x/b"],
    ["/.;x%2fb", "/", "/", "/b"],
    ["/..;x%00", "/", "/", "/"],
    ["/a%00b", null, null, null],
    ["/a/../b?x=/../%2f//y", "/b?x=/../%2f//y", "/b?x=/../%2f//y", "/b?x=/../%2f//y"],
    ["/a%2F?%2F", "/a%2F?%2F", "/a%2F?%2F", "/a/?%2F"],
    ["*", "*", "*", "*"],
  ])("%s", (path, base, mergeSlashes, decodeAndMergeSlashes) => {
    expect(bytes("normalize", path, Mode.None)).toBe(path);
    expect(bytes("normalize", path, Mode.Base)).toBe(base);
    expect(bytes("normalize", path, Mode.MergeSlashes)).toBe(mergeSlashes);
    expect(bytes("normalize", path, Mode.DecodeAndMergeSlashes)).toBe(decodeAndMergeSlashes);
  });

  it("leaves what follows a # alone, where Envoy would refuse the request", () => {
    expect(bytes("normalize", "/a/../b#/../c?%2e", Mode.Base)).toBe("/b#/../c?%2e");
  });

  it.each(["", "a/b", "?x", "http://host/"])("refuses a path that does not start with a slash: %s", (path) => {
    expect(bytes("normalize", path, Mode.Base)).toBe(null);
  });

  it("hands back the view it was given when nothing changes", () => {
    expect(module.call("isUnchanged", "/a/b?x=..", Mode.DecodeAndMergeSlashes)).toBe(1);
    expect(module.call("isUnchanged", "/a/./b", Mode.Base)).toBe(0);
  });

  it("keeps clear of dot segments, escaped slashes and double slashes for random paths, and is stable", () => {
    const next = random(11);
    const parts = [
      "/",
      "/",
      ".",
      "..",
      "%2e",
      "%2F",
      "%5c",
      "\\",
      "%",
      "%2",
      "5",
      "e",
      "%65",
      ";x",
      "a",
      "?",
      "|",
      "\xff",
    ];
    for (let round = 0; round < fuzzInputs(100_000); round++) {
      let path = "/";
      for (let count = next(12); count > 0; count--) path += parts[next(parts.length)]!;
      const normalized = bytes("normalize", path, Mode.DecodeAndMergeSlashes)!;
      const [before] = normalized.split("?") as [string];
      if (/\/\.\.?(\/|$)/.test(before) || /%2f|%5c|\\/i.test(before.replaceAll("%25", "")) || /.\/\//.test(before)) {
        throw new Error(`${path} became ${normalized}`);
      }
    }
  });
});

/** Pairs from what the module writes. */
function pairs(text: string | null): [string, string][] {
  const parts = text!.split("\xff").slice(1);
  return Array.from({ length: parts.length / 2 }, (_, index) => [parts[2 * index]!, parts[2 * index + 1]!]);
}

describe("Query", () => {
  it("reads what URLSearchParams reads", () => {
    const next = random(12);
    const parts = ["x", "y", "=", "=", "&", "&", "+", "%", "%41", "%2", "%26", "%3d", ";", " "];
    for (let round = 0; round < 20_000; round++) {
      let query = "";
      for (let count = next(14); count > 0; count--) query += parts[next(parts.length)]!;
      const expected = [...new URLSearchParams(`&${query}`)];
      expect(pairs(bytes("query", `/p?${query}`)), query).toEqual(expected);
    }
  });

  it.each([
    ["/p", []],
    ["/p?", []],
    ["/p?a", [["a", ""]]],
    ["/p?a=1#?b=2", [["a", "1"]]],
    ["/p#?b=2", []],
    ["/p?a=1?b=2", [["a", "1?b=2"]]],
    ["/p?=1", [["", "1"]]],
    ["/p?a=%C3%28", [["a", "\xc3("]]],
    ["/p?a=\xfe", [["a", "\xfe"]]],
  ])("reads %s", (path, expected) => {
    expect(pairs(bytes("query", path))).toEqual(expected);
  });

  it("finds the first of several parameters, by its decoded name", () => {
    expect(bytes("firstA", "/?b=0&%61=1&a=2")).toBe("1");
    expect(bytes("firstA", "/?A=1&aa=2&b=a")).toBe(null);
    expect(bytes("firstA", "/?a")).toBe("");
  });
});

describe("Cookies", () => {
  it.each([
    [
      "a=1; b=2",
      [
        ["a", "1"],
        ["b", "2"],
      ],
    ],
    [
      "a=1;b=2;",
      [
        ["a", "1"],
        ["b", "2"],
      ],
    ],
    [
      " a = 1 ;\tb\t=\t2",
      [
        ["a", "1"],
        ["b", "2"],
      ],
    ],
    [
      'a="1 2"; b="',
      [
        ["a", "1 2"],
        ["b", '"'],
      ],
    ],
    ['a=""', [["a", ""]]],
    ["a=b=c", [["a", "b=c"]]],
    ["a=", [["a", ""]]],
    ["=1; a; ; b=2", [["b", "2"]]],
    ["a=%41+b", [["a", "%41+b"]]],
    ["a=1,b=2", [["a", "1,b=2"]]],
    ['a="x;y"', [["a", '"x']]],
    ["", []],
  ])("reads %s", (line, expected) => {
    expect(pairs(bytes("cookies", line))).toEqual(expected);
  });

  it("finds the first of several cookies, by its exact name", () => {
    expect(bytes("cookieA", "A=0; aa=1; a=2; a=3")).toBe("2");
    expect(bytes("cookieA", "b=a=1")).toBe(null);
  });
});

describe("Url", () => {
  const split = (text: string) => bytes("split", text)?.split("\xff").slice(1) ?? null;

  it.each([
    ["https://example.com", ["https", "example.com", "-1", "", "null", "null"]],
    ["http://example.com:8080/a/b?x=1#y", ["http", "example.com", "8080", "/a/b", "x=1", "y"]],
    ["https://[2001:db8::1]:443/", ["https", "2001:db8::1", "443", "/", "null", "null"]],
    ["https://[::1]", ["https", "::1", "-1", "", "null", "null"]],
    ["HTTPS://EXAMPLE.com/?", ["HTTPS", "EXAMPLE.com", "-1", "/", "", "null"]],
    ["https://h?q/a#", ["https", "h", "-1", "", "q/a", ""]],
    ["https://h#f?q/a", ["https", "h", "-1", "", "null", "f?q/a"]],
    ["https://h:/", ["https", "h", "-1", "/", "null", "null"]],
    ["spiffe://cluster.local/ns/a/sa/b", ["spiffe", "cluster.local", "-1", "/ns/a/sa/b", "null", "null"]],
    ["http://10.0.0.1:65535//x@y:z", ["http", "10.0.0.1", "65535", "//x@y:z", "null", "null"]],
  ])("splits %s", (text, parts) => {
    expect(split(text)).toEqual(parts);
  });

  it.each([
    ...["", "/a", "//h/a", "example.com", "https:h", "https:/h", "https://", "https:///a", "https://:80/", "1http://h"],
    ...["https://user@h/", "https://a:b@h/", "https://h:65536/", "https://h:8x/", "https://h:-1/", "https://h:1:2/"],
    ...[
      "https://h /",
      "https://h\\a",
      "https://h/\t",
      "https://\xe9/",
      "https://[::1/",
      "https://[::1]x/",
      "https://[1.2.3.4]/",
    ],
    ...["https://::1/", "https://[fe80::1%25eth0]/", "https://h]/", 'https://"h"/', "ht tp://h/", "://h"],
  ])("refuses %j", (text) => {
    expect(split(text)).toBe(null);
  });

  it("agrees with URL on the host of what it accepts", () => {
    const next = random(14);
    const parts = ["http", "://", "h", "a.b", ":", ":80", "@", "/", "//", "?", "#", "[::1]", ".", "x", "\\"];
    let accepted = 0;
    for (let round = 0; round < 50_000; round++) {
      const text = `http://${Array.from({ length: next(7) }, () => parts[next(parts.length)]).join("")}`;
      const url = split(text);
      if (url === null) continue;
      accepted += 1;
      expect(new URL(text).hostname.replace(/[[\]]/g, ""), text).toBe(url[1]);
    }
    expect(accepted).toBeGreaterThan(1_000);
  });
});

it("never needs more memory, and never traps, for any bytes", () => {
  const next = random(13);
  const names = ["normalize", "query", "cookies", "firstA", "cookieA", "split"];
  let pages = 0;
  for (let round = 0; round < fuzzInputs(100_000); round++) {
    const text = Buffer.from(Array.from({ length: next(40) }, () => next(256)));
    module.call(names[round % names.length]!, text, 1 + next(3));
    if (round === 1000) pages = (module.exports["pages"] as () => number)();
  }
  expect((module.exports["pages"] as () => number)()).toBe(pages);
});
