import type { Host, HostOptions, RequestOptions } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { expect, it } from "vitest";
import { rateLimitReply, readRateLimitRequest } from "../../test/rate-limit-messages.ts";

const module = new URL("build/plugin.wasm", import.meta.url);

const proxy = (limits: object[], more: object = {}): HostOptions => ({
  plugins: [{ name: "rate-limit", module, configuration: { limits, ...more } }],
  clusters: { app: () => ({ body: "app" }) },
});
const all = { name: "all", limit: 1, per: "1h" };
const perUser = (more: object = {}) => ({ name: "user", key: [{ header: "x-user" }], limit: 3, per: "1h", ...more });
const user = (name: string): RequestOptions => ({ headers: { "x-user": name } });

async function passing(host: Host, count: number, options: RequestOptions = {}): Promise<number> {
  let passed = 0;
  for (let request = 0; request < count; request++) passed += Number((await host.fetch("/", options)).status === 200);
  return passed;
}

eachHost("rate-limit's limits that replace others", (start) => {
  it("take the requests that they concern from these, and no others", async () => {
    await using host = await start(proxy([all, perUser({ replaces: ["all"] })]));
    expect(await passing(host, 5, user("ada"))).toBe(3);
    expect(await passing(host, 5, user("bob"))).toBe(3);
    expect(await passing(host, 3)).toBe(1);
    expect(await host.metric("rate_limit.all.ok")).toBe(1);
  });

  it("do so by an override for its keys alone", async () => {
    const overrides = [{ when: { "x-user": { prefix: "internal-" } }, unlimited: true, replaces: ["all"] }];
    await using host = await start(proxy([all, perUser({ overrides })]));
    expect(await passing(host, 5, user("internal-ci"))).toBe(5);
    expect(await passing(host, 5, user("ada"))).toBe(1);
  });

  it("do so whether they are replaced themselves or not", async () => {
    const admin = { name: "admin", key: [{ header: "x-admin" }], limit: 4, per: "1h", replaces: ["user"] };
    await using host = await start(proxy([all, perUser({ replaces: ["all"] }), admin]));
    expect(await passing(host, 6, { headers: { "x-user": "ada", "x-admin": "1" } })).toBe(4);
    expect(await passing(host, 6, user("ada"))).toBe(3);
  });

  it("do so only when they are enforced", async () => {
    for (const more of [{ mode: "shadow" }, { enforcedPercent: 0 }, { enabledPercent: 0 }]) {
      await using host = await start(proxy([all, perUser({ replaces: ["all"], ...more })]));
      expect(await passing(host, 3, user("ada"))).toBe(1);
    }
  });

  it("do so before the service is asked", async () => {
    const asked: string[][] = [];
    const global = { name: "global", scope: "global", key: [{ genericKey: "all" }] };
    const { plugins, clusters } = proxy([global, perUser({ replaces: ["global"] })], {
      domain: "edge",
      rateLimitService: { grpc: { cluster: "ratelimit" }, timeout: "5s" },
    });
    const ratelimit = {
      grpc: (call: { messages: readonly Uint8Array[] }) => {
        asked.push(readRateLimitRequest(call.messages[0]!).descriptors.flatMap(({ entries }) => entries));
        return { messages: [rateLimitReply({ code: 1, statuses: [] })] };
      },
    };
    const routes = [{ match: { prefix: "/" }, cluster: "app" }];
    await using host = await start({ plugins, clusters: { ...clusters, ratelimit }, routes });
    expect([await passing(host, 1, user("ada")), await passing(host, 1)]).toEqual([1, 1]);
    expect(asked).toEqual([["genericKey=all"]]);
  });

  it("stand behind these: then no two replace each other", async () => {
    const overrides = [{ when: { "x-user": { exact: "a" } }, ban: true, replaces: ["later"] }];
    const limits = [
      all,
      perUser({ replaces: ["user", "al", 5, "all"], overrides }),
      { name: "later", limit: 1, per: "1s", replaces: "all" },
    ];
    const message = await start(proxy(limits)).then(
      async (host) => (await host.stop(), "accepted"),
      (error: Error) => error.message,
    );
    for (const problem of [
      /limits\[1\]\.replaces\[0\]: no limit before this one has this name/,
      /limits\[1\]\.replaces\[1\]: no limit before this one has this name/,
      /limits\[1\]\.replaces\[2\]: expected a string, found the number 5/,
      /limits\[1\]\.overrides\[0\]\.replaces\[0\]: no limit before this one has this name/,
      /limits\[2\]\.replaces: expected an array/,
    ]) {
      expect(message).toMatch(problem);
    }
    expect(message).not.toMatch(/replaces\[3\]/);
  });
});
