import type { Cluster, Host, HostOptions, RequestOptions, StartHost } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { describe, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

const module = new URL("build/plugin.wasm", import.meta.url);

function proxy(configuration: unknown): HostOptions {
  return { plugins: [{ name: "rate-limit", module, configuration }], clusters: { app: () => ({ body: "app" }) } };
}

const user = (name: string, more: Record<string, string> = {}): RequestOptions => ({
  headers: { "x-user": name, ...more },
});

/** A limit per user, far from its end. */
const perUser = (more: object = {}) => ({
  name: "per-user",
  key: [{ header: "x-user" }],
  limit: 2,
  per: "1h",
  ...more,
});

/** How many of `count` equal requests pass. */
async function passing(host: Host, count: number, options: RequestOptions = {}, path = "/"): Promise<number> {
  let passed = 0;
  for (let request = 0; request < count; request++) passed += Number((await host.fetch(path, options)).status === 200);
  return passed;
}

eachHost("rate-limit", (start: StartHost) => {
  describe("limits", () => {
    it.each(["gcra", "fixedWindow", "slidingWindow", "slidingLog"])("each user for itself (%s)", async (algorithm) => {
      await using host = await start(proxy({ limits: [perUser({ algorithm, per: "366d" })] }));
      expect(await passing(host, 4, user("alice"))).toBe(2);
      expect(await passing(host, 4, user("bob"))).toBe(2);
      expect(host.requests("app")).toHaveLength(4);
    });

    it("with Envoy's token bucket", async () => {
      const bucket = { algorithm: "tokenBucket", maxTokens: 3, tokensPerFill: 1, fillInterval: "1h" };
      await using host = await start(proxy({ limits: [{ name: "bucket", ...bucket }] }));
      expect(await passing(host, 5)).toBe(3);
    });

    it("only what matches, and only requests that have the key", async () => {
      const match = [{ uri: { prefix: "/api" }, method: { exact: "GET" } }];
      await using host = await start(proxy({ limits: [perUser({ match })] }));
      expect(await passing(host, 4, user("alice"), "/api/x")).toBe(2);
      expect(await passing(host, 4, user("alice"), "/other")).toBe(4);
      expect(await passing(host, 4, { method: "POST", ...user("alice") }, "/api/x")).toBe(4);
      expect(await passing(host, 4, {}, "/api/x")).toBe(4);
      expect(await passing(host, 4, user(""), "/api/x")).toBe(4);
    });

    it("by several windows at once", async () => {
      const windows = [
        { limit: 3, per: "366d" },
        { limit: 2, per: "1h" },
      ];
      await using host = await start(proxy({ limits: [{ name: "both", windows, algorithm: "slidingWindow" }] }));
      expect(await passing(host, 4)).toBe(2);
    });

    it("by a cost that a request names, within bounds", async () => {
      const limit = perUser({ limit: 10, costFrom: { header: "x-cost", max: 6 } });
      await using host = await start(proxy({ limits: [limit] }));
      expect(await passing(host, 2, user("a", { "x-cost": "4" }))).toBe(2);
      expect(await passing(host, 1, user("a", { "x-cost": "3" }))).toBe(0);
      expect(await passing(host, 3, user("a", { "x-cost": "0" }))).toBe(2);
      expect(await passing(host, 2, user("b", { "x-cost": "99999999999999999999999" }))).toBe(1);
      expect(await passing(host, 5, user("c", { "x-cost": "-4" }))).toBe(5);
    });

    it("by a cost that the response names, with a debt when it is more than was left", async () => {
      const limit = perUser({ limit: 10, per: "366d", costFrom: { responseHeader: "x-cost", max: 12 } });
      const app: Cluster = (request) => ({ headers: { "x-cost": request.header("x-wanted")! } });
      await using host = await start({ ...proxy({ limits: [limit] }), clusters: { app } });
      const costing = (name: string, cost: string) => user(name, { "x-wanted": cost });
      expect(await passing(host, 3, costing("a", "4"))).toBe(3);
      expect(await passing(host, 2, costing("a", "0"))).toBe(0);
      expect(await passing(host, 20, costing("b", "0"))).toBe(20);
      expect(await passing(host, 2, costing("b", "99999"))).toBe(1);
      expect(await passing(host, 12, costing("c", "much"))).toBe(10);
    });

    it("by those responses only that have some statuses", async () => {
      const limit = perUser({ countStatuses: [401, "403", "5xx"] });
      const app: Cluster = (request) => ({ status: Number(request.path.slice(1)) });
      await using host = await start({ ...proxy({ limits: [limit] }), clusters: { app } });
      const statuses = async (...paths: string[]) => {
        const found = [];
        for (const path of paths) found.push((await host.fetch(path, user(paths.join()))).status);
        return found;
      };
      expect(await statuses("/200", "/401", "/404", "/403", "/200")).toEqual([200, 401, 404, 403, 429]);
      expect(await statuses("/503", "/500", "/200")).toEqual([503, 500, 429]);
      expect(await statuses("/200", "/200", "/200", "/402")).toEqual([200, 200, 200, 402]);
    });

    it("by months and years of the calendar", async () => {
      const month = { name: "month", algorithm: "fixedWindow", limit: 2, per: "month" };
      await using host = await start(proxy({ limits: [month], response: { headersOnAllowed: true } }));
      expect((await host.fetch("/")).header("ratelimit-policy")).toBe('"month";q=2;w=2592000');
      expect(await passing(host, 3)).toBe(1);
      await using yearly = await start(proxy({ limits: [{ ...month, per: "year", limit: 3 }] }));
      expect(await passing(yearly, 5)).toBe(3);
    });

    it("by the rule that a request is for, and by the common limits without one", async () => {
      const limited = (name: string, limit: number) => [{ name, limit, per: "1h" }];
      const rules = [
        { match: [{ uri: { prefix: "/free" } }] },
        { match: [{ uri: { prefix: "/api" } }], route: { exact: "other" }, limits: limited("other", 0) },
        { match: [{ uri: { prefix: "/api" } }], limits: limited("api", 1) },
      ];
      await using host = await start(proxy({ rules, limits: limited("rest", 2) }));
      expect(await passing(host, 4, {}, "/free/x")).toBe(4);
      expect(await passing(host, 4, {}, "/api/x")).toBe(1);
      expect(await passing(host, 4)).toBe(2);
    });

    it("by overrides: another limit, no limit, a ban", async () => {
      const overrides = [
        { when: { "x-user": { exact: "gold" } }, limit: 4, per: "1h" },
        { when: { "x-user": { prefix: "internal-" } }, unlimited: true },
        { when: { "x-user": { exact: "evil" } }, ban: true },
      ];
      await using host = await start(proxy({ limits: [perUser({ overrides })] }));
      expect(await passing(host, 6, user("gold"))).toBe(4);
      expect(await passing(host, 6, user("internal-1"))).toBe(6);
      expect(await passing(host, 6, user("evil"))).toBe(0);
      expect(await passing(host, 6, user("plain"))).toBe(2);
    });

    it("by overrides whose keys count together, but each of what these do not name", async () => {
      const overrides = [{ when: { "x-user": { prefix: "guest-" } }, limit: 3, per: "1h", shareThreshold: true }];
      const limit = perUser({ key: [{ header: "x-user" }, { path: {} }], overrides });
      await using host = await start(proxy({ limits: [limit] }));
      expect(await passing(host, 2, user("guest-1"))).toBe(2);
      expect(await passing(host, 2, user("guest-2"))).toBe(1);
      expect(await passing(host, 4, user("guest-2"), "/other")).toBe(3);
      expect([await passing(host, 4, user("alice")), await passing(host, 4, user("bob"))]).toEqual([2, 2]);
    });

    it("by its share of what so many proxies let pass together", async () => {
      const bucket = { algorithm: "tokenBucket", maxTokens: 7, tokensPerFill: 1, fillInterval: "1h" };
      const limits = [perUser({ limit: 10 }), { name: "bucket", key: [{ header: "x-other" }], ...bucket }];
      await using host = await start(proxy({ limits, replicas: 3, response: { headersOnAllowed: true } }));
      expect((await host.fetch("/", user("alice"))).header("ratelimit-policy")).toBe('"per-user";q=4;w=3600');
      expect(await passing(host, 5, user("alice"))).toBe(3);
      expect(await passing(host, 5, { headers: { "x-other": "bob" } })).toBe(3);
    });

    it("by the first limit that concerns a request, when told so", async () => {
      const limits = [perUser({ limit: 3 }), { name: "all", limit: 1, per: "1h" }];
      await using host = await start(proxy({ limits, evaluation: "first" }));
      expect(await passing(host, 5, user("alice"))).toBe(3);
      expect(await passing(host, 5)).toBe(1);
    });

    it("without using up anything for a request that another limit rejects", async () => {
      const limits = [
        perUser({ limit: 3 }),
        { name: "posts", match: [{ method: { exact: "POST" } }], limit: 1, per: "1h" },
      ];
      await using host = await start(proxy({ limits }));
      expect(await passing(host, 5, { method: "POST", ...user("alice") })).toBe(1);
      expect(await passing(host, 5, user("alice"))).toBe(2);
    });

    it("in shadow mode, which rejects nothing but counts", async () => {
      await using host = await start(proxy({ limits: [perUser({ mode: "shadow" })] }));
      expect(await passing(host, 5, user("alice"))).toBe(5);
      expect(await host.metric("rate_limit.per-user.shadow_over_limit")).toBe(3);
      expect(await host.metric("rate_limit.per-user.ok")).toBe(2);
      expect(await host.metric("rate_limit.per-user.over_limit")).toBeNull();
    });

    it("in shadow mode, and tells the upstream of it, which clients cannot", async () => {
      const all = { name: "all", limit: 1, per: "1h", enforcedPercent: 0 };
      await using host = await start(proxy({ limits: [perUser({ mode: "shadow" }), all], shadowHeader: "x-shadow" }));
      expect(await passing(host, 3, user("alice", { "x-shadow": "me" }))).toBe(3);
      expect(host.requests("app").map((request) => request.header("x-shadow"))).toEqual([null, "all", "per-user, all"]);
    });

    it("the requests of a share of the keys, the same on every proxy", async () => {
      const half = perUser({ limit: 0, enforcedPercent: 50, percentBy: "key" });
      const some = perUser({ name: "some", limit: 0, enabledPercent: 5, percentBy: "key" });
      const statuses = async () => {
        await using host = await start(proxy({ limits: [half, some] }));
        const found = [];
        for (let request = 0; request < 200; request++) {
          found.push((await host.fetch("/", user(`user-${request % 100}`))).status);
        }
        return found;
      };
      const found = await statuses();
      expect(found.slice(100)).toEqual(found.slice(0, 100));
      const rejected = found.slice(100).filter((status) => status === 429).length;
      expect(Math.abs(rejected - 52)).toBeLessThanOrEqual(25); // five standard deviations
      expect(await statuses()).toEqual(found);
    });

    it("a share of the requests", async () => {
      const shares = [perUser({ name: "off", enabledPercent: 0 }), perUser({ name: "lax", enforcedPercent: 0 })];
      await using host = await start(
        proxy({ limits: [...shares, perUser({ name: "half", limit: 0, enforcedPercent: 50 })] }),
      );
      const passed = await passing(host, 400, user("alice"));
      expect(Math.abs(passed - 200)).toBeLessThanOrEqual(50); // five standard deviations
      expect(await host.metric("rate_limit.off.ok")).toBeNull();
    });
  });

  describe("tells users apart", () => {
    const rows: [string, object[], [string, RequestOptions?], [string, RequestOptions?]][] = [
      [
        "cookie",
        [{ cookie: "id" }],
        ["/", { headers: { cookie: "a=b; id=1" } }],
        ["/", { headers: { cookie: "id=2" } }],
      ],
      ["query parameter", [{ query: "key" }], ["/?key=a"], ["/?x=y&key=b"]],
      ["path", [{ path: {} }], ["/a?x"], ["/b?x"]],
      ["path template", [{ pathTemplate: ["/users/{*}"] }], ["/users/1"], ["/shops/1"]],
      ["host", [{ host: {} }], ["/", { headers: { host: "A.example:80" } }], ["/", { headers: { host: "b.example" } }]],
      ["method", [{ method: {} }], ["/"], ["/", { method: "POST" }]],
      ["generic key and header", [{ genericKey: "x" }, { header: "x-user" }], ["/", user("a")], ["/", user("b")]],
      ["where one value ends", [{ header: "x-a" }, { header: "x-b" }], ["/", { headers: { "x-a": "1", "x-b": "23" } }], ["/", { headers: { "x-a": "12", "x-b": "3" } }]], // prettier-ignore
      ["what matches", [{ requestMatch: { value: "mobile", match: [{ headers: { "x-device": { prefix: "phone" } } }] }, onMissing: "useEmpty" }], ["/"], ["/", { headers: { "x-device": "phone-7" } }]], // prettier-ignore
      ["what does not match", [{ requestMatch: { value: "desk", match: [{ queryParams: { m: {} } }], expectMatch: false }, onMissing: "skipEntry" }], ["/?m="], ["/"]], // prettier-ignore
      ["an entry left out", [{ header: "x-a", onMissing: "skipEntry" }, { genericKey: "x" }], ["/"], ["/", { headers: { "x-a": "1" } }]], // prettier-ignore
    ];
    it.each(rows)("by %s", async (_, key, one, other) => {
      await using host = await start(proxy({ limits: [{ name: "by", key, limit: 1, per: "1h" }] }));
      const statuses = [];
      for (const request of [one, one, other, other]) statuses.push((await host.fetch(...request)).status);
      expect(statuses).toEqual([200, 429, 200, 429]);
    });

    it("not by the query for templates, not by port and case for hosts", async () => {
      const key = [{ pathTemplate: ["/users/{*}"] }, { host: {} }];
      await using host = await start(proxy({ limits: [{ name: "by", key, limit: 1, per: "1h" }] }));
      expect((await host.fetch("/users/1?a", { headers: { host: "A.example:80" } })).status).toBe(200);
      expect((await host.fetch("/users/2?b", { headers: { host: "a.EXAMPLE" } })).status).toBe(429);
    });

    it("and rejects requests without a key, or has them share one, when told so", async () => {
      const limit = (onMissing: string) => proxy({ limits: [perUser({ key: [{ header: "x-user", onMissing }] })] });
      await using rejecting = await start(limit("reject"));
      expect(await passing(rejecting, 2)).toBe(0);
      expect(await passing(rejecting, 2, user("alice"))).toBe(2);
      await using sharing = await start(limit("useEmpty"));
      expect(await passing(sharing, 4)).toBe(2);
      expect(await passing(sharing, 4, user("alice"))).toBe(2);
    });

    const via = (xff: string | string[]): RequestOptions => ({ headers: { "x-forwarded-for": xff } });
    it("by a link-local address, whatever its zone", async () => {
      await using host = await start(
        proxy({ limits: [{ name: "ip", key: [{ remoteAddress: {} }], limit: 1, per: "1h" }] }),
      );
      const from = async (address: string) =>
        (await host.fetch("/", { headers: { "x-forwarded-for": address } })).status;
      expect([await from("fe80::1%1"), await from("fe80::1%1"), await from("fe80::2%1")]).toEqual([200, 429, 200]);
    });

    it("by the address the proxy trusts, whatever a client writes before it", async () => {
      // This listener does not `use_remote_address`: then Envoy trusts the last address of the header.
      const limits = [{ name: "ip", key: [{ remoteAddress: {} }], limit: 1, per: "1h" }];
      await using host = await start(proxy({ limits }));
      const statuses = [];
      for (const line of ["6.6.6.6, 1.1.1.1", "7.7.7.7, 1.1.1.1", "1.1.1.1, 2.2.2.2"])
        statuses.push((await host.fetch("/", via(line))).status);
      expect(statuses).toEqual([200, 429, 200]);
    });

    it("by the address that trusted proxies saw", async () => {
      const byIp = (clientAddress: object, key: object = { remoteAddress: {} }) =>
        proxy({ clientAddress, limits: [{ name: "ip", key: [key], limit: 1, per: "1h" }] });
      const statuses = async (options: HostOptions, ...lines: string[]) => {
        await using host = await start(options);
        const found = [];
        for (const line of lines) found.push((await host.fetch("/", via(line))).status);
        return found;
      };
      const hops = byIp({ xff: { trustedHops: 2 } });
      expect(await statuses(hops, "6.6.6.6, 1.1.1.1, 9.9.9.9", "7.7.7.7,1.1.1.1:80, 8.8.8.8", "1.1.1.1, 2.2.2.2, 9.9.9.9")).toEqual([200, 429, 200]); // prettier-ignore
      const cidrs = byIp({ xff: { trustedCidrs: ["127.0.0.0/8", "10.0.0.0/8"] } });
      expect(await statuses(cidrs, "6.6.6.6, 1.1.1.1, 10.1.1.1", "7.7.7.7, 1.1.1.1, 10.2.2.2", "1.1.1.1, 2.2.2.2")).toEqual([200, 429, 200]); // prettier-ignore
      // What is no address counts for who handed it on, and opens nothing.
      expect(await statuses(hops, "unknown, 9.9.9.9", "1.2.3.4.5, 9.9.9.9")).toEqual([200, 429]);
      expect(await statuses(cidrs, "x, 10.1.1.1", ", 10.1.1.1", "x, 10.2.2.2")).toEqual([200, 429, 200]);
      const untrusted = byIp({ xff: { trustedCidrs: ["10.0.0.0/8"] } });
      expect(await statuses(untrusted, "6.6.6.6, 1.1.1.1", "7.7.7.7, 1.1.1.1")).toEqual([200, 429]);
      const canonical = byIp({ xff: { trustedHops: 1 } });
      expect(await statuses(canonical, "2001:DB8:0:0::1", "[2001:db8::1]:443", "2001:db8::2")).toEqual([200, 429, 200]);
      expect(await statuses(canonical, "::ffff:1.2.3.4", "1.2.3.4")).toEqual([200, 429]);
      const masked = byIp({ xff: { trustedHops: 1 } }, { maskedRemoteAddress: {} });
      expect(await statuses(masked, "1.2.3.4", "1.2.3.99", "1.2.4.4")).toEqual([200, 429, 200]);
      expect(await statuses(masked, "2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1")).toEqual([200, 429, 200]);
    });

    it("by who they are, of whichever issuer", async () => {
      const publishing = await compileFilter(
        filterSource(`override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
          const claims = headers.getBytes("x-claims");
          if (claims !== null) setPropertyBytes("jwt_payload", claims);
          return FilterHeaders.Continue;
        }`).replace("xxHash64,", "xxHash64, setPropertyBytes,"),
      );
      const overrides = [{ when: { consumer: { exact: "https://a/eve" } }, ban: true }];
      const limit = { name: "by", key: [{ consumer: {} }], limit: 1, per: "1h", overrides };
      const { plugins, clusters } = proxy({ limits: [limit] });
      await using host = await start({
        plugins: [{ name: "publishing", module: publishing }, ...plugins],
        clusters: clusters!,
      });
      const statuses = async (claims: object) => {
        const request = { headers: { "x-claims": JSON.stringify(claims) } };
        return [(await host.fetch("/", request)).status, (await host.fetch("/", request)).status];
      };
      expect(await statuses({ iss: "https://a", sub: "ada" })).toEqual([200, 429]);
      expect(await statuses({ iss: "https://b", sub: "ada" })).toEqual([200, 429]);
      expect(await statuses({ iss: "https://a", sub: "eve" })).toEqual([429, 429]);
      expect(await statuses({ iss: "https://a" })).toEqual([200, 200]);
    });

    it("and knows a masked address by its block in overrides", async () => {
      const overrides = [{ when: { maskedRemoteAddress: { exact: "1.2.3.0/24" } }, ban: true }];
      const limit = { name: "ip", key: [{ maskedRemoteAddress: {} }], limit: 1, per: "1h", overrides };
      await using host = await start(proxy({ clientAddress: { xff: { trustedHops: 1 } }, limits: [limit] }));
      expect((await host.fetch("/", via("1.2.3.4"))).status).toBe(429);
      expect((await host.fetch("/", via("1.2.4.4"))).status).toBe(200);
    });
  });

  describe("answers", () => {
    const headersOf = async (response: object, limit: object = {}) => {
      await using host = await start(
        proxy({ response, limits: [perUser({ algorithm: "fixedWindow", per: "366d", ...limit })] }),
      );
      const allowed = await host.fetch("/", user("a"));
      await host.fetch("/", user("a"));
      return [allowed, await host.fetch("/", user("a"))] as const;
    };
    const number = expect.stringMatching(/^[1-9][0-9]*$/);

    it("with 429, Retry-After and the header fields of draft 11", async () => {
      const [allowed, rejected] = await headersOf({});
      expect(allowed.header("ratelimit")).toBeNull();
      expect([rejected.status, rejected.text(), rejected.header("retry-after")]).toEqual([
        429,
        "rate limit exceeded",
        number,
      ]);
      expect(rejected.header("ratelimit-policy")).toBe('"per-user";q=2;w=31622400');
      expect(rejected.header("ratelimit")).toBe(`"per-user";r=0;t=${rejected.header("retry-after")}`);
      expect(rejected.header("x-ratelimit-limit")).toBeNull();
    });

    it("with the header fields of draft 3", async () => {
      const [allowed, rejected] = await headersOf({ headers: "draft03", headersOnAllowed: true });
      for (const [response, remaining] of [
        [allowed, "1"],
        [rejected, "0"],
      ] as const) {
        expect(response.header("x-ratelimit-limit")).toBe('2, 2;w=31622400;name="per-user"');
        expect(response.header("x-ratelimit-remaining")).toBe(remaining);
        expect(response.header("x-ratelimit-reset")).toEqual(number);
      }
    });

    it("with Kong's header fields, for seconds too", async () => {
      const windows = [{ limit: 5, per: "1s" }, { limit: 7, per: "1h" }, { limit: 9, per: "2h" }]; // prettier-ignore
      const response = { headers: "kong", headersOnAllowed: true };
      await using host = await start(proxy({ response, limits: [{ name: "x", windows }] }));
      const answer = await host.fetch("/");
      expect(answer.header("x-ratelimit-limit-second")).toBe("5");
      expect(answer.header("x-ratelimit-remaining-second")).toBe("4");
      expect(answer.header("x-ratelimit-limit-hour")).toBe("7");
      expect(answer.header("x-ratelimit-remaining-hour")).toBe("6");
      expect([answer.header("ratelimit-limit"), answer.header("ratelimit-remaining")]).toEqual(["5", "4"]);
      expect(answer.header("ratelimit-reset")).toBe("1");
    });

    it("with all limits of a request as policies, and the one with least left", async () => {
      const limits = [{ name: "day", limit: 100, per: "1d" }, perUser(), perUser({ name: "seen", mode: "shadow" })];
      await using host = await start(proxy({ response: { headersOnAllowed: true }, limits }));
      const answer = await host.fetch("/", user("a"));
      expect(answer.header("ratelimit-policy")).toBe('"day";q=100;w=86400, "per-user";q=2;w=3600');
      expect(answer.header("ratelimit")).toBe('"per-user";r=1;t=1800');
      expect((await host.fetch("/")).header("ratelimit-policy")).toBe('"day";q=100;w=86400');
    });

    it("with headers also on an answer that has no body, and on the proxy's own", async () => {
      const options = proxy({ response: { headersOnAllowed: true }, limits: [perUser()] });
      await using host = await start({ ...options, clusters: { app: () => ({ status: 204 }) } });
      expect((await host.fetch("/", user("a"))).header("ratelimit")).toMatch(/^"per-user";r=1;/);
      await host.update({ ...options, clusters: { app: { hosts: [] } } });
      const local = await host.fetch("/", user("b"));
      expect([local.status, local.header("ratelimit")?.split(";")[1]]).toEqual([503, "r=1"]);
    });

    it("with status and body of one's own", async () => {
      const [, text] = await headersOf({ status: 503, body: { text: "slow down" } });
      expect([text.status, text.text(), text.header("content-type")]).toEqual([503, "slow down", "text/plain"]);
      const [, json] = await headersOf({ body: { json: '{"error":"slow"}' } });
      expect([json.status, json.text(), json.header("content-type")]).toEqual([
        429,
        '{"error":"slow"}',
        "application/json",
      ]);
      const [, problem] = await headersOf({ body: { problem: true } });
      expect(problem.header("content-type")).toBe("application/problem+json");
      expect(JSON.parse(problem.text())).toMatchObject({
        type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
        "violated-policies": ["per-user"],
      });
      const [, own] = await headersOf({ status: 503 }, { response: { status: 420 } });
      expect(own.status).toBe(420);
    });

    it("gRPC clients with RESOURCE_EXHAUSTED", async () => {
      await using host = await start(proxy({ limits: [{ name: "none", limit: 0, per: "1s" }] }));
      const grpc = { method: "POST", headers: { "content-type": "application/grpc", te: "trailers" }, body: "" };
      const answer = await host.fetch("/x.Y/Z", grpc);
      expect([answer.status, answer.header("grpc-status")]).toEqual([200, "8"]);
    });

    it("without Retry-After when waiting does not help", async () => {
      await using host = await start(proxy({ limits: [perUser({ cost: 3 })] }));
      const answer = await host.fetch("/", user("a"));
      expect([answer.status, answer.header("retry-after")]).toEqual([429, null]);
    });

    it("of several limits with the one to wait for longest", async () => {
      const limits = [perUser({ name: "short", limit: 1, per: "1m" }), perUser({ name: "long", limit: 1, per: "1h" })];
      await using host = await start(proxy({ limits }));
      await host.fetch("/", user("a"));
      expect((await host.fetch("/", user("a"))).header("ratelimit")).toMatch(/^"long";r=0;t=3[56]/);
    });

    it("429 Too busy, to a request with too little time left", async () => {
      // Envoy takes the header from a client it does not trust, so a filter stands in for the proxy before this one.
      const calling = await compileFilter(
        filterSource(`override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
          const timeout = headers.get("x-timeout");
          if (timeout !== null) headers.set("x-envoy-expected-rq-timeout-ms", timeout);
          return FilterHeaders.Continue;
        }`),
      );
      const { plugins, clusters } = proxy({ shed: { minTimeLeft: "5s" } });
      await using host = await start({
        plugins: [{ name: "calling", module: calling }, ...plugins],
        clusters: clusters!,
      });
      const busy = await host.fetch("/", { headers: { "x-timeout": "4999" } });
      expect([busy.status, busy.text()]).toEqual([429, "Too busy"]);
      expect(await host.metric("rate_limit.shed")).toBe(1);
      for (const timeout of ["5000", "soon", "0"])
        expect((await host.fetch("/", { headers: { "x-timeout": timeout } })).status).toBe(200);
      expect((await host.fetch("/")).status).toBe(200);
    });
  });

  describe("state", () => {
    it("survives an update of the configuration only when told so", async () => {
      const options = (limit: number, keepOnReload: boolean) =>
        proxy({ state: { keepOnReload }, limits: [perUser({ limit, algorithm: "fixedWindow", per: "366d" })] });
      for (const [keeps, left] of [
        [true, 1],
        [false, 3],
      ] as const) {
        await using host = await start(options(2, keeps));
        expect(await passing(host, 3, user("a"))).toBe(2);
        await host.update(options(3, keeps));
        expect(await passing(host, 4, user("a"))).toBe(left);
      }
    });

    it("begins anew with another algorithm, which would misread it", async () => {
      const configured = (limit: object) => proxy({ state: { keepOnReload: true }, limits: [perUser(limit)] });
      const bucket = { algorithm: "tokenBucket", maxTokens: 2, tokensPerFill: 1, fillInterval: "1h" };
      await using host = await start(configured({}));
      expect(await passing(host, 3, user("a"))).toBe(2);
      await host.update(configured({ limit: undefined, per: undefined, ...bucket }));
      expect(await passing(host, 3, user("a"))).toBe(2);
    });

    it("is each plugin's own", async () => {
      const configuration = { limits: [perUser()] };
      const plugins = ["one", "two"].map((name) => ({ name, module, configuration }));
      await using host = await start({ plugins });
      expect(await passing(host, 4, user("a"))).toBe(2);
    });
  });

  describe("rejects a configuration", () => {
    const rejected = async (configuration: unknown) =>
      await start(proxy(configuration)).then(
        async (host) => (await host.stop(), "accepted"),
        (error: Error) => error.message,
      );

    it("with every problem and its path", async () => {
      const message = await rejected({
        limits: [
          { nam: "a", limit: 1, per: "1s" },
          { name: "b", limit: -1, per: "0s", burst: 0 },
          { name: "b", key: [{ header: "x", cookie: "y" }, {}, { maskedRemoteAddress: { v4: 33 } }], limit: 1 },
          { name: 'c"', algorithm: "concurrency", limit: 1, per: "1s", costFrom: { responseHeader: "x" } },
          { name: "d", windows: [], limit: 1, per: "1s", costFrom: {} },
          { name: "e", limit: 1, per: "1y", overrides: [{ when: { user: {} } }, { when: {}, ban: true }] },
          { name: "f", algorithm: "tokenBucket", limit: 1, per: "1s", match: [{ uri: { regex: "a" } }] },
          { name: "g", algorithm: "fixedWindow", limit: 1, per: "1s", burst: 3 },
          { name: "h", limit: 1, per: "366d", burst: 9007199254740992 },
          { name: "i", algorithm: "slidingLog", limit: 65, per: "month", countStatuses: [] },
          { name: "k", key: [{ header: "x user" }], limit: 1, per: "1s" },
          { name: "j", key: [{ claim: "a..b" }], limit: 1, per: "1s", countStatuses: ["6xx", 99, "ok"] },
        ],
        clientAddress: { xff: { trustedCidrs: ["10.0.0.0/33"] } },
        response: { status: 200, body: { text: "a", json: "{}" }, headers: "some" },
        shadowHeader: "x shadow",
      });
      for (const problem of [
        /limits\[0\]\.nam: unknown field.*"name"/,
        /limits\[0\]\.name: is required/,
        /limits\[1\]\.limit: expected an integer from 0/,
        /limits\[1\]\.per: expected a duration/,
        /limits\[1\]\.burst: expected an integer from 1/,
        /limits\[2\]\.name: another limit has this name/,
        /limits\[2\]\.per: is required/,
        /limits\[2\]\.key\[0\]: exactly one of the kinds of entries/,
        /limits\[2\]\.key\[1\]: exactly one of the kinds of entries/,
        /limits\[2\]\.key\[2\]\.maskedRemoteAddress\.v4: expected an integer from 1 to 32/,
        /limits\[3\]: with concurrency, responses tell no costs/,
        /limits\[3\]\.per: unknown field/,
        /limits\[3\]\.name: must be 1 to 100 ASCII characters/,
        /limits\[4\]: give either windows or a limit/,
        /limits\[4\]\.windows: at least one window/,
        /limits\[4\]\.costFrom: exactly one of header, query and responseHeader/,
        /limits\[5\]\.per: expected a duration/,
        /limits\[5\]\.overrides\[0\]: exactly one of/,
        /limits\[5\]\.overrides\[0\]\.when\.user: the key has no entry of this name/,
        /limits\[5\]\.overrides\[1\]\.when: name at least one/,
        /limits\[6\]\.maxTokens: is required/,
        /limits\[6\]\.limit: unknown field/,
        /limits\[6\]\.match\[0\]\.uri\.regex: this filter takes no regex/,
        /limits\[7\]\.burst: unknown field/,
        /limits\[8\]\.burst: so much would take longer/,
        /limits\[9\]\.limit: expected an integer from 0 to 64/,
        /limits\[9\]\.per: expected a duration/,
        /limits\[9\]\.countStatuses: name at least one/,
        /limits\[10\]\.key\[0\]\.header: is not a header name/,
        /limits\[11\]\.key\[0\]\.claim: must not have an empty part/,
        /limits\[11\]\.countStatuses\[0\]: expected an integer from 100 to 599, found the string "6xx"/,
        /limits\[11\]\.countStatuses\[1\]: expected an integer/,
        /limits\[11\]\.countStatuses\[2\]: expected an integer/,
        /clientAddress\.xff\.trustedCidrs\[0\]: bad CIDR range/,
        /response\.status: expected an integer from 400/,
        /response\.body: exactly one of text, json and problem/,
        /response\.headers: expected one of "none"/,
        /shadowHeader: is not a header name/,
      ]) {
        expect(message).toMatch(problem);
      }
    });

    it("that limits nothing", async () => {
      expect(await rejected({})).toContain("limits or shed must be given");
      expect(await rejected({ limits: [null] })).toMatch(/limits\[0\]: /);
    });
  });
});
