import { describe, expect, it } from "vitest";
import type { Route } from "../host.ts";
import { freePort } from "../../test/free-port.ts";
import { run, runGuest } from "../testing/run.ts";

const up = { up: () => ({}) };
const route = (fields: Partial<Route>): { routes: Route[]; clusters: typeof up } => ({
  routes: [{ match: { prefix: "/" }, ...fields }],
  clusters: up,
});

describe("a route", () => {
  it.each<[Partial<Route>, string]>([
    [
      {},
      "routes[0]: needs exactly one of cluster, clusterHeader, weightedClusters, redirect, directResponse; none is there",
    ],
    [{ cluster: "up", redirect: {} }, "found cluster and redirect"],
    [{ cluster: "down" }, "routes[0].cluster: there is no cluster down; there are: up"],
    [
      {
        weightedClusters: [
          { name: "up", weight: 1 },
          { name: "down", weight: 1 },
        ],
      },
      "routes[0].weightedClusters[1].name: there is no cluster down",
    ],
    [{ weightedClusters: [{ name: "up", weight: 0 }] }, "routes[0].weightedClusters: their weights add up to 0"],
    [
      { weightedClusters: [{ name: "up", weight: 0.5 }] },
      "routes[0].weightedClusters[0].weight: 0.5 is no whole number",
    ],
    [{ cluster: "up", timeoutMs: -1 }, "routes[0].timeoutMs: -1 is no whole number from 0 on"],
    [{ cluster: "up", retryPolicy: { retryOn: "5xx,6xx" } }, 'routes[0].retryPolicy.retryOn: "6xx" is none of 5xx'],
    [{ cluster: "up", retryPolicy: { retryOn: "5xx", numRetries: 1.5 } }, "routes[0].retryPolicy.numRetries: 1.5"],
    [
      { cluster: "up", retryPolicy: { retryOn: "5xx", backOff: { baseIntervalMs: 2, maxIntervalMs: 1 } } },
      "routes[0].retryPolicy.backOff: needs 0 < baseIntervalMs <= maxIntervalMs",
    ],
  ])("%o is refused", async (fields, message) => {
    await expect(run(route(fields))).rejects.toMatchObject({
      code: "OPTION_INVALID",
      message: expect.stringContaining(message) as string,
    });
  });

  it("shares requests by weight", async () => {
    await using host = await run({
      routes: [
        {
          match: { prefix: "/" },
          weightedClusters: [
            { name: "a", weight: 90 },
            { name: "b", weight: 10 },
          ],
        },
      ],
      clusters: { a: () => ({}), b: () => ({}) },
    });
    for (let i = 0; i < 2000; i++) await host.fetch("/");
    const fiveSigma = 5 * Math.sqrt(2000 * 0.1 * 0.9);
    expect(Math.abs(host.requests("b").length - 200)).toBeLessThan(fiveSigma);
    expect(host.requests("a").length + host.requests("b").length).toBe(2000);
  });
});

describe("a retry", () => {
  it("waits below an interval that doubles", async () => {
    const at: number[] = [];
    await using host = await run({
      routes: [
        {
          match: { prefix: "/" },
          cluster: "up",
          retryPolicy: { retryOn: "5xx", numRetries: 5, backOff: { baseIntervalMs: 10, maxIntervalMs: 40 } },
        },
      ],
      clusters: {
        up: () => {
          at.push(host.clock.now());
          return { status: 503 };
        },
      },
    });
    for (let i = 0; i < 20; i++) {
      at.length = 0;
      const response = host.fetch("/");
      host.advance(1000);
      expect((await response).status).toBe(503);
      const waits = at.slice(1).map((time, attempt) => time - at[attempt]!);
      expect(waits).toHaveLength(5);
      for (const [attempt, most] of [10, 20, 40, 40, 40].entries()) expect(waits[attempt]).toBeLessThan(most);
    }
  });

  it.each([
    ["connect-failure", 2, "retried and the latest reset reason"],
    ["retriable-4xx", 1, "reset reason"],
  ])("after a refused connection, with %s, makes %d attempts", async (retryOn, attempts, said) => {
    await using host = await runGuest((w) => ({ proxy_on_log: w.logProperty("upstream.request_attempt_count") }), {
      routes: [{ match: { prefix: "/" }, cluster: "up", retryPolicy: { retryOn } }],
      clusters: { up: { host: "127.0.0.1", port: await freePort() } },
      clock: "real",
    });
    const response = await host.fetch("/");
    expect(response.text()).toBe(
      `upstream connect error or disconnect/reset before headers. ${said}: remote connection failure`,
    );
    expect(host.messages).toEqual([`upstream.request_attempt_count=0${attempts}00000000000000`]);
  });

  it("is not made of a request that is too long to be kept", async () => {
    let attempts = 0;
    await using host = await run({
      routes: [{ match: { prefix: "/" }, cluster: "up", retryPolicy: { retryOn: "5xx" } }],
      clusters: { up: () => ({ status: ++attempts === 1 ? 503 : 200 }) },
    });
    const response = host.fetch("/", { method: "POST", body: new Uint8Array(1024 * 1024 + 1) });
    host.advance(1000);
    expect((await response).status).toBe(503);
  });
});
