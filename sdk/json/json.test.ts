import { isDeepStrictEqual } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { random, TestModule } from "./test-module.ts";
import { fuzzInputs } from "../../test/fuzz-inputs.ts";

let module: TestModule;
beforeAll(async () => {
  module = await TestModule.compile(import.meta.url);
}, 60_000);

const error = (text: string | Uint8Array, allowDuplicates = false) =>
  module.text("parse", text, allowDuplicates ? 1 : 0);

/** The values as the module reads them, in the form of {@link tagged}. */
const read = (): unknown => JSON.parse(module.text("dump", "")!);

/** `value` with strings as `s…` and numbers as `n` and their bits, so that -0 and rounding show. */
function tagged(value: unknown): unknown {
  if (typeof value === "string") return `s${value}`;
  if (typeof value === "number") {
    const bits = new DataView(new ArrayBuffer(8));
    bits.setFloat64(0, value);
    return `n${bits.getBigUint64(0).toString(16)}`;
  }
  if (Array.isArray(value)) return value.map(tagged);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [`s${key}`, tagged(member)]));
}

function javascript(text: string): { value: unknown } | null {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return null;
  }
}

describe("accepts what JSON.parse accepts, with the same values", () => {
  it.each([
    ...[
      "{}",
      "[]",
      "null",
      "true",
      "false",
      "0",
      "-0",
      "-0.0",
      '""',
      " \t\r\n1 ",
      "[[],{}]",
      '{"":0}',
      '{"a":{"b":[1,"x",null]}}',
    ],
    ...[
      "1e400",
      "-1e400",
      "1e-400",
      "1.7976931348623157e308",
      "1.7976931348623159e308",
      "4.9e-324",
      "2.5e-324",
      "2.4e-324",
    ],
    ...[
      "0.1",
      "1E5",
      "1e+5",
      "123456789012345678901234567890",
      "9007199254740993",
      "0.3e1",
      "8e1",
      "80.0",
      "1e23",
      "5e-324",
    ],
    ...[
      "2.2250738585072011e-308",
      "2.2250738585072014e-308",
      "9007199254740992.5",
      "1e22",
      "1e-22",
      "0e999999999999",
      "0.000",
    ],
    ...[
      '"\\u0000"',
      '"\\"\\\\\\/\\b\\f\\n\\r\\t"',
      '"\\u00e9\\u20AC\\ud83d\\ude00"',
      '"é€😀"',
      '"\u007f\u2028"',
      '"a\\u0041b\\nc"',
    ],
    ...[
      "[1,2",
      "[1,]",
      "[,1]",
      "[1 2]",
      "{",
      '{"a"',
      '{"a":',
      '{"a":1,',
      '{"a":1,}',
      "{a:1}",
      "{'a':1}",
      '{"a" 1}',
      "{,}",
      "]",
      "}",
    ],
    ...[
      "01",
      "-",
      "+1",
      "1.",
      ".5",
      "1e",
      "1e+",
      "0x1",
      "1_0",
      "NaN",
      "Infinity",
      "-Infinity",
      "--1",
      "1-",
      "- 1",
      "1.e1",
      "-01",
    ],
    ...[
      "tru",
      "True",
      "nul",
      "nulll",
      "truefalse",
      "falsey",
      "undefined",
      "",
      " ",
      "\n",
      "\0",
      "1\0",
      "[1]x",
      "1 2",
      "{} {}",
    ],
    ...[
      '"',
      '"a',
      '"\\',
      '"\\u',
      '"\\u12',
      '"\\u12g4"',
      '"\\x"',
      '"\\U0041"',
      '"\n"',
      '"\t"',
      '"\u001f"',
      "\ufeff1",
      "/**/1",
      "[1]//",
      "\u00a01",
    ],
    ...["[".repeat(128) + "]".repeat(128)],
  ])("%j", (text) => {
    const expected = javascript(text);
    const found = error(text);
    expect(found === null).toBe(expected !== null);
    if (expected) expect(read()).toEqual(tagged(expected.value));
  });

  it("on documents cut off at each byte", () => {
    const text = '{"é":[1.5e-3,"\\ud83d\\ude00",true,null,{"b":false}],"c":"x"}';
    const bytes = Buffer.from(text);
    expect(error(text)).toBeNull();
    for (let i = 0; i < bytes.length; i++) {
      expect(error(bytes.subarray(0, i))).toMatch(/^line 1, column \d+: expected .*, found .*$/u);
    }
  });

  it("on random documents and their mutations", () => {
    const next = random(42);
    const pieces = [
      '"',
      "\\",
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      "0",
      "1",
      "-",
      ".",
      "e",
      "E",
      "+",
      " ",
      "\n",
      "true",
      "null",
      '"a"',
      "u00e9",
      "é",
    ];
    const value = (depth: number): string => {
      const space = next(4) ? "" : " \n";
      switch (next(depth ? 8 : 6)) {
        case 0:
          return space + ["true", "false", "null"][next(3)]!;
        case 1:
          return `${space}"${["", "a", "\\n", "é", "\\u00e9", "\\ud83d\\ude00", "long text of more than eight bytes", "\\\\", "1234567\\t"][next(9)]!}"`;
        case 6:
          return `[${Array.from({ length: next(5) }, () => value(depth - 1)).join(",")}]${space}`;
        case 7:
          return `{${Array.from({ length: next(25) }, (_, i) => `${space}"k${i}${next(2) ? "é" : ""}":${value(depth - 1)}`).join(",")}}`;
        default:
          return `${next(2) ? "-" : ""}${next(1000)}${next(2) ? `.${next(100000)}` : ""}${next(3) ? "" : `e${next(2) ? "-" : ""}${next(330)}`}`;
      }
    };
    const failures: string[] = [];
    for (let i = 0; i < 3000; i++) {
      let text = value(4);
      for (let j = next(3); j > 0; j--) {
        const at = next(text.length + 1);
        text = text.slice(0, at) + (next(3) ? pieces[next(pieces.length)]! : "") + text.slice(at + next(2));
      }
      if (!text.isWellFormed()) continue;
      const expected = javascript(text);
      const found = error(text, true);
      const loneSurrogate = expected !== null && found !== null && /surrogate pair/u.test(found);
      if ((found === null) !== (expected !== null) && !loneSurrogate)
        failures.push(`${JSON.stringify(text)}: ${found}`);
      else if (!found && !isDeepStrictEqual(read(), tagged(expected!.value))) failures.push(JSON.stringify(text));
    }
    expect(failures.slice(0, 5)).toEqual([]);
  });

  it("on doubles of all sizes, to the last bit", () => {
    const next = random(3);
    const view = new DataView(new ArrayBuffer(8));
    const numbers: string[] = [];
    for (let i = 0; i < 4000; i++) {
      view.setUint32(0, next(2 ** 31) * 2 + next(2));
      view.setUint32(4, next(2 ** 31) * 2 + next(2));
      const value = view.getFloat64(0);
      if (!Number.isFinite(value)) continue;
      numbers.push(
        String(value),
        value.toPrecision(17),
        value.toPrecision(30),
        `${next(1e9)}${next(1e9)}e${next(640) - 330}`,
      );
    }
    // Half-way between two doubles, and a digit more or less far behind.
    const half = (2n ** 53n + 1n).toString();
    numbers.push(
      half,
      `${half}.${"0".repeat(800)}1`,
      `${half}.${"0".repeat(800)}`,
      `1${"0".repeat(400)}e-400`,
      `0.${"0".repeat(400)}1e400`,
    );
    const tiny = (5n ** 1075n).toString(); // half of the smallest double is 5^1075 / 10^1075
    numbers.push(`${tiny}e-1075`, `${tiny}1e-1076`, `${tiny.slice(0, -1)}4e-1075`);
    for (let i = 0; i < numbers.length; i += 100) {
      const text = `[${numbers.slice(i, i + 100).join(",")}]`;
      expect(error(text)).toBeNull();
      expect(read()).toEqual(tagged(JSON.parse(text)));
    }
  });
});

