import { sipHash } from "./sip-hash";

function hash(text: string, low: u64 = 0, high: u64 = 0): u64 {
  const bytes = String.UTF8.encode(text);
  return sipHash(changetype<usize>(bytes), bytes.byteLength, low, high);
}

describe("sipHash", () => {
  it("has the values that Python's siphash13 has under the key zero", () => {
    expect(hash("a")).toBe(0x407448d2b89b1813);
    expect(hash("abcdefg")).toBe(0x6db12aae9070f506);
    expect(hash("abcdefgh")).toBe(0x3f7b849c0b8e35ea);
    expect(hash("abcdefghi")).toBe(0xf89b34a3d11eb6e5);
    expect(hash("x".repeat(33))).toBe(0x2b6ef27943911384);
  });

  it("depends on all of the key", () => {
    expect(hash("", 0x0706050403020100, 0x0f0e0d0c0b0a0908)).toBe(0xabac0158050fc4dc);
    expect(hash("a", 1)).not.toBe(hash("a"));
    expect(hash("a", 0, 1)).not.toBe(hash("a"));
  });
});
