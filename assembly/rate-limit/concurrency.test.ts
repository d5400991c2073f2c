import { startEmulator } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { describe, expect, it } from "vitest";
import { Dice } from "../../test/conformance/dice.ts";

const module = new URL("build/plugin.wasm", import.meta.url);
const leastSteps = Number(process.env.ATTACHE_STEPS ?? 2_000);

/** A request that was let pass. */
interface Running {
  started: number;
  ends: number;
  cost: number;
}

// Virtual time exists only in the emulator.
describe("the algorithm concurrency", () => {
  it("decides as a plain model does, in virtual time", { timeout: 3_600_000 }, async () => {
    const dice = new Dice(8);
    const below = (limit: number) => Math.floor(dice.next() * limit);
    let steps = 0;
    let rejections = 0;
    const end = Date.now() + 2_500;
    while (steps < leastSteps || Date.now() < end) {
      const limit = dice.of([1, 2, 5, 50]);
      const longest = dice.of([1_000, 90_000]);
      const configuration = {
        limits: [
          {
            name: "x",
            algorithm: "concurrency",
            limit,
            longest: `${longest}ms`,
            key: [{ header: "x-user" }],
            costFrom: { header: "x-cost" },
          },
        ],
      };
      let duration = 0;
      let reached = 0;
      const app = () => (reached++, { delayMs: duration });
      let now = Date.UTC(2025, 0, 1);
      await using host = await startEmulator({
        plugins: [{ module, configuration }],
        clusters: { app },
        routes: [{ match: { prefix: "/" }, cluster: "app", timeoutMs: 0 }],
        startTime: now,
        workers: 3,
      });
      const users: Running[][] = [[], []];
      const answers: Promise<unknown>[] = [];
      for (let step = 0; step < 400; step++, steps++) {
        const wait = dice.of([0, 0, 1, below(longest / limit), below(longest)]);
        host.advance(wait);
        now += wait;
        const user = below(2);
        const cost = dice.of([1, 1, 1, 1 + below(limit), limit + 1]);
        duration = dice.of([1, 1, 1 + below(longest), 1 + below(longest), 1 + below(3 * longest)]);
        const period = Math.floor(now / longest);
        const counted = users[user]!.filter(({ ends, started }) => ends > now && period - Math.floor(started / longest) < 2); // prettier-ignore
        const used = counted.reduce((sum, running) => sum + running.cost, 0);
        const expected = used + cost <= limit;
        const before = reached;
        answers.push(host.fetch("/", { headers: { "x-user": `user-${user}`, "x-cost": String(cost) } }));
        expect({ step, limit, longest, used, cost, passes: reached > before }).toEqual({ step, limit, longest, used, cost, passes: expected }); // prettier-ignore
        if (expected) users[user]!.push({ started: now, ends: now + duration, cost });
        else rejections++;
      }
      host.advance(4 * longest);
      await Promise.all(answers);
    }
    expect(steps).toBeGreaterThanOrEqual(leastSteps);
    expect(rejections).toBeGreaterThan(steps / 20);
  });
});

eachHost("rate-limit by concurrency", (start) => {
  const limit = { name: "busy", algorithm: "concurrency", limit: 2 };
  const plugin = (limits: object[], more: object = {}) => ({
    name: "rate-limit",
    module,
    configuration: { limits, ...more },
  });

  it("lets so many requests run at once, and others again when these end", async () => {
    let isOpen = false;
    const app = () => (isOpen ? { body: "done" } : { delayMs: 60_000, reset: true });
    await using host = await start({ plugins: [plugin([limit])], clusters: { app } });
    const leaving = [new AbortController(), new AbortController()];
    const running = leaving.map(({ signal }) => host.fetch("/", { signal }).catch(() => "left"));
    await expect.poll(() => host.requests("app").length).toBe(2);
    const rejected = await host.fetch("/");
    expect([rejected.status, rejected.header("retry-after")]).toEqual([429, null]);
    expect(rejected.header("ratelimit-policy")).toBe('"busy";q=2;qu="concurrent-requests"');
    expect(rejected.header("ratelimit")).toBe('"busy";r=0');
    isOpen = true;
    for (const client of leaving) client.abort();
    await Promise.all(running);
    await expect.poll(async () => (await host.fetch("/")).status).toBe(200);
    for (let request = 0; request < 6; request++) expect((await host.fetch("/")).status).toBe(200);
  });

  it("gives back at once what a request took that another limit rejects", async () => {
    const none = { name: "none", match: [{ uri: { exact: "/none" } }], limit: 0, per: "1s" };
    await using host = await start({ plugins: [plugin([limit, none])], clusters: { app: () => ({}) } });
    for (let request = 0; request < 4; request++) expect((await host.fetch("/none")).status).toBe(429);
    for (let request = 0; request < 4; request++) expect((await host.fetch("/")).status).toBe(200);
  });
});
