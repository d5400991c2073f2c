import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Host, RequestOptions } from "@attache/harness";
import { findEnvoy, startEnvoy } from "@attache/harness/envoy";
import { describe, expect, it } from "vitest";
import { waitUntil } from "../../../harness/envoy/wait.ts";
import { RateLimitServer } from "./processes.ts";
import { findRateLimitService } from "./program.ts";

const module = new URL("../../../assembly/rate-limit/build/plugin.wasm", import.meta.url);
const program = await findRateLimitService();
const isThere = program !== null && hasRedis() && (await findEnvoy()) !== null;
const suite = isThere ? "rate limit service" : "Rate limit service: not built, see `npm run setup -- --all`";

// Years: no test runs over the end of a window, but at New Year.
const limits = `
domain: edge
descriptors:
  - key: x-user
    rate_limit: { name: users, unit: year, requests_per_unit: 5 }
  - key: x-load
    rate_limit: { unit: year, requests_per_unit: 1000000 }
`;

/** How the service is asked. */
type Protocol = "grpc" | "http";

const configuration = (protocol: Protocol, failureMode: string, more: object) => ({
  domain: "edge",
  rateLimitService: { [protocol]: { cluster: `ratelimit-${protocol}` }, timeout: "200ms" },
  response: { headersOnAllowed: true },
  limits: [
    { name: "users", scope: "global", key: [{ header: "x-user" }], failureMode, ...more },
    { name: "load", scope: "global", key: [{ header: "x-load" }], failureMode },
  ],
});

const start = async (
  server: RateLimitServer,
  protocol: Protocol = "grpc",
  failureMode = "deny",
  more: object = {},
): Promise<Host> =>
  await startEnvoy({
    plugins: [{ name: "rate-limit", module, configuration: configuration(protocol, failureMode, more) }],
    clusters: {
      app: ({ path }) => ({ status: Number(path.slice(1) || 200), body: "app" }),
      "ratelimit-grpc": { host: "127.0.0.1", port: server.service.port, http2: true },
      "ratelimit-http": { host: "127.0.0.1", port: server.httpPort },
    },
    routes: [{ match: { prefix: "/" }, cluster: "app" }],
  });

const user = (name: string): RequestOptions => ({ headers: { "x-user": name } });
const load: RequestOptions = { headers: { "x-load": "1" } };
const statusOf = async (host: Host, options: RequestOptions, path = "/") => (await host.fetch(path, options)).status;

describe.skipIf(!isThere)(suite, () => {
  it("counts for several proxies", async () => {
    await using server = await RateLimitServer.start(program!, limits);
    await using one = await start(server, "grpc");
    await using other = await start(server, "http");
    const statuses = [];
    for (let request = 0; request < 4; request++) {
      for (const host of [one, other]) statuses.push(await statusOf(host, user("ada")));
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
    expect(await statusOf(one, user("bob"))).toBe(200);
    for (const host of [one, other])
      expect((await host.fetch("/", user("ada"))).header("ratelimit")).toMatch(/^"[^"]+";r=0;t=[1-9]/);
  });

  it.each<Protocol>(["grpc", "http"])(
    "counts the responses that it is told of, and no others (%s)",
    async (protocol) => {
      await using server = await RateLimitServer.start(program!, limits);
      const more = { countStatuses: [401], cost: 2 };
      await using host = await start(server, protocol, "deny", more);
      await using other = await start(server, "grpc");
      for (const path of ["/200", "/401", "/200", "/401"]) {
        expect(await statusOf(host, user("ada"), path)).toBe(Number(path.slice(1)));
      }
      // Two failures at 2 each: what is told arrives a little after the response.
      await waitUntil("one of five to be left", async () => {
        const quota = (await host.fetch("/200", user("ada"))).header("ratelimit");
        return quota?.includes(";r=1;") ? true : null;
      });
      expect(await statusOf(host, user("ada"), "/200")).toBe(200);
      expect([await statusOf(other, user("ada")), await statusOf(other, user("ada"))]).toEqual([200, 429]);
      expect(await statusOf(host, user("ada"), "/200")).toBe(429);
    },
  );

  it("counts by the recipe global.json, whose local limit comes first, and lets requests pass without it", async () => {
    const recipe = (name: string) => readFileSync(new URL(`../../../examples/rate-limit-recipes/${name}`, import.meta.url), "utf8"); // prettier-ignore
    await using server = await RateLimitServer.start(program!, recipe("service-limits.yaml"));
    await using host = await startEnvoy({
      plugins: [{ name: "rate-limit", module, configuration: recipe("global.json") }],
      clusters: { app: () => ({}), ratelimit: { host: "127.0.0.1", port: server.service.port, http2: true } },
      routes: [{ match: { prefix: "/" }, cluster: "app" }],
    });
    const statuses = [];
    for (let request = 0; request < 7; request++) statuses.push(await statusOf(host, user("ada")));
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429]);
    await server.service.kill();
    for (let request = 0; request < 7; request++) expect(await statusOf(host, user("bob"))).toBe(200);
    expect(await host.metric("rate_limit.shared.failure_mode_allowed")).toBe(7);
  });

  it.each<[Protocol, string, number]>([
    ["grpc", "deny", 500],
    ["grpc", "allow", 200],
    ["http", "deny", 500],
    ["http", "allow", 200],
  ])(
    "may lose Redis under load, and find it again (%s, failure mode %s)",
    { timeout: 60_000 },
    async (protocol, failureMode, failed) => {
      await using server = await RateLimitServer.start(program!, limits);
      await using host = await start(server, protocol, failureMode);
      expect(await statusOf(host, load)).toBe(200);
      const errors = async () => (await host.metric("rate_limit.load.error")) ?? 0;
      let isLoading = true;
      const seen = new Set<number>();
      const loading = Array.from({ length: 4 }, async () => {
        while (isLoading) seen.add(await statusOf(host, load));
      });
      await server.redis.kill();
      await waitUntil("failures to be counted", async () => ((await errors()) > 0 ? true : null));
      isLoading = false;
      // None of them hangs: each ends by the timeout at the latest.
      await Promise.all(loading);
      expect([...seen].filter((status) => status !== 200)).toEqual(failed === 200 ? [] : [failed]);
      expect(await statusOf(host, load)).toBe(failed);
      await server.redis.start();
      await waitUntil("the service to count again", async () => {
        const before = await errors();
        return (await statusOf(host, load)) === 200 && (await errors()) === before ? true : null;
      });
    },
  );

  it.each<Protocol>(["grpc", "http"])("may be gone and come back (%s)", { timeout: 60_000 }, async (protocol) => {
    await using server = await RateLimitServer.start(program!, limits);
    await using host = await start(server, protocol);
    for (let request = 0; request < 5; request++) expect(await statusOf(host, user("ada"))).toBe(200);
    await server.service.kill();
    expect(await statusOf(host, user("ada"))).toBe(500);
    await server.service.start();
    await waitUntil("the service to answer", async () => ((await statusOf(host, load)) === 200 ? true : null));
    expect(await statusOf(host, user("ada"))).toBe(429);
  });
});

function hasRedis(): boolean {
  try {
    return execFileSync("redis-server", ["--version"]).length > 0;
  } catch {
    return false;
  }
}
