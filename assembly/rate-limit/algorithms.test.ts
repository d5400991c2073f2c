import { startEmulator, type UpstreamRequest } from "@attache/harness";
import { expect, it } from "vitest";
import { Dice } from "../../test/conformance/dice.ts";
import { least, models, type Quota } from "./models.ts";

const module = new URL("build/plugin.wasm", import.meta.url);
const start = Date.UTC(2025, 0, 1);

const periods = ["1ms", "7ms", "100ms", "1s", "90s", "1h", "366d", "month", "year"];
const day = 86_400_000;
const milliseconds = [1, 7, 100, 1000, 90_000, 3_600_000, 366 * day, 30 * day, 365 * day];

/** Limits around which fractions, single requests and large numbers appear. */
const limits = [1, 2, 3, 7, 10, 97, 1000, 2 ** 32 + 1, 2 ** 53];

/** Steps that each algorithm takes at least: some thousands in 2.5 seconds, a million with `ATTACHE_STEPS=1000000`. */
const leastSteps = Number(process.env.ATTACHE_STEPS ?? 2_000);

// Virtual time exists only in the emulator.
for (const [algorithm, model] of Object.entries(models)) {
  it(`${algorithm} decides as a plain model does, in virtual time`, { timeout: 3_600_000 }, async () => {
    const dice = new Dice(algorithm.length);
    const roll = (limit: number) => Math.floor(dice.next() * limit);
    let steps = 0;
    let rejections = 0;
    const end = Date.now() + 2_500;
    while (steps < leastSteps || Date.now() < end) {
      const choice = roll(algorithm === "fixedWindow" ? periods.length : periods.length - 2);
      const limit = algorithm === "slidingLog" ? [1, 2, 3, 7, 64][roll(5)]! : limits[roll(limits.length)]!;
      // A full burst must come back within 146 years.
      const largest = algorithm === "gcra" ? 2 ** 53 : Math.floor(2 ** 42 / milliseconds[choice]!);
      const share = algorithm === "gcra" ? [1, 0.3, 1.7][roll(3)]! : 1;
      const hasBurst = algorithm === "gcra" || algorithm === "tokenBucket";
      const burst = !hasBurst ? limit : Math.max(1, Math.min(Math.ceil(limit * share), largest));
      const quota: Quota = { limit, burst, periodMs: milliseconds[choice]! };
      if (choice >= 7) quota.calendar = choice === 7 ? "month" : "year";
      const isLate = roll(2) === 1;
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
            costFrom: { [isLate ? "responseHeader" : "header"]: "x-cost", max: 2 ** 53 },
          },
        ],
        response: { headers: "draft03", headersOnAllowed: true },
      };
      const app = (request: UpstreamRequest) => ({ headers: { "x-cost": request.header("x-late-cost")! } });
      await using host = await startEmulator({
        plugins: [{ module, configuration }],
        clusters: { app },
        startTime: start,
        workers: 2,
      });
      const users = [model(quota), model(quota)];
      let now = start;
      for (let step = 0; step < 400; step++, steps++) {
        const wait = [0, 0, 1, roll(quota.periodMs * 2), Math.ceil(quota.periodMs / Math.min(limit, 1000))][roll(5)]!;
        host.advance(wait);
        now += wait;
        const user = roll(2);
        const cost = [1, 1, 1, 1 + roll(Math.min(burst, 50)), burst, burst + 1][roll(6)]!;
        const lateCost = BigInt([0, 1, 2, roll(Math.min(burst, 50)), burst, 2 * burst][roll(6)]!);
        const headers = { "x-user": `user-${user}`, "x-cost": String(Math.min(cost, 2 ** 53)), "x-late-cost": `${lateCost}` }; // prettier-ignore
        const response = await host.fetch("/", { headers });
        const taken = isLate ? 1n : BigInt(Math.min(cost, 2 ** 53));
        const expected = users[user]!.take(BigInt(now) * 1_000_000n, taken);
        if (isLate && expected.allowed) users[user]!.settle(taken, least(lateCost, 2n ** 53n));
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
