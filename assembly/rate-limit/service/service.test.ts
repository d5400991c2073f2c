import {
  Emulator,
  type Cluster,
  type GrpcRequest,
  type GrpcResponse,
  type Host,
  type RequestOptions,
} from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { describe, expect, it } from "vitest";
import { rateLimitReply, readRateLimitRequest, type RateLimitReply } from "../../../test/rate-limit-messages.ts";

const module = new URL("../build/plugin.wasm", import.meta.url);

const user = (name: string, more: Record<string, string> = {}): RequestOptions => ({
  headers: { "x-user": name, ...more },
});

/** A limit that the service counts. */
const perUser = (more: object = {}) => ({ name: "per-user", scope: "global", key: [{ header: "x-user" }], ...more });

const status = (code: number, remaining: number, resetSeconds: number) => ({
  code,
  limit: { requestsPerUnit: 10, unit: 2, name: "users" },
  remaining,
  resetSeconds,
});
const ok: RateLimitReply = { code: 1, statuses: [status(1, 9, 30)] };
/** `overall_code: -1` */
const negativeCode = Buffer.from("08ffffffffffffffffff01", "hex");
const over: RateLimitReply = { code: 2, statuses: [status(2, 0, 30)] };

eachHost("rate-limit with the service", (start) => {
  const withService = async (
    service: Cluster,
    limits: object[] = [perUser()],
    more: object = {},
    app: Cluster = () => ({ body: "app" }),
  ) =>
    await start({
      plugins: [
        {
          name: "rate-limit",
          module,
          configuration: {
            domain: "edge",
            rateLimitService: { grpc: { cluster: "ratelimit" }, timeout: "100ms" },
            limits,
            ...more,
          },
        },
      ],
      clusters: { app, ratelimit: service },
      routes: [{ match: { prefix: "/" }, cluster: "app" }],
    });
  const answering = (reply: RateLimitReply | ((call: GrpcRequest) => RateLimitReply)): Cluster => ({
    grpc: (call) => ({ messages: [rateLimitReply(typeof reply === "function" ? reply(call) : reply)] }),
  });
  /** Virtual time goes on while the request waits. */
  const ask = async (host: Host, options: RequestOptions = user("ada"), path = "/") => {
    const fetched = host.fetch(path, options);
    if (host instanceof Emulator) host.advance(1000);
    return await fetched;
  };
  const passing = async (host: Host, count: number, options?: RequestOptions, path?: string) => {
    let passed = 0;
    for (let request = 0; request < count; request++) passed += Number((await ask(host, options, path)).status === 200);
    return passed;
  };

  describe("asks", () => {
    it("with domain, descriptors and hits, and once for all limits", async () => {
      const calls: GrpcRequest[] = [];
      const service = answering((call) => (calls.push(call), { code: 1, statuses: [] }));
      const limits = [
        perUser({ cost: 3, key: [{ genericKey: "api" }, { header: "x-user", name: "user" }] }),
        perUser({ name: "by-path", key: [{ path: {} }], limit: 50, per: "1h" }),
        perUser({ name: "by-tenant", key: [{ header: "x-tenant" }] }),
      ];
      await using host = await withService(service, limits);
      expect((await ask(host, user("ada"), "/data?q")).status).toBe(200);
      expect(calls.map(({ service, method }) => `${service}/${method}`)).toEqual([
        "envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit",
      ]);
      expect(readRateLimitRequest(calls[0]!.messages[0]!)).toEqual({
        domain: "edge",
        hitsAddend: 3,
        descriptors: [
          { entries: ["genericKey=api", "user=ada"] },
          { entries: ["path=/data"], limit: [50, 3], hitsAddend: 1 },
        ],
      });
    });

    it("not at all when no global limit has its key", async () => {
      await using host = await withService(answering(over));
      expect((await ask(host, {})).status).toBe(200);
      expect(host.requests("ratelimit")).toEqual([]);
    });

    it("with values as UTF-8, whatever a client sends", async () => {
      const calls: GrpcRequest[] = [];
      await using host = await withService(answering((call) => (calls.push(call), ok)));
      expect((await ask(host, user("\xff\xfe"))).status).toBe(200);
      expect(readRateLimitRequest(calls[0]!.messages[0]!).descriptors[0]!.entries).toEqual(["x-user=\ufffd\ufffd"]);
    });

    it("with another limit for some keys, not about those without one, nor about banned ones", async () => {
      const calls: GrpcRequest[] = [];
      const overrides = [
        { when: { "x-user": { exact: "gold" } }, limit: 1000, per: "1d" },
        { when: { "x-user": { exact: "staff" } }, unlimited: true },
        { when: { "x-user": { exact: "evil" } }, ban: true },
      ];
      await using host = await withService(
        answering((call) => (calls.push(call), ok)),
        [perUser({ overrides })],
      );
      const statuses = [];
      for (const name of ["gold", "staff", "evil"]) statuses.push((await ask(host, user(name))).status);
      expect(statuses).toEqual([200, 200, 429]);
      expect(calls.map(({ messages }) => readRateLimitRequest(messages[0]!).descriptors)).toEqual([
        [{ entries: ["x-user=gold"], limit: [1000, 4] }],
      ]);
    });
  });

  describe("answers", () => {
    it("as the service says, with its quota", async () => {
      const response = { headers: "ietf", headersOnAllowed: true };
      await using host = await withService(
        answering((call) =>
          readRateLimitRequest(call.messages[0]!).descriptors[0]!.entries[0] === "x-user=bob" ? over : ok,
        ),
        [perUser()],
        { response },
      );
      const allowed = await ask(host);
      expect([allowed.status, allowed.header("ratelimit")]).toEqual([200, '"users";r=9;t=30']);
      const rejected = await ask(host, user("bob"));
      expect([rejected.status, rejected.text()]).toEqual([429, "rate limit exceeded"]);
      expect(rejected.header("ratelimit-policy")).toBe('"users";q=10;w=60');
      expect([rejected.header("retry-after"), rejected.header("x-envoy-ratelimited")]).toEqual(["30", "true"]);
      expect(host.requests("app")).toHaveLength(1);
      expect(await host.metric("rate_limit.per-user.ok")).toBe(1);
      expect(await host.metric("rate_limit.per-user.over_limit")).toBe(1);
    });

    it("with the headers and the body that the service adds", async () => {
      const more = { responseHeaders: { "x-plan": "free" }, requestHeaders: { "x-checked": "yes", ":path": "/evil" } };
      await using host = await withService(
        answering((call) =>
          readRateLimitRequest(call.messages[0]!).descriptors[0]!.entries[0] === "x-user=bob"
            ? { ...over, ...more, body: "see /plans" }
            : { ...ok, ...more },
        ),
      );
      expect((await ask(host)).header("x-plan")).toBe("free");
      const [request] = host.requests("app");
      expect([request!.path, request!.header("x-checked")]).toEqual(["/", "yes"]);
      const rejected = await ask(host, user("bob"));
      expect([rejected.text(), rejected.header("x-plan")]).toEqual(["see /plans", "free"]);
    });

    it("without x-envoy-ratelimited when told so, and to what local limits reject", async () => {
      const response = { disableXEnvoyRatelimitedHeader: true };
      await using silent = await withService(answering(over), [perUser()], { response });
      const rejected = await ask(silent);
      expect([rejected.status, rejected.header("x-envoy-ratelimited")]).toEqual([429, null]);
      const local = { name: "local", key: [{ header: "x-user" }], limit: 0, per: "1s" };
      await using host = await withService(answering(over), [local, perUser()]);
      const locally = await ask(host);
      expect([locally.status, locally.header("x-envoy-ratelimited")]).toEqual([429, null]);
    });

    it("to a limit in shadow mode by counting only", async () => {
      await using host = await withService(answering(over), [perUser({ mode: "shadow" })]);
      expect(await passing(host, 2)).toBe(2);
      expect(await host.metric("rate_limit.per-user.shadow_over_limit")).toBe(2);
    });

    it("over the limit are remembered until the service counts anew", async () => {
      let reset = 3600;
      const perHour = () => ({ ...status(2, 0, reset), limit: { requestsPerUnit: 10, unit: 3, name: "users" } });
      await using host = await withService(answering(() => ({ code: 2, statuses: [perHour()] })));
      for (let request = 0; request < 3; request++) {
        const answer = await ask(host);
        expect([answer.status, Number(answer.header("retry-after")) > 3500]).toEqual([429, true]);
      }
      expect(host.requests("ratelimit")).toHaveLength(1);
      reset = 0;
      await ask(host, user("bob"));
      await ask(host, user("bob"));
      expect(host.requests("ratelimit")).toHaveLength(3);
    });

    it("over the limit are not remembered for longer than the limit's unit", async () => {
      await using host = await withService(answering({ code: 2, statuses: [status(2, 0, 1e9)] }));
      const answer = await ask(host);
      expect([answer.status, answer.header("retry-after")]).toEqual([429, "60"]);
      if (!(host instanceof Emulator)) return;
      host.advance(58_000);
      await ask(host);
      expect(host.requests("ratelimit")).toHaveLength(1);
      host.advance(2_000);
      await ask(host);
      expect(host.requests("ratelimit")).toHaveLength(2);
    });
  });

  describe("is told what a request takes when its response tells", () => {
    /** Counts as the service does: a question passes as long as no more than the limit is used. */
    const counting = (limit: number, hits: number[]) =>
      answering((call) => {
        const question = readRateLimitRequest(call.messages[0]!);
        hits.push(question.descriptors[0]!.hitsAddend ?? Math.max(question.hitsAddend, 1));
        const left = hits.reduce((sum, hit) => sum - hit, limit);
        const code = left < 0 ? 2 : 1;
        return { code, statuses: [status(code, Math.max(left, 0), 30)] };
      });
    const app: Cluster = (request) => ({
      status: Number(request.path.slice(1)),
      headers: { "x-cost": request.header("x-wanted") ?? "" },
    });

    it("by a header", async () => {
      const hits: number[] = [];
      const limit = perUser({ costFrom: { responseHeader: "x-cost" } });
      await using host = await withService(counting(10, hits), [limit], {}, app);
      const costing = async (cost: string) => (await ask(host, user("ada", { "x-wanted": cost }), "/200")).status;
      expect(await costing("7")).toBe(200);
      await expect.poll(() => hits).toEqual([0, 7]);
      expect(await costing("5")).toBe(200);
      await expect.poll(() => hits).toEqual([0, 7, 0, 5]);
      expect([await costing("1"), await costing("1")]).toEqual([429, 429]);
      expect(hits).toEqual([0, 7, 0, 5, 0]);
    });

    it("by its status, as long as anything is left", async () => {
      const hits: number[] = [];
      await using host = await withService(counting(2, hits), [perUser({ countStatuses: [401] })], {}, app);
      const statuses = [];
      for (const [path, told] of [
        ["/401", 2],
        ["/200", 3],
        ["/401", 5],
        ["/200", 6],
      ] as const) {
        // prettier-ignore
        statuses.push((await ask(host, user("ada"), path)).status);
        await expect.poll(() => hits.length).toBe(told);
      }
      expect([statuses, hits]).toEqual([
        [401, 200, 401, 429],
        [0, 1, 0, 0, 1, 0],
      ]);
    });

    it("and of one whose client did not wait", async () => {
      const hits: number[] = [];
      const silent = () => ({ delayMs: 60_000, reset: true });
      await using host = await withService(counting(2, hits), [perUser({ countStatuses: [401] })], {}, silent);
      const client = new AbortController();
      const asked = ask(host, { ...user("ada"), signal: client.signal }).catch(() => null);
      await expect.poll(() => host.requests("app").length).toBe(1);
      client.abort();
      await asked;
      await expect.poll(() => hits).toEqual([0, 1]);
    });

    it("and counts when it cannot be told", async () => {
      const service: Cluster = {
        grpc: (call) =>
          readRateLimitRequest(call.messages[0]!).hitsAddend === 0
            ? { messages: [rateLimitReply(ok)] }
            : { status: 14 },
      };
      await using host = await withService(service, [perUser({ countStatuses: [200] })], {}, app);
      expect((await ask(host, user("ada"), "/200")).status).toBe(200);
      await expect.poll(() => host.metric("rate_limit.report_error")).toBe(1);
    });
  });

  describe("together with local limits", () => {
    const local = { name: "local", key: [{ header: "x-user" }], algorithm: "fixedWindow", limit: 2, per: "366d" };

    it("asks only about what these let pass", async () => {
      await using host = await withService(answering(ok), [perUser(), local]);
      expect(await passing(host, 4)).toBe(2);
      expect(host.requests("ratelimit")).toHaveLength(2);
    });

    it("gives back to these what the service rejects", async () => {
      let reply = { ...over, statuses: [status(2, 0, 0)] };
      await using host = await withService(
        answering(() => reply),
        [local, perUser()],
      );
      expect(await passing(host, 4)).toBe(0);
      reply = { code: 1, statuses: [status(1, 5, 9)] };
      expect(await passing(host, 4)).toBe(2);
    });
  });

  const contradictions: [string, RateLimitReply][] = [
    ["no descriptor", { code: 2, statuses: [status(1, 9, 30)] }],
    ["a descriptor with a code that there is not", { code: 2, statuses: [status(7, 9, 30)] }],
  ];
  it.each(contradictions)("rejects what the service rejects for %s", async (_, reply) => {
    await using host = await withService(answering(reply));
    expect((await ask(host)).status).toBe(429);
    expect(host.requests("app")).toEqual([]);
  });

  const failures: [string, Cluster][] = [
    ["fails", { grpc: () => ({ status: 13, statusMessage: "redis is down" }) }],
    ["answers UNKNOWN", answering({ code: 0, statuses: [] })],
    ["answers a code that there is not", answering({ code: 7, statuses: [] })],
    ["answers a code below all", { grpc: (): GrpcResponse => ({ messages: [negativeCode] }) }],
    ["answers garbage", { grpc: (): GrpcResponse => ({ messages: [Buffer.from([0x08, 0x01, 0x12])] }) }],
    ["answers nothing", { grpc: (): GrpcResponse => ({ messages: [] }) }],
    ["is slow", { grpc: () => ({ messages: [rateLimitReply(ok)], delayMs: 700 }) }],
    ["breaks off", { grpc: () => ({ reset: true }) }],
    ["has no host", { hosts: [] }],
  ];
  it.each(failures)("decides by the failure mode when the service %s", async (_, service) => {
    await using denying = await withService(service);
    expect((await ask(denying)).status).toBe(500);
    expect(await denying.metric("rate_limit.per-user.error")).toBe(1);
    expect(denying.requests("app")).toEqual([]);
    await using allowing = await withService(service, [perUser({ failureMode: "allow" })]);
    expect((await ask(allowing)).status).toBe(200);
    expect(await allowing.metric("rate_limit.per-user.failure_mode_allowed")).toBe(1);
  });

  it("denies a share of the requests that could not be counted", async () => {
    const limit = perUser({ failureModeDenyPercent: 50 });
    await using host = await withService({ grpc: () => ({ status: 14 }) }, [limit]);
    const passed = await passing(host, 200);
    expect(Math.abs(passed - 100)).toBeLessThanOrEqual(36); // five standard deviations
  });

  it("is refused with every problem of its configuration", async () => {
    const configuration = {
      limits: [perUser({ key: [] }), perUser({ name: "b", limit: 5, per: "2h", algorithm: "gcra" })],
      rateLimitService: { grpc: { service: "rls.infra.svc.cluster.local" }, timeout: "0s" },
    };
    const message = await start({ plugins: [{ name: "rate-limit", module, configuration }] }).then(
      async (host) => (await host.stop(), "accepted"),
      (error: Error) => error.message,
    );
    for (const problem of [
      /limits\[0\]: a global limit needs a key/,
      /limits\[1\]\.per: expected one of "1s"/,
      /limits\[1\]\.algorithm: unknown field/,
      /domain: is required/,
      /rateLimitService\.grpc\.port: is required/,
      /rateLimitService\.timeout: expected a duration from 1ms/,
    ]) {
      expect(message).toMatch(problem);
    }
  });
});
