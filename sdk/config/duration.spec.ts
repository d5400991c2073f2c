import { NO_DURATION, parseDuration } from "./duration";
import { encode } from "./wording";

function parse(text: string): i64 {
  const bytes = encode(text);
  return parseDuration(changetype<usize>(bytes), bytes.length);
}

describe("parseDuration", () => {
  it("reads units and fractions", () => {
    expect<i64>(parse("1.5s")).toBe(1_500_000_000);
    expect<i64>(parse("300ms")).toBe(300_000_000);
    expect<i64>(parse("1h30m")).toBe(5_400_000_000_000);
    expect<i64>(parse("-2us")).toBe(-2_000);
    expect<i64>(parse("0")).toBe(0);
  });

  it("refuses what is not a duration", () => {
    expect<i64>(parse("")).toBe(NO_DURATION);
    expect<i64>(parse("5")).toBe(NO_DURATION);
    expect<i64>(parse("1.2.3s")).toBe(NO_DURATION);
    expect<i64>(parse("9223372037s")).toBe(NO_DURATION);
  });
});
