import { beforeAll, describe, expect, it } from "vitest";
import { random, TestModule } from "../json/test-module.ts";

let module: TestModule;
beforeAll(async () => {
  module = await TestModule.compile(import.meta.url);
}, 60_000);

/** The values that the test entry read, then the problems. */
const read = (config: unknown, strict = true): string[] =>
  module.text("read", typeof config === "string" ? config : JSON.stringify(config), strict ? 1 : 0)!.split("\n");
const problems = (config: unknown) => read(config).slice(1);
const DEFAULTS = "hello,2,80,0.5,true,5,2";

describe("values", () => {
  it("gives the fallbacks for an empty configuration", () => {
    expect(read("")).toEqual([DEFAULTS]);
    expect(read("{}")).toEqual([DEFAULTS]);
    expect(read({ greeting: null, headers: null, http: null, mode: null })).toEqual([DEFAULTS]);
  });

  it("gives what is configured", () => {
    const config = { greeting: "hé", raw: "€", port: 8080, ratio: 1, failOpen: false, timeout: "1.5s", mode: "DENY" };
    expect(read(config)).toEqual(["hé,3,8080,1.0,false,1500000000,1"]);
  });

  it.each([80, "80", "80.0", "8e1", "800e-1"])("takes the integer %j", (port) => {
    expect(read({ port })[0]).toBe(DEFAULTS);
    expect(problems(`{"port":${port}}`)).toEqual([]);
  });

  it("takes names in snake_case", () => {
    expect(read({ fail_open: false })).toEqual(["hello,2,80,0.5,false,5,2"]);
  });

  it("iterates over maps and arrays", () => {
    const config = {
      headers: { "x-b": "2", "": "0", é: "1" },
      http: [{ match: [{ uri: { prefix: "/a" } }] }, { issuer: "me" }],
    };
    expect(read(config)).toEqual([`${DEFAULTS},x-b=2,=0,é=1,/a,me`]);
  });

  it("reads 64-bit integers exactly", () => {
    expect(read({ http: [{ big: "9007199254740993" }] })[0]).toBe(`${DEFAULTS},9007199254740993`);
    expect(read('{"http":[{"big":-9223372036854775808}]}')[0]).toBe(`${DEFAULTS},-9223372036854775808`);
  });
});

