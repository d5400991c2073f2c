import { beforeAll, describe, expect, it } from "vitest";
import { random, TestModule } from "../json/test-module.ts";

/** How many bytes are UTF-8, by Node's decoder. */
function expectedSize(bytes: Uint8Array): number {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for (let size = bytes.length; size > 0; size--) {
    try {
      decoder.decode(bytes.subarray(0, size));
      return size;
    } catch {
      continue;
    }
  }
  return 0;
}

describe.each([
  ["without SIMD", []],
  ["with SIMD", ["--enable", "simd"]],
])("validUtf8Size %s", (_name, options) => {
  let module: TestModule;
  beforeAll(async () => {
    module = await TestModule.compile(import.meta.url, undefined, options);
  }, 60_000);

  it("accepts every code point but surrogates, and nothing cut short", () => {
    for (let code = 0; code < 0x110000; code += code < 0x3000 ? 1 : 7) {
      const isSurrogate = (code & 0xfff800) === 0xd800;
      const bytes = isSurrogate
        ? Uint8Array.of(0xed, 0x80 | (code >> 6), 0x80 | (code & 63))
        : Buffer.from(String.fromCodePoint(code));
      const size = module.call("validSize", bytes);
      if (size !== (isSurrogate ? 0 : bytes.length)) throw new Error(`${code.toString(16)}: ${size}`);
      if (bytes.length > 1 && module.call("validSize", bytes.subarray(0, -1)) !== 0) throw new Error(code.toString(16));
    }
  });

  it("finds where any pair of bytes stops being UTF-8", () => {
    for (let first = 0x80; first < 0x100; first++) {
      for (let second = 0; second < 0x100; second++) {
        const bytes = Uint8Array.of(0x61, first, second, 0xbf, 0xbf);
        expect(module.call("validSize", bytes)).toBe(expectedSize(bytes));
      }
    }
  });

  it("agrees with TextDecoder on random text with flaws, at any alignment", () => {
    const next = random(3);
    const parts = ["a", "0123456789abcdef", "é", "€", "😀", "\u{10ffff}"];
    for (let round = 0; round < 5_000; round++) {
      let text = "";
      for (let count = next(20); count > 0; count--) text += parts[next(parts.length)]!;
      const bytes = Buffer.from(text);
      if (bytes.length > 0 && next(2) === 0) bytes[next(bytes.length)] = next(256);
      expect(module.call("validSize", bytes)).toBe(expectedSize(bytes));
    }
  });
});
