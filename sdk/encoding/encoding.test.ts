import { beforeAll, describe, expect, it } from "vitest";
import { random, TestModule } from "../json/test-module.ts";
import { fuzzInputs } from "../../test/fuzz-inputs.ts";

let module: TestModule;
beforeAll(async () => {
  module = await TestModule.compile(import.meta.url);
}, 60_000);

const result = (size: number) =>
  Buffer.from(module.exports.memory.buffer, (module.exports["outputStart"] as () => number)(), size);
const encode = (name: string, bytes: Uint8Array) => result(module.call(name, bytes)).toString("latin1");

/** The bytes, or the offset of what is wrong. */
function decode(name: string, text: string): Buffer | number {
  const size = module.call(name, Buffer.from(text, "latin1"));
  return size < 0 ? ~size : Buffer.from(result(size));
}

const kinds = [
  ["Base64", "base64"],
  ["Base64Url", "base64url"],
  ["Hex", "hex"],
] as const;

describe.each(kinds)("%s", (name, encoding) => {
  it("encodes as Node does, and decodes that again", () => {
    const next = random(1);
    for (let round = 0; round < 2_000; round++) {
      const bytes = Buffer.from(Array.from({ length: next(70) }, () => next(256)));
      const text = encode(`to${name}`, bytes);
      expect(text).toBe(bytes.toString(encoding));
      expect(decode(`from${name}`, text)).toEqual(bytes);
    }
  });

  it("never traps, and accepts exactly one text for each sequence of bytes, but for the case of hexadecimal digits", () => {
    const next = random(2);
    const characters = encoding === "hex" ? "0189afgG /:@`" : "ABQgwx09+/-_==\n @[`{";
    let accepted = 0;
    for (let round = 0; round < fuzzInputs(100_000); round++) {
      const text = Array.from({ length: next(10) }, () => characters[next(characters.length)]).join("");
      const bytes = decode(`from${name}`, text);
      if (typeof bytes === "number") {
        expect(bytes, text).toBeLessThanOrEqual(text.length);
        expect(Buffer.from(text, encoding).toString(encoding) === text, text).toBe(false);
      } else {
        accepted += 1;
        expect(bytes.toString(encoding), text).toBe(text);
      }
    }
    expect(accepted).toBeGreaterThan(1_000);
  });

  it("decodes each byte in each place as Node does, or refuses it where it stands", () => {
    const valid = encoding === "hex" ? "0a1b2c3d" : "QUJDREEE";
    for (let at = 0; at < valid.length; at++) {
      for (let byte = 0; byte < 256; byte++) {
        const text = valid.slice(0, at) + String.fromCharCode(byte) + valid.slice(at + 1);
        const canonical =
          Buffer.from(text, encoding).toString(encoding) === (encoding === "hex" ? text.toLowerCase() : text);
        const decoded = decode(`from${name}`, text);
        if (canonical) expect(decoded).toEqual(Buffer.from(text, encoding));
        else expect(decoded, text).toBe(at);
      }
    }
  });
});

describe("says where the error is", () => {
  it.each([
    ["fromBase64", "QQ", 2],
    ["fromBase64", "QQ=", 2],
    ["fromBase64", "QQ==", "A"],
    ["fromBase64", "QUI=", "AB"],
    ["fromBase64", "QR==", 1],
    ["fromBase64", "QUJ=", 2],
    ["fromBase64", "Q===", 1],
    ["fromBase64", "QUJD=", 4],
    ["fromBase64", "QUJD====", 4],
    ["fromBase64", "=", 0],
    ["fromBase64", "QQ==QQ==", 2],
    ["fromBase64", "QU\nJD", 2],
    ["fromBase64", "QU-_", 2],
    ["fromBase64Url", "QQ", "A"],
    ["fromBase64Url", "QQ==", 2],
    ["fromBase64Url", "QR", 1],
    ["fromBase64Url", "QUJ", 2],
    ["fromBase64Url", "QUJDR", 5],
    ["fromBase64Url", "QU+/", 2],
    ["fromBase64Url", "", ""],
    ["fromHex", "4", 1],
    ["fromHex", "4x", 1],
    ["fromHex", "4aF0", "J\xf0"],
  ])("%s %j: %j", (name, text, expected) => {
    const decoded = decode(name, text);
    expect(typeof decoded === "number" ? decoded : decoded.toString("latin1")).toBe(expected);
  });
});

it("decodes in place", () => {
  const bytes = Buffer.from(Array.from({ length: 100 }, (_, index) => index * 7));
  const size = module.call("fromBase64UrlInPlace", bytes.toString("base64url"));
  expect(Buffer.from(result(size))).toEqual(bytes);
});

describe("a view", () => {
  it("becomes text in each encoding, and is made of it", () => {
    for (const size of [0, 1, 2, 3, 31, 32, 33, 5000]) {
      const bytes = Buffer.from(Array.from({ length: size }, (_, at) => (at * 71) & 0xff));
      const hex = bytes.toString("hex");
      const expected = [hex, bytes.toString("base64"), bytes.toString("base64url"), hex, hex, hex];
      expect(module.text("viewTexts", bytes)).toBe(expected.join());
    }
  });

  it.each([
    ["AAAA", "aaaa,000000,000000"],
    ["AA==", "null,00,null"],
    ["AA", "aa,null,00"],
    ["-_", "null,null,null"],
    ["-_8", "null,null,fbff"],
    ["+/8=", "null,fbff,null"],
    ["a", "null,null,null"],
    [" AAAA", "null,null,null"],
    ["", ",,"],
  ])("is not made of what is no such text: %j", (text, expected) => {
    expect(module.text("readTexts", text)).toBe(expected);
  });
});