describe("is stricter than JSON.parse", () => {
  it.each<[string, string]>([
    ['"\\ud800"', "line 1, column 8: expected a surrogate pair, found '\"'"],
    ['"\\udc00"', "line 1, column 4: expected a surrogate pair, found 'd'"],
    ['"\\ud800\\u0041"', "line 1, column 10: expected a surrogate pair, found '0'"],
    ['{"a":1,"b":2,"a":3}', 'line 1, column 14: expected each name once, found "a" again'],
    ['{"a":1,\n "\\u0061":3}', 'line 2, column 2: expected each name once, found "a" again'],
    ["[".repeat(129), "line 1, column 129: expected at most 128 levels, found '['"],
  ])("%s", (text, message) => {
    expect(error(text)).toBe(message);
  });

  it("finds a duplicate among thousands, whatever their hashes", () => {
    for (const name of [(i: number) => `name-${i}`, (i: number) => `${"x".repeat(i % 50)}${i}`]) {
      const members = Array.from({ length: 5000 }, (_, i) => `"${name(i)}":${i}`);
      expect(error(`{${members.join(",")}}`)).toBeNull();
      expect(error(`{${members.join(",")},"${name(77)}":0}`)).toContain(`found "${name(77)}" again`);
    }
  });

  it("lets the last duplicate count when told to", () => {
    expect(error('{"a":1,"a":2}', true)).toBeNull();
  });

  it.each<[string, number[], string]>([
    ["a lone continuation byte", [0x80], "line 1, column 2: expected valid UTF-8, found the byte 0x80"],
    ["an overlong form", [0xc0, 0xaf], "line 1, column 2: expected valid UTF-8, found the byte 0xC0"],
    [
      "an overlong form of three bytes",
      [0xe0, 0x80, 0xaf],
      "line 1, column 2: expected valid UTF-8, found the byte 0xE0",
    ],
    ["a surrogate", [0xed, 0xa0, 0x80], "line 1, column 2: expected valid UTF-8, found the byte 0xED"],
    ["more than U+10FFFF", [0xf4, 0x90, 0x80, 0x80], "line 1, column 2: expected valid UTF-8, found the byte 0xF4"],
    ["a character cut off", [0xc3, 0xa9, 0xe2, 0x82], "line 1, column 3: expected valid UTF-8, found the byte 0xE2"],
  ])("in a string: %s", (_what, bytes, message) => {
    expect(error(Uint8Array.of(0x22, ...bytes, 0x22))).toBe(message);
  });
});

