import { beforeAll, describe, expect, it } from "vitest";
import { random, TestModule } from "../json/test-module.ts";
import { fuzzInputs } from "../../test/fuzz-inputs.ts";

let module: TestModule;
beforeAll(async () => {
  module = await TestModule.compile(import.meta.url);
});

const read = (hex: string) => module.text("read", Buffer.from(hex.replaceAll(" ", ""), "hex"));
const skip = (hex: string) => module.text("skip", Buffer.from(hex.replaceAll(" ", ""), "hex"));

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

const littleEndian = (value: bigint, size: number) =>
  Array.from({ length: size }, (_, index) => Number((value >> BigInt(8 * index)) & 255n));
const zigzag = (value: bigint, bits: number) => BigInt.asUintN(bits, (value << 1n) ^ (value >> BigInt(bits - 1)));
const block = (field: number, bytes: readonly number[]) => [
  ...varint(BigInt(field * 8 + 2)),
  ...varint(BigInt(bytes.length)),
  ...bytes,
];

describe("reading", () => {
  it.each([
    ["", "|"],
    ["08 96 01", "1:150;|089601"],
    ["0a 00", "byte 0: field 1 has wire type 2, not 0"],
    ["08 ff ff ff ff ff ff ff ff ff 01", "1:18446744073709551615;|08ffffffffffffffffff01"],
    ["08 80 80 00", "1:0;|0800"],
    ["10 01", "2:-1;|1001"],
    ["32 07 74 65 73 74 69 6e 67", "6:testing;|320774657374696e67"],
    ["32 01 ff", "6:\ufffd;|3203efbfbd"],
    ["3a 03 08 96 01", "7:{1:150;};|3a03089601"],
    ["42 06 03 8e 02 9e a7 05", "8:[3,270,86942];|4206038e029ea705"],
    ["40 03 40 8e 02", "8:[3];8:[270];|42010342028e02"],
    ["58 ff ff ff ff ff ff ff ff ff 01", "11:-1;|58ffffffffffffffffff01"],
    ["f8 ff ff ff 0f 01", "536870911:?;|"],
  ])("of %s gives %s", (hex, expected) => {
    expect(read(hex)).toBe(expected);
  });
});

describe("a broken message", () => {
  it.each([
    ["08", "byte 0: the message ends within a number"],
    ["08 01 80", "byte 2: the message ends within a number"],
    ["08 ff ff ff ff ff ff ff ff ff 02", "byte 0: a number has more than 64 bits"],
    ["08 80 80 80 80 80 80 80 80 80 80 00", "byte 0: a number has more than 64 bits"],
    ["00 01", "byte 0: there is no field 0"],
    ["80 80 80 80 10 01", "byte 0: there is no field 536870912"],
    ["08 01 1b 1c", "byte 2: field 3 has wire type 3"],
    ["0e", "byte 0: field 1 has wire type 6"],
    ["19 01 02", "byte 0: field 3 needs 8 bytes, 2 are left"],
    ["25 01", "byte 0: field 4 needs 4 bytes, 1 are left"],
    ["2a 05 01", "byte 0: field 5 needs 5 bytes, 1 are left"],
    ["2a ff ff ff ff ff ff ff ff ff 01", "byte 0: field 5 needs 18446744073709551615 bytes, 0 are left"],
    ["08 01 3a 02 08 80 08 01", "byte 4: the message ends within a number"],
    ["42 02 01 80", "byte 0: the message ends within a number"],
  ])("%s is told: %s", (hex, error) => {
    expect(read(hex)).toBe(error);
  });

  it("is told as well when its fields are only skipped", () => {
    expect(skip("08 01 1a 03 01 02 03 22 01 01 2d 00 00 00 00")).toBe("4");
    expect(skip("08 01 1a 03 01")).toBe("byte 2: field 3 needs 3 bytes, 1 are left");
  });

  it("is told when a value is read as another type", () => {
    expect(module.text("readAsText", Buffer.from([0x08, 0x01]))).toBe("byte 0: field 1 has wire type 0, not 2");
  });

  it("may be nested 100 deep, not deeper, at no cost in memory", () => {
    const nested = (depth: number) => {
      let bytes: number[] = [8, 1];
      for (let level = 0; level < depth; level++) bytes = block(7, bytes);
      return Buffer.from(bytes).toString("hex");
    };
    expect(read(nested(100))).toContain("1:1;");
    expect(read(nested(101))).toMatch(/^byte \d+: messages are nested more than 100 deep$/);
  });
});