describe("problems", () => {
  it.each<[unknown, string]>([
    [{ greeting: 5 }, "greeting: expected a string, found the number 5"],
    [{ raw: true }, "raw: expected a string, found true"],
    [{ port: "ten" }, 'port: expected an integer from 1 to 65535, found the string "ten"'],
    [{ port: " 80" }, 'port: expected an integer from 1 to 65535, found the string " 80"'],
    [{ port: 1.5 }, "port: expected an integer from 1 to 65535, found the number 1.5"],
    [{ port: 70000 }, "port: expected an integer from 1 to 65535, found the number 70000"],
    [{ port: 1e30 }, "port: expected an integer from 1 to 65535, found the number 1e+30"],
    [{ ratio: 1.01 }, "ratio: expected a number from 0 to 1, found the number 1.01"],
    [{ failOpen: "true" }, 'failOpen: expected true or false, found the string "true"'],
    [{ timeout: 5 }, 'timeout: expected a duration such as "1.5s" from 0s to 3600s, found the number 5'],
    [{ timeout: "2h" }, 'timeout: expected a duration from 0s to 3600s, found the string "2h"'],
    [{ timeout: "-1s" }, 'timeout: expected a duration from 0s to 3600s, found the string "-1s"'],
    [{ mode: "allow" }, 'mode: expected one of "ALLOW", "DENY", "AUDIT", found the string "allow"'],
    [{ mode: {} }, 'mode: expected one of "ALLOW", "DENY", "AUDIT", found an object'],
    [{ headers: [] }, "headers: expected an object, found an array"],
    [{ headers: { "x-a": 1 } }, "headers.x-a: expected a string, found the number 1"],
    [{ headers: { "x.a b": 1 } }, 'headers["x.a b"]: expected a string, found the number 1'],
    [{ http: {} }, "http: expected an array, found an object"],
    [{ http: ["x"] }, 'http[0]: expected an object, found the string "x"'],
    [{ http: [{ match: [{}] }] }, "http[0].match[0].uri: is required"],
    [{ http: [{ match: [{ uri: { regex: "(" } }] }] }, "http[0].match[0].uri.regex: column 1: the group is not closed"],
    [{ http: [{}, { weight: 101 }] }, "http[1].weight: expected an integer from 0 to 100, found the number 101"],
    [{ fail_open: 1 }, "fail_open: expected true or false, found the number 1"],
    [{ failOpen: true, fail_open: true }, "fail_open: given twice; keep failOpen"],
    [[], "expected an object, found an array"],
    ["5", "expected an object, found the number 5"],
    ["{", "line 1, column 2: expected a name in double quotes, found the end of the text"],
    [{ greeting: ["\u0007".repeat(5)] }, "greeting: expected a string, found an array"],
    [{ port: "a\nb\u0007" }, 'port: expected an integer from 1 to 65535, found the string "a\\u000Ab\\u0007"'],
    [{ port: "é".repeat(100) }, `port: expected an integer from 1 to 65535, found the string "${"é".repeat(30)}…"`],
  ])("%j", (config, problem) => {
    expect(problems(config)).toEqual([problem]);
  });

  it("tells all of them, in the order of reading, and reads on", () => {
    const config = { mode: "x", port: 0, http: [{ weight: -1, match: [{ uri: { prefix: 1 } }] }, 7], greeting: "ok" };
    expect(read(config)).toEqual([
      "ok,2,80,0.5,true,5,2,",
      "port: expected an integer from 1 to 65535, found the number 0",
      'mode: expected one of "ALLOW", "DENY", "AUDIT", found the string "x"',
      "http[0].match[0].uri.prefix: expected a string, found the number 1",
      "http[0].weight: expected an integer from 0 to 100, found the number -1",
      "http[1]: expected an object, found the number 7",
    ]);
  });

  it("stops at a hundred", () => {
    const all = problems({ http: Array.from({ length: 150 }, () => 1) });
    expect(all.length).toBe(101);
    expect(all[99]).toBe("http[99]: expected an object, found the number 1");
    expect(all[100]).toBe("and 50 more");
  });

  it("says what is required, and gives something harmless", () => {
    const lines = (config: unknown) => module.text("required", JSON.stringify(config))!.split("\n");
    const names = ["string", "bytes", "integer", "number", "bool", "duration", "oneOf", "object", "array"];
    expect(lines({})).toEqual([",0,1,-1.0,false,1000000000,0,,", ...names.map((name) => `${name}: is required`)]);
    expect(lines(Object.fromEntries(names.map((name) => [name, name === "object" ? [] : {}])))).toEqual([
      ",0,1,-1.0,false,1000000000,0,,",
      "string: expected a string, found an object",
      "bytes: expected a string, found an object",
      "integer: expected an integer from 1 to 10, found an object",
      "number: expected a number from -2 to -1, found an object",
      "bool: expected true or false, found an object",
      'duration: expected a duration such as "1.5s" of at least 1s, found an object',
      'oneOf: expected one of "ALLOW", "DENY", "AUDIT", found an object',
      "object: expected an object, found an array",
      "array: expected an array, found an object",
    ]);
  });
});

describe("fields nobody asked for", () => {
  it.each<[unknown, string[]]>([
    [{ greting: "x" }, ['greting: unknown field, did you mean "greeting"?']],
    [{ failopen: true }, ['failopen: unknown field, did you mean "failOpen"?']],
    [{ FAIL_OPEN: true }, ['FAIL_OPEN: unknown field, did you mean "failOpen"?']],
    [{ zzz: { deeper: 1 } }, ["zzz: unknown field"]],
    [{ http: [{ wieght: 5 }] }, ['http[0].wieght: unknown field, did you mean "weight"?']],
    [
      { http: [{ match: [{ uri: { perfix: "/" } }] }] },
      ['http[0].match[0].uri.perfix: unknown field, did you mean "prefix"?'],
    ],
    [{ headers: { anything: "goes" } }, []],
    [{ http: [{ metadata: { name: "x", labels: [{ a: 1 }] } }] }, []],
    [{ mode: "DENY", extra: 1, other: 2 }, ["extra: unknown field", "other: unknown field"]],
  ])("%j", (config, expected) => {
    expect(problems(config)).toEqual(expected);
  });

  it("are warnings when not strict", () => {
    expect(read({ greting: "x", http: [{ weight: 0 }] }, false)).toEqual([
      DEFAULTS,
      "warning: http[0].weight: never chosen",
      'warning: greting: unknown field, did you mean "greeting"?',
    ]);
  });
});

