import { resetArena } from "./arena";
import { decodeText, encodeText, isText, TextFlags, textFlags, textSize } from "./utf8";

function roundTrip(text: string): string {
  const encoded = encodeText(text);
  return decodeText(encoded, textSize(encoded));
}

/** A string that is not a literal. */
function dynamic(text: string): string {
  return text + String.fromCharCode(0x21);
}

function decodeBytes(bytes: u8[]): string {
  return decodeText(bytes.dataStart, bytes.length);
}

describe("encodeText", () => {
  it("gives back the same text", () => {
    expect(roundTrip("")).toBe("");
    expect(roundTrip("plain")).toBe("plain");
    expect(roundTrip("é ß € 😀 \u{10ffff}")).toBe("é ß € 😀 \u{10ffff}");
    expect(roundTrip(dynamic("x: 😀"))).toBe("x: 😀!");
  });

  it("encodes a literal only once, and any other string anew", () => {
    const name = "x-same-literal";
    expect(encodeText(name)).toBe(encodeText(name));
    const made = dynamic("x-made");
    expect(encodeText(made)).not.toBe(encodeText(made));
    resetArena();
  });

  it("writes a lone surrogate as U+FFFD", () => {
    expect(roundTrip(String.fromCharCode(0xd800) + "a")).toBe("\ufffda");
    expect(roundTrip("a" + String.fromCharCode(0xdc00))).toBe("a\ufffd");
  });

  it("tells what must not stand in a header", () => {
    expect(textFlags(encodeText("plain")) & TextFlags.Unsafe).toBe(0);
    expect(textFlags(encodeText("a\nb")) & TextFlags.Unsafe).not.toBe(0);
    expect(textFlags(encodeText("a\rb")) & TextFlags.Unsafe).not.toBe(0);
    expect(textFlags(encodeText("a\0b")) & TextFlags.Unsafe).not.toBe(0);
    expect(textFlags(encodeText("x-Upper")) & TextFlags.UpperCase).not.toBe(0);
    expect(textFlags(encodeText("@[`{")) & TextFlags.UpperCase).toBe(0);
  });

  it("compares bytes with text", () => {
    const encoded = encodeText("é");
    expect(isText(encoded, 2, "é")).toBe(true);
    expect(isText(encoded, 1, "é")).toBe(false);
    expect(isText(encoded, 0, "")).toBe(true);
  });
});

describe("decodeText", () => {
  it("replaces each maximal ill-formed part by U+FFFD (WHATWG Encoding)", () => {
    expect(decodeBytes([0x61, 0xff, 0x62])).toBe("a\ufffdb");
    expect(decodeBytes([0xc0, 0xaf])).toBe("\ufffd\ufffd");
    expect(decodeBytes([0xe2, 0x82])).toBe("\ufffd");
    expect(decodeBytes([0xe2, 0x82, 0x61])).toBe("\ufffda");
    expect(decodeBytes([0xf0, 0x9f, 0x98])).toBe("\ufffd");
    expect(decodeBytes([0xed, 0xa0, 0x80])).toBe("\ufffd\ufffd\ufffd");
    expect(decodeBytes([0xf4, 0x90, 0x80, 0x80])).toBe("\ufffd\ufffd\ufffd\ufffd");
    expect(decodeBytes([0x80])).toBe("\ufffd");
  });
});
