import type { Host, HostOptions, RequestOptions } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { describe, expect, it } from "vitest";

const module = new URL("build/plugin.wasm", import.meta.url);

const proxy = (limits: object[], more: object = {}): HostOptions => ({
  plugins: [{ name: "rate-limit", module, configuration: { limits, ...more } }],
  clusters: { app: () => ({ body: "app" }) },
});

async function passing(host: Host, count: number, options: RequestOptions = {}, path = "/"): Promise<number> {
  let passed = 0;
  for (let request = 0; request < count; request++) passed += Number((await host.fetch(path, options)).status === 200);
  return passed;
}

/** Largest limit, periods, and how each algorithm says them. */
const algorithms: [string, number, string[], (limit: number, per: string) => object][] = [
  ["gcra", 2 ** 53, ["1ms", "366d", "8784h"], (limit, per) => ({ limit, per })],
  ["tokenBucket", 2 ** 53, ["1ms", "366d"], (maxTokens, fillInterval) => ({ maxTokens, tokensPerFill: 2 ** 53, fillInterval })], // prettier-ignore
  ["fixedWindow", 2 ** 53, ["1ms", "366d", "month", "year"], (limit, per) => ({ limit, per })],
  ["slidingWindow", 2 ** 53, ["1ms", "366d"], (limit, per) => ({ limit, per })],
  ["slidingLog", 64, ["1ms", "366d"], (limit, per) => ({ limit, per })],
  ["concurrency", 2 ** 53, ["1s", "24h"], (limit, longest) => ({ limit, longest })],
];
const extremes = algorithms.flatMap(
  ([algorithm, most, periods, quota]) =>
  periods.flatMap((per) => [0, most].map((limit) => ({ name: `${algorithm} ${limit} ${per}`, limit, algorithm, ...quota(limit, per) }))), // prettier-ignore
);

eachHost("rate-limit at its extremes", (start) => {
  it("lets nothing pass limits of 0, and everything the largest, in the shortest and the longest period", async () => {
    const limits = extremes.map(({ name, algorithm, limit, ...quota }) => ({
      name,
      algorithm,
      match: [{ headers: { "x-limit": { exact: name } } }],
      ...(algorithm === "tokenBucket" ? quota : { ...quota, limit }),
    }));
    await using host = await start(proxy(limits, { response: { headers: "all", headersOnAllowed: true } }));
    for (const { name, limit } of extremes) {
      expect([name, await passing(host, 3, { headers: { "x-limit": name } })]).toEqual([name, limit === 0 ? 0 : 3]);
    }
  });

  describe("takes 60 kB", () => {
    const long = (character: string) => character.repeat(60_000);
    const limit = (...key: object[]) => ({ name: "x", key, limit: 2, per: "1h" });
    const header = (name: string, value: string): RequestOptions => ({ headers: { [name]: value } });

    it("of a header as a key, also of bytes that are no text", async () => {
      await using host = await start(proxy([limit({ header: "x-user" })]));
      for (const value of [`${long("k")}1`, `${long("k")}2`, "\xff\xfe\x80", long("\xff")]) {
        expect(await passing(host, 4, header("x-user", value))).toBe(2);
      }
    });

    it("of a cookie, a query parameter and a path as keys", async () => {
      await using host = await start(proxy([limit({ cookie: "id" }, { query: "q", onMissing: "skipEntry" }, { path: {} })])); // prettier-ignore
      expect(await passing(host, 4, header("cookie", `a=${long("b")}; id=1`))).toBe(2);
      for (const last of ["1", "2"]) expect(await passing(host, 4, header("cookie", `id=${long("c")}${last}`))).toBe(2);
      for (const last of ["1", "2"]) expect(await passing(host, 4, header("cookie", "id=1"), `/?q=${long("d")}${last}`)).toBe(2); // prettier-ignore
      for (const last of ["1", "2"]) expect(await passing(host, 4, header("cookie", "id=1"), `/${long("e")}${last}`)).toBe(2); // prettier-ignore
    });

    it("of digits as a cost: that is the largest", async () => {
      const costFrom = { header: "x-cost", max: 2 };
      await using host = await start(proxy([{ ...limit({ header: "x-user" }), limit: 3, costFrom }]));
      expect(await passing(host, 2, { headers: { "x-user": "a", "x-cost": long("9") } })).toBe(1);
      expect(await passing(host, 4, { headers: { "x-user": "b", "x-cost": `${long("0")}x` } })).toBe(3);
    });

    it.each([{ trustedHops: 2 }, { trustedCidrs: ["10.0.0.0/8"] }])("of addresses (%j)", async (xff) => {
      await using host = await start(proxy([limit({ remoteAddress: {} })], { clientAddress: { xff } }));
      const via = (rest: string) => header("x-forwarded-for", `${"6.6.6.6, ".repeat(6_600)}${rest}`);
      expect(await passing(host, 4, via("192.0.2.1, 10.0.0.1"))).toBe(2);
      expect(await passing(host, 4, via("192.0.2.2, 10.0.0.1"))).toBe(2);
    });

    it("of digits as the time that is left", async () => {
      await using host = await start(proxy([], { shed: { minTimeLeft: "5s" } }));
      expect(await passing(host, 1, header("x-envoy-expected-rq-timeout-ms", long("9")))).toBe(1);
    });
  });
});
