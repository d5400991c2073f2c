import { xxHash64 } from "./xxhash64";

function hash(text: string, seed: u64 = 0): u64 {
  const bytes = String.UTF8.encode(text);
  return xxHash64(changetype<usize>(bytes), bytes.byteLength, seed);
}

describe("xxHash64", () => {
  it("has the published values", () => {
    expect(hash("")).toBe(0xef46db3751d8e999);
    expect(hash("a")).toBe(0xd24ec4f1a98c6e5b);
    expect(hash("abc")).toBe(0x44bc2cf5ad770999);
    expect(hash("0123456789abcdef0123456789abcdef0123456789")).toBe(0xa76190c3acf08a1c);
  });

  it("depends on the seed", () => {
    expect(hash("", 42)).toBe(0x98b1582b0977e704);
    expect(hash("a", 42)).toBe(0x88e4fe59adf7b0cc);
    expect(hash("abc", 42)).toBe(0x13c1d910702770e6);
    expect(hash("0123456789abcdef0123456789abcdef0123456789", 42)).toBe(0xec3fafab8cf27c18);
  });
});
