import type { Host } from "@attache/harness";
import { findEnvoy, startEnvoy } from "@attache/harness/envoy";
import { describe, expect, it } from "vitest";

const module = new URL("build/plugin.wasm", import.meta.url);
const quotas: [string, (count: number) => object][] = [
  ["gcra", (limit) => ({ algorithm: "gcra", limit, per: "366d" })],
  ["tokenBucket", (maxTokens) => ({ algorithm: "tokenBucket", maxTokens, tokensPerFill: 1, fillInterval: "24h" })],
  ["fixedWindow", (limit) => ({ algorithm: "fixedWindow", limit, per: "366d" })],
  ["slidingWindow", (limit) => ({ algorithm: "slidingWindow", limit, per: "366d" })],
];

// The emulator's workers take turns: see shared-state.test.ts for every order of them.
describe.skipIf((await findEnvoy()) === null)("an Envoy with four workers", () => {
  it.each(quotas)("lets exactly the limit pass, of requests at once (%s)", async (_, quota) => {
    const limits = [{ name: "all", ...quota(150) }];
    await using host = await startEnvoy({
      plugins: [{ name: "rate-limit", module, configuration: { limits } }],
      workers: 4,
    });
    let passed = 0;
    let rejected = 0;
    for (let round = 0; round < 5; round++) {
      const statuses = await Promise.all(Array.from({ length: 100 }, () => statusOf(host)));
      passed += statuses.filter((status) => status === 200).length;
      rejected += statuses.filter((status) => status === 429).length;
    }
    const errors = (await host.metric("rate_limit.all.error")) ?? 0;
    expect({ passed, rejected, errors }).toEqual({ passed: 150, rejected: 350, errors: 0 });
  });
});

const statusOf = async (host: Host) => (await host.fetch("/")).status;