describe("durations", () => {
  const parse = (text: unknown) => module.text("duration", JSON.stringify([text]));

  it.each<[string, string]>([
    ["0", "0"],
    ["0s", "0"],
    ["1s", "1000000000"],
    ["1.5s", "1500000000"],
    ["3.000000001s", "3000000001"],
    ["0.0000000019s", "1"],
    ["300ms", "300000000"],
    ["5us", "5000"],
    ["7ns", "7"],
    ["1h", "3600000000000"],
    ["1h30m1.5s", "5401500000000"],
    ["1.5h", "5400000000000"],
    ["-2m", "-120000000000"],
    ["+1s", "1000000000"],
    [".5s", "500000000"],
    ["1.s", "1000000000"],
    ["2562047h", "9223369200000000000"],
    ["9223372036.854775807s", "9223372036854775807"],
  ])("%s", (text, ns) => {
    expect(parse(text)).toBe(ns);
  });

  it.each([
    "",
    "1",
    "s",
    "1x",
    "1 s",
    " 1s",
    "1s ",
    ".s",
    "1.2.3s",
    "1sm",
    "--1s",
    "-",
    "1e3s",
    "2562048h",
    "9223372037s",
    "99999999999999999999s",
    "1ss",
  ])("not %j", (text) => {
    expect(parse(text)).toBe(`[0]: expected a duration such as "1.5s", found the string ${JSON.stringify(text)}`);
  });
});

it("reads numbers of any size without rounding what an integer can hold", () => {
  const numbers = (text: string) => module.text("numbers", `[${text}]`);
  expect(numbers("12.0")).toBe("12,12.0");
  expect(numbers('"0.25"')).toBe('0,0.0, [0]: expected an integer, found the string "0.25"'.replace("0.0,", "0.25,"));
  expect(numbers("1e400")).toBe("0,0.0, [0]: expected an integer, found the number 1e400");
});

describe("the hash", () => {
  const hash = (text: string) => module.text("hash", text)!;
  const base = '{"a":[1,{"b":"é"}],"c":null}';

  it.each(['{"c":null,"a":[1,{"b":"é"}]}', ' { "a" : [ 1 , { "b" : "\\u00e9" } ] , "\\u0063" : null } '])(
    "is the same for what says the same: %s",
    (text) => expect(hash(text)).toBe(hash(base)),
  );

  it("is another for what says anything else", () => {
    const others = [
      ...['{"a":[1,{"b":"e"}],"c":null}', '{"a":[{"b":"é"},1],"c":null}', '{"a":[1,{"b":"é"}],"c":"null"}'],
      ...['{"a":["1",{"b":"é"}],"c":null}', '{"c":[1,{"b":"é"}],"a":null}', '{"a":[1,{"b":"é"}]}'],
      ...['{"a":[1,["b","é"]],"c":null}', '{"a":[[1,{"b":"é"}]],"c":null}', '{"a":[1],"b":"é","c":null}'],
      ...["{}", "[]", "[{}]", "[[]]", "[[],[]]", "", "null"],
    ];
    expect(new Set([base, ...others].map(hash)).size).toBe(others.length + 1);
  });
});

describe("bounds", () => {
  it("never traps, whatever the document", () => {
    const next = random(11);
    const names = ["a", "aB", "a_b", "b", "c", "d", "e", "", "A", "longer name é"];
    const value = (depth: number): unknown => {
      switch (next(depth ? 9 : 7)) {
        case 0:
          return null;
        case 1:
          return next(2) === 0;
        case 2:
          return ["1s", "x", "1", "ALLOW", "", "\u0000", "-0.5", "1e999", "é".repeat(50)][next(9)];
        case 7:
          return Array.from({ length: next(4) }, () => value(depth - 1));
        case 8:
          return Object.fromEntries(
            Array.from({ length: next(6) }, () => [names[next(names.length)], value(depth - 1)]),
          );
        default:
          return [1, -1, 0.5, 1e300, 2 ** 60][next(5)];
      }
    };
    for (let i = 0; i < 5000; i++) module.call("walk", JSON.stringify(value(5)));
    for (let i = 0; i < 5000; i++)
      module.call(
        "walk",
        Uint8Array.from({ length: next(20) }, () => next(256)),
      );
    module.call("walk", "[".repeat(128) + "]".repeat(128));
    module.call("walk", '{"a":'.repeat(128) + "1" + "}".repeat(128));
  });

  it("takes memory in proportion to a large configuration", () => {
    const route = (i: number) => ({ match: [{ uri: { prefix: `/${i % 10}` } }], weight: 100 });
    const pages = module.exports["pages"] as () => number;
    const text = JSON.stringify({ http: Array.from({ length: 5000 }, (_, i) => route(i)) });
    const before = pages();
    expect(module.call("routes", text)).toBe(5000 * 102);
    expect((pages() - before) * 65536).toBeLessThan(text.length * 32);
  });
});
