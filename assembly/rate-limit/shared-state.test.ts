import { startEmulator, type EmulatorOptions, type RequestOptions } from "@attache/harness";
import { afterEach, describe, expect, it, vi } from "vitest";
import { SharedData } from "../../harness/emulator/shared-data.ts";
import { beforeWrites } from "./overtaking.ts";

// All of it needs several workers, virtual time, or a hand on the order in which workers write: the emulator has them.
const module = new URL("build/plugin.wasm", import.meta.url);

const start = async (limits: object[], options: Partial<EmulatorOptions> = {}) =>
  await startEmulator({ plugins: [{ module, configuration: { limits } }], workers: 32, ...options });

const algorithms = {
  gcra: (count: number, per: string) => ({ algorithm: "gcra", limit: count, per }),
  tokenBucket: (count: number, per: string) => ({
    algorithm: "tokenBucket",
    maxTokens: count,
    tokensPerFill: count,
    fillInterval: per,
  }),
  fixedWindow: (count: number, per: string) => ({ algorithm: "fixedWindow", limit: count, per }),
  slidingWindow: (count: number, per: string) => ({ algorithm: "slidingWindow", limit: count, per }),
  slidingLog: (count: number, per: string) => ({ algorithm: "slidingLog", limit: count, per }),
};
const each = Object.entries(algorithms);

const user = (name: string): RequestOptions => ({ headers: { "x-user": name } });

afterEach(() => vi.restoreAllMocks());

