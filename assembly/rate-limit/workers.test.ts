import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Host } from "@attache/harness";
import { findEnvoy, startEnvoy } from "@attache/harness/envoy";
import { describe, expect, it } from "vitest";

const module = new URL("build/plugin.wasm", import.meta.url);
const quotas: [string, (count: number) => object][] = [
  ["gcra", (limit) => ({ algorithm: "gcra", limit, per: "366d" })],
  ["tokenBucket", (maxTokens) => ({ algorithm: "tokenBucket", maxTokens, tokensPerFill: 1, fillInterval: "24h" })],
  ["fixedWindow", (limit) => ({ algorithm: "fixedWindow", limit, per: "366d" })],
  ["slidingWindow", (limit) => ({ algorithm: "slidingWindow", limit, per: "366d" })],
  ["calendar", (limit) => ({ algorithm: "fixedWindow", limit, per: "year" })],
];
const run = promisify(execFile);
const hasWrk = await run("sh", ["-c", "command -v wrk"]).then(
  () => true,
  () => false,
);
const underLoad = hasWrk ? "under load" : "under load: no wrk, see `npm run setup -- --all`";

const startWorkers = async (quota: object) => {
  const configuration = { limits: [{ name: "all", ...quota }] };
  return await startEnvoy({ plugins: [{ name: "rate-limit", module, configuration }], workers: 4 });
};
const statusOf = async (host: Host) => (await host.fetch("/")).status;

// The emulator's workers take turns: see shared-state.test.ts for every order of them.
describe.skipIf((await findEnvoy()) === null)("an Envoy with four workers", () => {
  it.each(quotas)("lets exactly the limit pass, of requests at once (%s)", async (_, quota) => {
    await using host = await startWorkers(quota(150));
    let passed = 0;
    let rejected = 0;
    for (let round = 0; round < 5; round++) {
      const statuses = await Promise.all(Array.from({ length: 100 }, () => statusOf(host)));
      passed += statuses.filter((status) => status === 200).length;
      rejected += statuses.filter((status) => status === 429).length;
    }
    expect({ passed, rejected }).toEqual({ passed: 150, rejected: 350 });
  });

  describe.skipIf(!hasWrk)(underLoad, () => {
    it.each(quotas)("lets exactly the limit pass, while workers overtake each other (%s)", async (_, quota) => {
      await using host = await startWorkers(quota(5000));
      await run("wrk", ["-t1", "-c64", "-d2s", `${host.address}/`]);
      const metric = async (name: string) => (await host.metric(`rate_limit.all.${name}`)) ?? 0;
      expect(await metric("over_limit")).toBeGreaterThan(0);
      expect(await metric("ok")).toBe(5000);
    });
  });
});
