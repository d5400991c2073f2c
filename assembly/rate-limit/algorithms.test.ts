import { startEmulator } from "@attache/harness";
import { expect, it } from "vitest";
import { models, type Quota } from "./models.ts";

const module = new URL("build/plugin.wasm", import.meta.url);
const start = Date.UTC(2025, 0, 1);

/** Numbers below `limit`, the same in every run. */
function dice(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const periods = ["1ms", "7ms", "100ms", "1s", "90s", "1h", "366d"];
const milliseconds = [1, 7, 100, 1000, 90_000, 3_600_000, 31_622_400_000];

/** Limits around which fractions, single requests and large numbers appear. */
const limits = [1, 2, 3, 7, 10, 97, 1000, 2 ** 32 + 1, 2 ** 53];

/** Steps that each algorithm takes at least: some thousands in 2.5 seconds, a million with `ATTACHE_STEPS=1000000`. */
const leastSteps = Number(process.env.ATTACHE_STEPS ?? 2_000);

// Virtual time exists only in the emulator.
for (const [algorithm, model] of Object.entries(models)) {
  it(`${algorithm} decides as a plain model does, in virtual time`, { timeout: 3_600_000 }, async () => {
    const roll = dice(algorithm.length);
    let steps = 0;
    let rejections = 0;
    const end = Date.now() + 2_500;
    while (steps < leastSteps || Date.now() < end) {
      const choice = roll(periods.length);
      const limit = limits[roll(limits.length)]!;
      // A full burst must come back within 146 years.
      const largest = algorithm === "gcra" ? 2 ** 53 : Math.floor(2 ** 42 / milliseconds[choice]!);
      const share = algorithm === "gcra" ? [1, 0.3, 1.7][roll(3)]! : 1;
      const isWindow = algorithm.endsWith("Window");
      const burst = isWindow ? limit : Math.max(1, Math.min(Math.ceil(limit * share), largest));
      const quota: Quota = { limit, burst, periodMs: milliseconds[choice]! };
      const numbers =
        algorithm === "tokenBucket"
          ? { maxTokens: burst, tokensPerFill: (quota.limit = 1 + roll(5)), fillInterval: periods[choice] }
          : { limit, per: periods[choice], ...(algorithm === "gcra" ? { burst } : {}) };
      const configuration = {
        limits: [
          {
            name: "x",
            algorithm,
            ...numbers,
            key: [{ header: "x-user" }],
            costFrom: { header: "x-cost", max: 2 ** 53 },
          },
        ],
        response: { headers: "draft03", headersOnAllowed: true },
      };
      await using host = await startEmulator({ plugins: [{ module, configuration }], startTime: start, workers: 2 });
      const users = [model(quota), model(quota)];
      let now = start;
      for (let step = 0; step < 400; step++, steps++) {
        const wait = [0, 0, 1, roll(quota.periodMs * 2), Math.ceil(quota.periodMs / Math.min(limit, 1000))][roll(5)]!;
        host.advance(wait);
        now += wait;
        const user = roll(2);
        const cost = [1, 1, 1, 1 + roll(Math.min(burst, 50)), burst, burst + 1][roll(6)]!;
        const headers = { "x-user": `user-${user}`, "x-cost": String(Math.min(cost, 2 ** 53)) };
        const response = await host.fetch("/", { headers });
        const expected = users[user]!.take(BigInt(now) * 1_000_000n, BigInt(Math.min(cost, 2 ** 53)));
        const seen = {
          allowed: response.status === 200,
          remaining: response.header("x-ratelimit-remaining"),
          retryAfter: response.header("retry-after"),
        };
        if (!expected.allowed) rejections++;
        expect({ step, quota, cost, ...seen }).toEqual({ step, quota, cost, ...expected });
      }
    }
    expect(steps).toBeGreaterThanOrEqual(leastSteps);
    expect(rejections).toBeGreaterThan(steps / 20);
  });
}