describe("workers together", () => {
  it.each(each)("let exactly the limit pass, of requests at once (%s)", async (_, quota) => {
    await using host = await start([{ name: "all", ...quota(50, "1h") }], { workers: 4 });
    const statuses = await Promise.all(Array.from({ length: 200 }, async () => (await host.fetch("/")).status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(50);
  });

  it.each(each)("let exactly the limit pass, whichever writes are overtaken (%s)", async (_, quota) => {
    // Bit n of the order: whether another worker's request comes between read and n-th write.
    for (let order = 0; order < 64; order++) {
      vi.restoreAllMocks();
      await using host = await start([{ name: "all", ...quota(4, "1h") }]);
      const overtaking: Promise<{ status: number }>[] = [];
      let write = 0;
      beforeWrites(() => {
        if ((order >> write++) & 1) overtaking.push(host.fetch("/"));
      });
      const statuses: number[] = [];
      for (let request = 0; request < 6; request++) statuses.push((await host.fetch("/")).status);
      for (const answer of overtaking) statuses.push((await answer).status);
      expect([order, statuses.filter((status) => status === 200).length]).toEqual([order, 4]);
    }
  });

  it.each([
    ["deny", 500],
    ["allow", 200],
  ])("never let a request pass in silence that could not be counted: failure mode %s", async (failureMode, status) => {
    await using host = await start([{ name: "all", limit: 1000, per: "1h", failureMode }]);
    const overtaking: Promise<{ status: number }>[] = [];
    beforeWrites(() => overtaking.push(host.fetch("/")));
    expect((await host.fetch("/")).status).toBe(status);
    expect(overtaking).toHaveLength(17);
    for (const answer of overtaking) expect((await answer).status).toBe(200);
    expect(await host.metric("rate_limit.all.error")).toBe(1);
    expect(await host.metric("rate_limit.all.cas_retry")).toBe(16);
    expect(await host.metric("rate_limit.all.failure_mode_allowed")).toBe(status === 200 ? 1 : null);
  });

  it.each(each)("give back what a request took that another limit then rejects (%s)", async (_, quota) => {
    const last = { name: "last", match: [{ uri: { exact: "/last" } }], limit: 1, per: "1h" };
    await using host = await start([{ name: "all", ...quota(5, "1h") }, last]);
    const overtaking: Promise<{ status: number }>[] = [];
    beforeWrites((key) => {
      if (key.includes("\0last\0") && overtaking.length === 0) overtaking.push(host.fetch("/last"));
    });
    expect((await host.fetch("/last")).status).toBe(429);
    expect((await overtaking[0]!).status).toBe(200);
    let passed = 0;
    for (let request = 0; request < 6; request++) passed += Number((await host.fetch("/")).status === 200);
    expect(passed).toBe(4);
  });
});

describe("requests at once", () => {
  const busy = { name: "all", algorithm: "concurrency", limit: 4 };

  it("are exactly so many, and give back what they took, whichever writes are overtaken", async () => {
    for (let order = 0; order < 64; order++) {
      vi.restoreAllMocks();
      let reached = 0;
      const app = () => (reached++, { delayMs: 1000 });
      await using host = await start([busy], { clusters: { app } });
      const answers: Promise<{ status: number }>[] = [];
      let write = 0;
      beforeWrites(() => {
        if ((order >> write++) & 1) answers.push(host.fetch("/"));
      });
      for (let request = 0; request < 6; request++) answers.push(host.fetch("/"));
      expect([order, reached]).toEqual([order, 4]);
      // Others come while these end.
      for (let second = 0; second < 20; second++) host.advance(1000);
      await Promise.all(answers);
      vi.restoreAllMocks();
      reached = 0;
      const again = Array.from({ length: 6 }, () => host.fetch("/"));
      expect([order, reached]).toEqual([order, 4]);
      host.advance(1000);
      await Promise.all(again);
    }
  });

  it("are given back by clients that leave while the service is asked", async () => {
    const global = { name: "global", scope: "global", key: [{ path: {} }] };
    const configuration = {
      domain: "d",
      rateLimitService: { grpc: { cluster: "rls" }, timeout: "50s" },
      limits: [busy, global],
    };
    await using host = await startEmulator({
      plugins: [{ module, configuration }],
      clusters: { app: () => ({}), rls: { grpc: () => ({ delayMs: 10_000 }) } },
      routes: [{ match: { prefix: "/" }, cluster: "app" }],
    });
    for (let round = 0; round < 3; round++) {
      const client = new AbortController();
      const left = Array.from({ length: 4 }, () => host.fetch("/", { signal: client.signal }).catch(() => "left"));
      expect((await host.fetch("/")).status).toBe(429);
      client.abort();
      expect(await Promise.all(left)).toEqual(["left", "left", "left", "left"]);
    }
  });

  it("count no longer than the longest may take", async () => {
    const app = () => ({ delayMs: 1_000_000 });
    await using host = await start([{ ...busy, longest: "10s" }], {
      clusters: { app },
      routes: [{ match: { prefix: "/" }, cluster: "app", timeoutMs: 0 }],
    });
    const answers = Array.from({ length: 4 }, () => host.fetch("/"));
    expect((await host.fetch("/")).status).toBe(429);
    host.advance(20_000);
    answers.push(...Array.from({ length: 4 }, () => host.fetch("/")));
    expect((await host.fetch("/")).status).toBe(429);
    host.advance(1_000_000);
    for (const answer of answers) expect((await answer).status).toBe(200);
  });
});

describe("workers for themselves", () => {
  it.each(each)(
    "let their parts of the limit pass, and take back what another limit rejects (%s)",
    async (_, quota) => {
      const limits = [
        { name: "own", scope: "worker", ...quota(10, "1h") },
        { name: "none", match: [{ uri: { exact: "/none" } }], limit: 0, per: "1s" },
      ];
      const plugins = [{ module, configuration: { limits, workers: 4 } }];
      await using host = await startEmulator({ plugins, workers: 4 });
      for (let request = 0; request < 16; request++) expect((await host.fetch("/none")).status).toBe(429);
      const statuses = await Promise.all(Array.from({ length: 40 }, async () => (await host.fetch("/")).status));
      expect(statuses.filter((status) => status === 200)).toHaveLength(12);
    },
  );
});

describe("an update", () => {
  it("of a bucket that becomes smaller locks nobody out for longer than that one takes to fill twice", async () => {
    const proxy = (maxTokens: number) => {
      const limits = [{ name: "a", algorithm: "tokenBucket", maxTokens, tokensPerFill: 1, fillInterval: "1s" }];
      return { plugins: [{ module, configuration: { limits, state: { keepOnReload: true } } }] };
    };
    await using host = await startEmulator(proxy(100));
    for (let request = 0; request < 100; request++) expect((await host.fetch("/")).status).toBe(200);
    await host.update(proxy(4));
    expect((await host.fetch("/")).status).toBe(429);
    host.advance(5000);
    expect((await host.fetch("/")).status).toBe(200);
  });
});

describe("memory", () => {
  it("is bounded however many clients come, and losses are counted", async () => {
    await using host = await start([{ name: "user", key: [{ header: "x-user" }], limit: 1, per: "1s", slots: 64 }]);
    const sizes = new Map<string, number>();
    const write = SharedData.prototype.set;
    vi.spyOn(SharedData.prototype, "set").mockImplementation(function (this: SharedData, vmId, key, value, cas) {
      sizes.set(key, value.length);
      return write.call(this, vmId, key, value, cas);
    });
    for (let client = 0; client < 5000; client++) {
      expect((await host.fetch("/", user(`client-${client}`))).status).toBe(200);
      if (client === 3) expect(await host.metric("rate_limit.user.evicted")).toBeNull();
    }
    expect(sizes.size).toBe(16);
    expect(new Set(sizes.values())).toEqual(new Set([4 * 32]));
    const evicted = await host.metric("rate_limit.user.evicted");
    expect(evicted).toBe(5000 - 64);
    host.advance(2000);
    for (let client = 0; client < 16; client++) await host.fetch("/", user(`later-${client}`));
    expect(await host.metric("rate_limit.user.evicted")).toBe(evicted);
  });

  it.each(each)("goes to those who owe for longest, whatever the quota of who comes (%s)", async (_, quota) => {
    // An override has the algorithm of its limit.
    const { algorithm, ...short } = quota(1, "1s");
    const overrides = [{ when: { "x-user": { prefix: "short" } }, ...short }];
    const limit = { name: "user", key: [{ header: "x-user" }], ...quota(1, "1h"), overrides, slots: 4 };
    await using host = await start([limit]);
    const ask = async (name: string) => (await host.fetch("/", user(name))).status;
    for (const name of ["a", "b", "c", "short-1"]) expect(await ask(name)).toBe(200);
    expect(await ask("short-2")).toBe(200);
    expect(await host.metric("rate_limit.user.evicted")).toBe(1);
    for (const name of ["a", "b", "c"]) expect(await ask(name)).toBe(429);
    expect(await ask("d")).toBe(200);
    expect(await host.metric("rate_limit.user.evicted")).toBe(2);
    for (const name of ["a", "b", "c"]) expect(await ask(name)).toBe(429);
  });

  it("goes to those with the largest debt when there is too little", async () => {
    const limit = { name: "user", key: [{ header: "x-user" }], limit: 5, per: "1h", slots: 4 };
    await using host = await start([limit]);
    for (let request = 0; request < 5; request++) await host.fetch("/", user("greedy"));
    for (let client = 0; client < 100; client++) await host.fetch("/", user(`client-${client}`));
    expect((await host.fetch("/", user("greedy"))).status).toBe(429);
  });
});

describe("a clock that goes back", () => {
  it.each(each)("gives nothing back and locks nobody out (%s)", async (_, quota) => {
    await using host = await start([{ name: "all", ...quota(2, "1s") }]);
    const passes = async () => (await host.fetch("/")).status === 200;
    expect([await passes(), await passes(), await passes()]).toEqual([true, true, false]);
    for (const step of [-1, -1, 1, -300, -3_600_000]) {
      host.advance(step);
      expect([step, await passes()]).toEqual([step, false]);
    }
    host.advance(2000);
    expect(await passes()).toBe(true);
  });

  it("neither lets more requests run at once nor keeps those counted that end", async () => {
    let reached = 0;
    const app = () => (reached++, { delayMs: 5000 });
    await using host = await start([{ name: "all", algorithm: "concurrency", limit: 2, longest: "10s" }], {
      clusters: { app },
    });
    const running = [host.fetch("/"), host.fetch("/")];
    for (const step of [-1, -5000, -3_600_000]) {
      host.advance(step);
      expect([step, (await host.fetch("/")).status]).toEqual([step, 429]);
    }
    expect(reached).toBe(2);
    host.advance(3_700_000);
    for (const request of running) expect((await request).status).toBe(200);
    running.push(host.fetch("/"));
    expect(reached).toBe(3);
    host.advance(5000);
    await Promise.all(running);
  });

  const concurrency = { name: "all", algorithm: "concurrency", limit: 2, longest: "10s" };

  /** Two requests run when the clock goes back by an hour; then, whether another one is let through. */
  const startBefore = async () => {
    let reached = 0;
    const app = () => (reached++, { delayMs: 8_000_000 });
    const routes = [{ match: { prefix: "/" }, cluster: "app", timeoutMs: 0 }];
    const host = await start([concurrency], { clusters: { app }, routes });
    const answers: Promise<unknown>[] = [];
    const begin = (options: RequestOptions = {}) => {
      const before = reached;
      answers.push(host.fetch("/", options).catch(() => "left"));
      return reached > before;
    };
    const clients = [new AbortController(), new AbortController()];
    for (const { signal } of clients) expect(begin({ signal })).toBe(true);
    host.advance(-3_600_000);
    expect(begin()).toBe(false);
    const stop = async () => {
      host.advance(20_000_000);
      await Promise.all(answers);
      await host.stop();
    };
    return { host, clients, begin, stop };
  };

  it("lets requests that began before give back what they took, and nothing more", async () => {
    const { clients, begin, stop } = await startBefore();
    for (const client of clients) {
      client.abort();
      expect([begin(), begin()]).toEqual([true, false]);
    }
    await stop();
  });

  it("lets requests that take too long give back nothing of others", async () => {
    const { host, clients, begin, stop } = await startBefore();
    host.advance(20_000);
    expect([begin(), begin(), begin()]).toEqual([true, true, false]);
    for (const client of clients) client.abort();
    expect(begin()).toBe(false);
    await stop();
  });
});

describe("host calls", () => {
  const calls = async (limit: object, requests: RequestOptions[], from = "on_request_headers(") => {
    await using host = await start([limit], { workers: 1, logLevel: "trace" });
    for (const request of requests) await host.fetch("/", request);
    const lines = host.transcript.slice(host.transcript.findLastIndex((line) => line.includes(from)));
    return lines.flatMap((line) => /^\[vm->host\] (?:proxy_|env\.proxy_)?(\w+)\(/.exec(line)?.[1] ?? []);
  };
  const warm = Array.from({ length: 4 }, () => user("a"));
  const counted = ["get_current_time_nanoseconds", "get_shared_data", "set_shared_data", "increment_metric"];

  it("of an allowed request are five by address, five by header", async () => {
    const limit = { name: "x", limit: 100, per: "1h" };
    expect(await calls({ ...limit, key: [{ remoteAddress: {} }] }, warm)).toEqual(["get_property", ...counted]);
    expect(await calls({ ...limit, key: [{ header: "x-user" }] }, warm)).toEqual(["get_header_map_pairs", ...counted]);
  });

  it("of a request that a worker counts for itself are three", async () => {
    const limit = { name: "x", scope: "worker", limit: 100, per: "1h", key: [{ header: "x-user" }] };
    expect(await calls(limit, warm)).toEqual(["get_header_map_pairs", "get_current_time_nanoseconds", "increment_metric"]); // prettier-ignore
  });

  const change = ["get_current_time_nanoseconds", "get_shared_data", "set_shared_data"];

  it("at the end of a request are three by concurrency, none else", async () => {
    const limit = { name: "x", algorithm: "concurrency", limit: 100, key: [{ header: "x-user" }] };
    expect(await calls(limit, warm, "on_delete(")).toEqual(change);
    expect(await calls({ name: "x", limit: 100, per: "1h" }, warm, "on_delete(")).toEqual([]);
  });

  it("of a response that does not count are those that give back", async () => {
    const limit = { name: "x", limit: 100, per: "1h", countStatuses: [500] };
    expect(await calls(limit, warm, "on_response_headers(")).toEqual(["get_header_map_value", ...change]);
  });

  it("of a rejected request have no write of state", async () => {
    const seen = await calls({ name: "x", limit: 1, per: "1h" }, warm);
    expect(seen.filter((name) => name !== "log")).toEqual([
      "get_current_time_nanoseconds",
      "get_shared_data",
      "increment_metric",
      "send_local_response",
    ]);
  });
});