describe("says what is wrong where", () => {
  it.each<[string, string]>([
    ["", "line 1, column 1: expected a value, found the end of the text"],
    ["\ufeff{}", "line 1, column 1: expected a value, found a byte order mark"],
    ['{\n  "a": 1\n  "b": 2\n}', "line 3, column 3: expected ',' or '}' after a member, found '\"'"],
    ['{"é😀":1,}', "line 1, column 9: expected a name in double quotes, found '}'"],
    ["[1\n2]", "line 2, column 1: expected ',' or ']' after an element, found '2'"],
    ['{"a"=1}', "line 1, column 5: expected ':', found '='"],
    ["{“a”:1}", "line 1, column 2: expected a name in double quotes, found '“'"],
    ['{"a":"b\n"}', "line 1, column 8: expected '\"', found a line break"],
    ['"\\q"', "line 1, column 3: expected one of \"\\/bfnrtu, found 'q'"],
    ['"\\u00zz"', "line 1, column 4: expected four hex digits, found '0'"],
    ["[1] [", "line 1, column 5: expected the end, found '['"],
    ["1.x", "line 1, column 3: expected a digit, found 'x'"],
    ["\u0007", "line 1, column 1: expected a value, found the byte 0x07"],
  ])("%j", (text, message) => {
    expect(error(text)).toBe(message);
  });
});

describe("integers are exact", () => {
  it.each<[string, string, string]>([
    ["80", "80", "80"],
    ["80.0", "80", "80"],
    ["8e1", "80", "80"],
    ["800e-1", "80", "80"],
    ["0.08e3", "80", "80"],
    ["-0", "0", "0"],
    ["0e99999999999", "0", "0"],
    ["0.0", "0", "0"],
    ["9223372036854775807", "9223372036854775807", "9223372036854775807"],
    ["9223372036854775808", "out of range", "9223372036854775808"],
    ["-9223372036854775808", "-9223372036854775808", "out of range"],
    ["-9223372036854775809", "out of range", "out of range"],
    ["18446744073709551615", "out of range", "18446744073709551615"],
    ["18446744073709551616", "out of range", "out of range"],
    ["1.8446744073709551615e19", "out of range", "18446744073709551615"],
    ["1e19", "out of range", "10000000000000000000"],
    ["1e20", "out of range", "out of range"],
    ["1e999999999999", "out of range", "out of range"],
    ["100000000000000000000e-20", "1", "1"],
    ["1.5", "not an integer", "not an integer"],
    ["15e-1", "not an integer", "not an integer"],
    ["1e-999999999999", "not an integer", "not an integer"],
    ["-1", "-1", "out of range"],
    ['"80"', "not a number", "not a number"],
    ["null", "not a number", "not a number"],
    ["[", "not a number", "not a number"],
  ])("%s", (text, signed, unsigned) => {
    expect([module.text("i64Of", text), module.text("u64Of", text)]).toEqual([signed, unsigned]);
  });

  it("tells when a double overflows", () => {
    expect(["1e308", "1e309", "-1e309", "1e-400", '"1"'].map((text) => module.text("f64StatusOf", text))).toEqual([
      "ok",
      "+out of range",
      "-out of range",
      "ok",
      "not a number",
    ]);
  });
});

it("never traps on random bytes, and keeps its memory", () => {
  const next = random(5);
  const likely = Buffer.from('{}[]",:\\u0019-.eE truefalsn\ud83d\n');
  const bytes = () => Uint8Array.from({ length: next(40) }, () => (next(4) ? likely[next(likely.length)]! : next(256)));
  for (let i = 0; i < 1000; i++) error(bytes());
  const pages = module.exports["pages"] as () => number;
  const before = pages();
  for (let i = 0; i < fuzzInputs(50_000); i++) error(bytes(), next(2) === 0);
  expect(pages()).toBe(before);
});
