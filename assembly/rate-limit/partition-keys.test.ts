import type { HostOptions, RequestOptions } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { expect, it } from "vitest";

const module = new URL("build/plugin.wasm", import.meta.url);

const proxy = (limits: object[], more: object = {}, headers = "ietf"): HostOptions => ({
  plugins: [
    {
      name: "rate-limit",
      module,
      configuration: { limits, response: { headers, headersOnAllowed: true, partitionKeys: true }, ...more },
    },
  ],
  clusters: { app: () => ({ body: "app" }) },
});
const perUser = { name: "user", key: [{ header: "x-user" }], limit: 2, per: "1h" };
const user = (name: string): RequestOptions => ({ headers: { "x-user": name } });
/** A byte sequence of six bytes (RFC 9651 §3.3.5), without padding. */
const parameter = /;pk=(:[A-Za-z0-9+/]{8}:)$/;
const keySecret = "0123456789abcdef";

eachHost("rate-limit's partition keys", (start) => {
  it("are in both fields, the same for the same user, and tell nothing", async () => {
    await using host = await start(proxy([perUser]));
    const found = [];
    for (const name of ["ada", "ada", "ada", "bob"]) {
      const answer = await host.fetch("/", user(name));
      const policy = answer.header("ratelimit-policy")!;
      expect(policy.replace(parameter, "")).toBe('"user";q=2;w=3600');
      const [, key] = parameter.exec(policy)!;
      expect(parameter.exec(answer.header("ratelimit")!)![1]).toBe(key);
      found.push({ status: answer.status, key });
    }
    expect(found.map(({ status }) => status)).toEqual([200, 200, 429, 200]);
    const [first, second, rejected, other] = found.map(({ key }) => key);
    expect([second, rejected]).toEqual([first, first]);
    expect(other).not.toBe(first);
  });

  it("are each limit's own, and those of limits only that tell users apart", async () => {
    const limits = [{ name: "all", limit: 9, per: "1h" }, perUser, { ...perUser, name: "other", limit: 1 }];
    await using host = await start(proxy(limits));
    const answer = await host.fetch("/", user("ada"));
    const [all, own, other] = answer.header("ratelimit-policy")!.split(", ");
    expect(all).toBe('"all";q=9;w=3600');
    expect(own).toMatch(parameter);
    expect(answer.header("ratelimit")).toMatch(/^"other";r=0;/);
    expect(parameter.exec(answer.header("ratelimit")!)![1]).toBe(parameter.exec(other!)![1]);
  });

  it("are those that count together by an override", async () => {
    const overrides = [{ when: { "x-user": { prefix: "guest-" } }, limit: 3, per: "1h", shareThreshold: true }];
    await using host = await start(proxy([{ ...perUser, overrides }]));
    const keys = [];
    for (const name of ["guest-1", "guest-2", "ada"]) {
      keys.push(parameter.exec((await host.fetch("/", user(name))).header("ratelimit")!)![1]);
    }
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  it("are the same on all proxies that have the same secret", async () => {
    const keyOn = async (secret: string) => {
      await using host = await start(proxy([perUser], { keySecret: secret }));
      return parameter.exec((await host.fetch("/", user("ada"))).header("ratelimit")!)![1];
    };
    const key = await keyOn(keySecret);
    expect(await keyOn(keySecret)).toBe(key);
    expect(await keyOn(`${keySecret}0`)).not.toBe(key);
  });

  it("are in no other header fields", async () => {
    await using host = await start(proxy([perUser], {}, "all"));
    const { headers } = await host.fetch("/", user("ada"));
    const telling = headers.filter(([, value]) => value.includes("pk=")).map(([name]) => name);
    expect(telling.toSorted()).toEqual(["ratelimit", "ratelimit-policy"]);
  });

  it("ask for a secret that nobody guesses", async () => {
    const started = start(proxy([perUser], { keySecret: "s3cr3t" }));
    await expect(started).rejects.toThrow(/keySecret: must have at least 16 characters/);
    await expect(started).rejects.not.toThrow(/s3cr3t/);
  });
});