interface Message {
  bytes: number[];
  text: string;
}

/** A message with every kind of field, and what reading it shows. */
function randomMessage(next: (limit: number) => number, depth: number): Message {
  const bytes: number[] = [];
  let text = "";
  const add = (field: number, shown: string, value: readonly number[]) => {
    bytes.push(...value);
    text += `${field}:${shown};`;
  };
  const bits = (size: number) => {
    let value = 0n;
    for (let index = 0; index < 4; index++) value = (value << 16n) | BigInt(next(65536));
    return value >> BigInt(64 - Math.max(1, next(size + 1)));
  };
  const signed = (size: number) => BigInt.asIntN(size, next(2) === 0 ? bits(size) : -bits(size));
  for (let count = next(8); count > 0; count--) {
    const field = 1 + next(depth > 0 ? 13 : 6);
    const wide = bits(64);
    const narrow = bits(32);
    if (field === 1) add(1, `${wide}`, [8, ...varint(wide)]);
    else if (field === 2) {
      const value = signed(64);
      add(2, `${value}`, [16, ...varint(zigzag(value, 64))]);
    } else if (field === 3) add(3, `${wide}`, [25, ...littleEndian(wide, 8)]);
    else if (field === 4) add(4, `${narrow}`, [37, ...littleEndian(narrow, 4)]);
    else if (field === 5) {
      const value = Array.from({ length: next(300) }, () => next(256));
      add(5, Buffer.from(value).toString("hex"), block(5, value));
    } else if (field === 6) {
      const value = ["", "a", "grüße", "𝄞", "x".repeat(next(200))][next(5)]!;
      add(6, value, block(6, [...Buffer.from(value)]));
    } else if (field === 7) {
      const inner = randomMessage(next, depth - 1);
      add(7, `{${inner.text}}`, block(7, inner.bytes));
    } else if (field === 8) {
      const values = Array.from({ length: next(20) }, () => bits(64));
      add(8, `[${values.join(",")}]`, block(8, values.flatMap(varint)));
    } else if (field === 9) {
      const value = next(2);
      add(9, value === 1 ? "true" : "false", [72, value]);
    } else if (field === 10) add(10, `${wide}`, [81, ...littleEndian(wide, 8)]);
    else if (field === 11) {
      const value = signed(32);
      add(11, `${value}`, [88, ...varint(value)]);
    } else if (field === 12) {
      const value = signed(32);
      add(12, `${value}`, [96, ...varint(zigzag(value, 32))]);
    } else add(13, `${narrow}`, [109, ...littleEndian(narrow, 4)]);
  }
  return { bytes, text };
}

describe("random messages", () => {
  it("are read and written as an encoder in Node writes them", () => {
    const next = random(7);
    for (let round = 0; round < 2000; round++) {
      const { bytes, text } = randomMessage(next, 3);
      expect(module.text("read", Buffer.from(bytes))).toBe(`${text}|${Buffer.from(bytes).toString("hex")}`);
    }
  });

  it("that are cut off or altered never trap and need no more memory", () => {
    const readAll = () => {
      const next = random(8);
      for (let round = 0; round < fuzzInputs(6000); round++) {
        const { bytes } = randomMessage(next, 3);
        const broken = Buffer.from(bytes.slice(0, next(bytes.length + 1)));
        for (let slips = next(4); slips > 0 && broken.length > 0; slips--) broken[next(broken.length)] = next(256);
        expect(module.text("read", broken)).toMatch(/^byte \d+: |\|[0-9a-f]*$/);
      }
    };
    readAll();
    const pages = module.call("pages", "");
    readAll();
    expect(module.call("pages", "")).toBe(pages);
  });
});
