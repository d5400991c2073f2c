import { execFile } from "node:child_process";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import type { Host } from "@attache/harness";
import { findEnvoy, startEnvoy } from "@attache/harness/envoy";
import { describe, expect, it } from "vitest";

const module = new URL("build/plugin.wasm", import.meta.url);
/** With the largest limit that there is. */
const quotas: [string, number, (count: number) => object][] = [
  ["gcra", Infinity, (limit) => ({ algorithm: "gcra", limit, per: "366d" })],
  ["tokenBucket", Infinity, (maxTokens) => ({ algorithm: "tokenBucket", maxTokens, tokensPerFill: 1, fillInterval: "24h" })], // prettier-ignore
  ["fixedWindow", Infinity, (limit) => ({ algorithm: "fixedWindow", limit, per: "366d" })],
  ["slidingWindow", Infinity, (limit) => ({ algorithm: "slidingWindow", limit, per: "366d" })],
  ["slidingLog", 64, (limit) => ({ algorithm: "slidingLog", limit, per: "366d" })],
  ["calendar", Infinity, (limit) => ({ algorithm: "fixedWindow", limit, per: "year" })],
];
const run = promisify(execFile);
const hasWrk = await run("sh", ["-c", "command -v wrk"]).then(
  () => true,
  () => false,
);
const underLoad = hasWrk ? "under load" : "under load: no wrk, see `npm run setup -- --all`";

const startWorkers = async (quota: object, port?: number) => {
  const configuration = { limits: [{ name: "all", ...quota }] };
  const clusters = port === undefined ? {} : { clusters: { app: { host: "127.0.0.1", port } } };
  return await startEnvoy({ plugins: [{ name: "rate-limit", module, configuration }], workers: 4, ...clusters });
};
const statusOf = async (host: Host) => (await host.fetch("/")).status;
const metricOf = async (host: Host, name: string) => (await host.metric(`rate_limit.all.${name}`)) ?? 0;

/** An upstream on loopback that answers when it is told to. */
class HoldingUpstream {
  /** Most requests that it had at once. */
  most = 0;
  /** Answers each request a little later instead, as long as it is set. */
  answersByItself = false;
  readonly #held: ServerResponse[] = [];
  readonly #server = createServer((_, response) => {
    this.most = Math.max(this.most, this.#held.push(response));
    if (this.answersByItself) setTimeout(() => this.answer(this.#held.indexOf(response)), 2);
  });

  static async start(): Promise<HoldingUpstream> {
    const upstream = new HoldingUpstream();
    await new Promise<void>((resolve) => upstream.#server.listen(0, "127.0.0.1", resolve));
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get held(): number {
    return this.#held.length;
  }

  /** Answers the request with this number, or all. */
  answer(index?: number): void {
    for (const response of index === undefined ? this.#held.splice(0) : this.#held.splice(index, 1)) response.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

// The emulator's workers take turns: see shared-state.test.ts for every order of them.
describe.skipIf((await findEnvoy()) === null)("an Envoy with four workers", () => {
  it.each(quotas)("lets exactly the limit pass, of requests at once (%s)", async (_, most, quota) => {
    const limit = Math.min(150, most);
    await using host = await startWorkers(quota(limit));
    let passed = 0;
    let rejected = 0;
    for (let round = 0; round < 5; round++) {
      const statuses = await Promise.all(Array.from({ length: 100 }, () => statusOf(host)));
      passed += statuses.filter((status) => status === 200).length;
      rejected += statuses.filter((status) => status === 429).length;
    }
    expect({ passed, rejected }).toEqual({ passed: limit, rejected: 500 - limit });
  });

  const concurrency = (limit: number) => ({ algorithm: "concurrency", limit });

  /** Sends requests until as many as the limit are held, then many more; all of them are rejected. */
  const fill = async (host: Host, upstream: HoldingUpstream, limit: number) => {
    const answers: Promise<number>[] = [];
    let rejected = 0;
    const send = async (count: number) => {
      for (let request = 0; request < count; request++) {
        const answer = statusOf(host);
        void answer.then((status) => (rejected += Number(status === 429)));
        answers.push(answer);
      }
      await expect.poll(() => upstream.held + rejected).toBe(answers.length);
    };
    // What requests took is free a little later than they are answered.
    while (upstream.held < limit) await send(limit - upstream.held);
    await send(100);
    expect(upstream.held).toBe(limit);
    upstream.answer();
    expect((await Promise.all(answers)).filter((status) => status === 200)).toHaveLength(limit);
  };

  it("lets exactly the limit run at once, again and again (concurrency)", async () => {
    await using upstream = await HoldingUpstream.start();
    await using host = await startWorkers(concurrency(40), upstream.port);
    for (let round = 0; round < 5; round++) await fill(host, upstream, 40);
  });

  it("never lets more than the limit run at once under load, and loses nothing of it (concurrency)", async () => {
    const limit = 8;
    await using upstream = await HoldingUpstream.start();
    await using host = await startWorkers(concurrency(limit), upstream.port);
    upstream.answersByItself = true;
    const client = async () => {
      for (let request = 0; request < 50; request++) await statusOf(host);
    };
    await Promise.all(Array.from({ length: 64 }, client));
    expect(await metricOf(host, "over_limit")).toBeGreaterThan(0);
    expect(upstream.most).toBe(limit);
    upstream.answersByItself = false;
    await fill(host, upstream, limit);
  });

  describe.skipIf(!hasWrk)(underLoad, () => {
    it.each(quotas)("lets exactly the limit pass, while workers overtake each other (%s)", async (_, most, quota) => {
      const limit = Math.min(5000, most);
      await using host = await startWorkers(quota(limit));
      await run("wrk", ["-t1", "-c64", "-d2s", `${host.address}/`]);
      expect(await metricOf(host, "over_limit")).toBeGreaterThan(0);
      expect(await metricOf(host, "ok")).toBe(limit);
    });
  });
});
