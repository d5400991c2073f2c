import { startEmulator, type Host, type HostOptions, type RequestOptions } from "@attache/harness";
import { startEnvoy } from "@attache/harness/envoy";
import { eachHost } from "@attache/harness/vitest";
import { afterEach, describe, expect, it, vi } from "vitest";
import { beforeWrites } from "./overtaking.ts";

// What the AssemblyScript sample of Kong (github.com/Kong/proxy-wasm-as-rate-limiting) gets wrong, one test for each.
const module = new URL("build/plugin.wasm", import.meta.url);

const proxy = (configuration: object): HostOptions => ({
  plugins: [{ name: "rate-limit", module, configuration }],
  clusters: { app: ({ path }) => (path === "/empty" ? { status: 204 } : { body: "app" }) },
});
const hourly = (limit: number, more: object = {}) => ({ name: "hourly", limit, per: "1h", ...more });
const perUser = (limit: number, more: object = {}) => hourly(limit, { key: [{ header: "x-user" }], ...more });
const user = (name: string): RequestOptions => ({ headers: { "x-user": name } });

async function statuses(host: Host, count: number, options: RequestOptions = {}, path = "/"): Promise<number[]> {
  const found = [];
  for (let request = 0; request < count; request++) found.push((await host.fetch(path, options)).status);
  return found;
}

afterEach(() => vi.restoreAllMocks());

eachHost("the defects of the peer sample", (start, kind) => {
  it("1 of 8: the default status is 429, not 401", async () => {
    await using host = await start(proxy({ limits: [hourly(1)] }));
    expect(await statuses(host, 2)).toEqual([200, 429]);
  });

  it("2 of 8: limits by the second have header fields, too", async () => {
    const windows = [
      { limit: 5, per: "1s" },
      { limit: 9, per: "1m" },
    ];
    const response = { headers: "kong", headersOnAllowed: true };
    await using host = await start(proxy({ limits: [{ name: "both", windows }], response }));
    const answer = await host.fetch("/");
    for (const [unit, limit, remaining] of [
      ["second", "5", "4"],
      ["minute", "9", "8"],
    ]) {
      expect(answer.header(`x-ratelimit-limit-${unit}`)).toBe(limit);
      expect(answer.header(`x-ratelimit-remaining-${unit}`)).toBe(remaining);
    }
  });

  it("3 of 8: how long to wait is told by Retry-After, and clients get it", async () => {
    await using host = await start(proxy({ limits: [hourly(1)], response: { headers: "all" } }));
    await host.fetch("/");
    const rejected = await host.fetch("/");
    const wait = Number(rejected.header("retry-after"));
    expect([wait > 3500, wait <= 3600]).toEqual([true, true]);
    expect(rejected.header("x-ratelimit-retry-after")).toBeNull();
  });

  it("4 of 8: responses with a body tell quotas as those without do", async () => {
    const response = { headers: "all", headersOnAllowed: true };
    await using host = await start(proxy({ limits: [hourly(2)], response }));
    const answers = [];
    for (const path of ["/", "/empty", "/"]) answers.push(await host.fetch(path));
    expect(answers.map((answer) => [answer.status, answer.text().length > 0])).toEqual([[200, true], [204, false], [429, true]]); // prettier-ignore
    expect(answers.map((answer) => answer.header("ratelimit")?.split(";")[1])).toEqual(["r=1", "r=0", "r=0"]);
    expect(answers.map((answer) => answer.header("x-ratelimit-limit-hour"))).toEqual(["2", "2", "2"]);
  });

  it("6 of 8: reading and counting are one step, whatever other workers do", async () => {
    const startWorkers = kind === "emulator" ? startEmulator : startEnvoy;
    await using host = await startWorkers({ ...proxy({ limits: [hourly(30)] }), workers: 4 });
    const answers: Promise<{ status: number }>[] = [];
    // Workers of the emulator take turns: another one comes between reading and writing when it is sent there.
    let writes = 0;
    if (kind === "emulator") beforeWrites(() => writes++ % 2 === 0 && answers.push(host.fetch("/")));
    for (let request = 0; request < 100; request++) answers.push(host.fetch("/"));
    const passed = (await Promise.all(answers)).filter(({ status }) => status === 200);
    expect(passed).toHaveLength(30);
    expect(host.requests("app")).toHaveLength(30);
  });

  it("7 of 8: a rejected request uses nothing up", async () => {
    const windows = [
      { limit: 4, per: "1h" },
      { limit: 2, per: "366d" },
    ];
    const posts = { name: "posts", match: [{ method: { exact: "POST" } }], limit: 1, per: "1h" };
    await using host = await start(proxy({ limits: [perUser(3), posts], response: { headersOnAllowed: true } }));
    // The user's own limit has room for two more after five posts of which one passes.
    expect(await statuses(host, 5, { method: "POST", ...user("ada") })).toEqual([200, 429, 429, 429, 429]);
    expect((await host.fetch("/", user("ada"))).header("ratelimit")).toMatch(/;r=1;/);
    // Nor does the window that has room lose anything when another one of the same limit has none.
    await using other = await start(proxy({ limits: [{ name: "both", windows }], response: { headers: "kong" } }));
    expect(await statuses(other, 6)).toEqual([200, 200, 429, 429, 429, 429]);
    expect((await other.fetch("/")).header("x-ratelimit-remaining-hour")).toBe("2");
  });

  it("8 of 8: clients without the header are not one client", async () => {
    await using host = await start(proxy({ limits: [perUser(1)] }));
    expect(await statuses(host, 3)).toEqual([200, 200, 200]);
    expect(await statuses(host, 3, user(""))).toEqual([200, 200, 200]);
    expect(await statuses(host, 2, user("ada"))).toEqual([200, 429]);
    await using strict = await start(proxy({ limits: [perUser(1, { key: [{ header: "x-user", onMissing: "reject" }] })] })); // prettier-ignore
    expect([...(await statuses(strict, 2)), ...(await statuses(strict, 1, user("")))]).toEqual([429, 429, 429]);
    const key = [{ header: "x-user", onMissing: "skipEntry" }, { remoteAddress: {} }];
    await using apart = await start(proxy({ limits: [perUser(1, { key })] }));
    const from = (address: string): RequestOptions => ({ headers: { "x-forwarded-for": address } });
    expect(await statuses(apart, 2, from("192.0.2.1"))).toEqual([200, 429]);
    expect(await statuses(apart, 2, from("192.0.2.2"))).toEqual([200, 429]);
  });
});

// Only the emulator shows what is in shared data, and lets hours pass.
describe("the defects of the peer sample [emulator]", () => {
  it.each(["gcra", "fixedWindow", "slidingWindow", "slidingLog"])(
    "5 of 8: time makes no new keys in shared data (%s)",
    async (algorithm) => {
      const keys = new Set<string>();
      beforeWrites((key) => keys.add(key));
      await using host = await startEmulator(proxy({ limits: [perUser(1, { algorithm, slots: 16 })] }));
      let early = 0;
      for (let round = 0; round < 200; round++) {
        for (let client = 0; client < 20; client++) await host.fetch("/", user(`client-${client}`));
        if (round === 0) early = keys.size;
        host.advance(7_200_000);
      }
      expect(host.requests("app").length).toBeGreaterThan(200 * 16);
      expect(keys.size).toBe(early);
    },
  );
});
