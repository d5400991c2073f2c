import { beforeAll, describe, expect, it } from "vitest";
import { random, TestModule } from "../json/test-module.ts";

let module: TestModule;
beforeAll(async () => {
  module = await TestModule.compile(import.meta.url, undefined, [], { proxy_call_foreign_function: () => 1 });
}, 60_000);

const P = 2n ** 255n - 19n;

const modulo = (value: bigint) => ((value % P) + P) % P;

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = modulo(base); exponent > 0n; exponent >>= 1n, square = (square * square) % P) {
    if (exponent & 1n) result = (result * square) % P;
  }
  return result;
}

const valueOf = (limbs: readonly number[]) =>
  limbs.reduce((value, limb, index) => value + (BigInt(limb) << BigInt(26 * index)), 0n);

const littleEndian = (bytes: Buffer) => BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);

function output(index: number): bigint {
  const start = (module.exports["outputStart"] as () => number)() + 32 * index;
  return littleEndian(Buffer.from(module.exports.memory.buffer, start, 32));
}

/** The largest sum that may be multiplied. */
const LARGEST = 2 ** 29 - 1;
/** Limbs of p, and of 2^260 - 1. */
const modulus = [2 ** 26 - 19, ...Array.from({ length: 8 }, () => 2 ** 26 - 1), 2 ** 21 - 1];
const ones = Array.from({ length: 10 }, () => 2 ** 26 - 1);

const edges: Record<string, readonly number[]> = {
  zero: Array.from({ length: 10 }, () => 0),
  one: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  "minus one": [-1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  p: modulus,
  "p - 1": modulus.map((limb, index) => (index === 0 ? limb - 1 : limb)),
  "p + 1": modulus.map((limb, index) => (index === 0 ? limb + 1 : limb)),
  "-p": modulus.map((limb) => -limb),
  "2p": modulus.map((limb) => 2 * limb),
  "2^255": [0, 0, 0, 0, 0, 0, 0, 0, 0, 2 ** 21],
  "2^260 - 1": ones,
  "-(2^260 - 1)": ones.map((limb) => -limb),
  "2^260": ones.map((limb, index) => (index === 0 ? limb + 1 : limb)),
  "the largest": Array.from({ length: 10 }, () => LARGEST),
  "the smallest": Array.from({ length: 10 }, () => -LARGEST),
  "largest and smallest in turn": Array.from({ length: 10 }, (_, index) => (index % 2 ? LARGEST : -LARGEST)),
};

function check(a: readonly number[], b: readonly number[]): void {
  module.call("fieldOperations", Buffer.from(Int32Array.of(...a, ...b).buffer));
  const [x, y] = [valueOf(a), valueOf(b)];
  const expected = [x + y, x - y, -x, x * y, x * x, power(x, P - 2n), power(x, (P - 5n) / 8n)].map(modulo);
  const found = expected.map((_, index) => output(index));
  expect(found, `${a.join()} and ${b.join()}`).toEqual(expected);
}

describe("numbers modulo 2^255 - 19", () => {
  it.each(Object.keys(edges))("calculate as big integers do, with %s", (name) => {
    for (const other of Object.values(edges)) check(edges[name]!, other);
  });

  it("calculate as big integers do, with 5,000 at random", () => {
    const next = random(25519);
    const limbs = () => {
      const largest = [2 ** 26 - 1, LARGEST][next(2)]!;
      return Array.from({ length: 10 }, () => next(2 * largest + 1) - largest);
    };
    for (let count = 0; count < 5000; count++) check(limbs(), limbs());
  });

  it.each([0n, 1n, P - 1n, P, P + 1n, 2n ** 255n - 1n, 2n ** 255n, 2n ** 256n - 1n])("are read from %s", (value) => {
    const bytes = Buffer.from(value.toString(16).padStart(64, "0"), "hex").reverse();
    module.call("fieldFromPlain", bytes);
    expect(output(0)).toBe(modulo(value % 2n ** 255n));
  });
});
