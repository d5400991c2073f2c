import { eachHost } from "@attache/harness/vitest";
import { expect, it } from "vitest";
import { compileFilter, filterSource } from "../compile-filter.ts";
import { Dice } from "../conformance/dice.ts";
import { randomConfiguration, randomRequest } from "./own-generator.ts";
import { decide, linesOf, type Configuration, type Headers } from "./own-model.ts";

const module = new URL("../../assembly/header-routing/build/plugin.wasm", import.meta.url);
/** All headers that matter, on either side. */
const names = ["x-a", "x-b", "x-c", "x-tag", "x-to", "x-new", "x-route-subset"];
const upstream: Headers = [
  ["x-a", "a"],
  ["x-a", "ab"],
  ["x-b", "b"],
];

/** Stands for a filter that verifies tokens: it leaves claims where header-routing looks for them. */
const verifying = await compileFilter(
  filterSource(`override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    const claims = headers.getBytes("x-claims");
    if (claims !== null) setPropertyBytes("jwt_payload", claims);
    return FilterHeaders.Continue;
  }`).replace("xxHash64,", "xxHash64, setPropertyBytes,"),
);

function proxy(configuration: Configuration) {
  const app = () => ({ headers: upstream });
  return { plugins: [{ module: verifying }, { module, configuration }], clusters: { app } };
}

function shown(headers: Headers): Record<string, string[]> {
  return Object.fromEntries(names.map((name) => [name, linesOf(headers, name)]));
}

eachHost("header-routing beside a plain model", (start) => {
  it("decides 1,500 random requests with cookies, claims, tags, sticky keys and lists of hosts", async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const dice = new Dice(seed);
    const statuses = new Set<number>();
    let compared = 0;
    await using host = await start(proxy({ http: [], options: {} }));
    for (let table = 0; table < 50; table++) {
      const configuration = randomConfiguration(dice);
      await host.update(proxy(configuration));
      for (let count = 0; count < 30; count++) {
        const request = { ...randomRequest(dice), address: "127.0.0.1" };
        const claims: Headers = request.claims === null ? [] : [["x-claims", JSON.stringify(request.claims)]];
        const response = await host.fetch("/", { headers: [["host", request.host], ...request.headers, ...claims] });
        const given = response.header("set-cookie");
        const expected = decide(configuration, request, given === null ? null : /=(\d+)/.exec(given)![1]!);
        const about = JSON.stringify({ seed, configuration, request });
        expect([response.status, given?.split("=")[0] ?? null], about).toEqual([
          expected.status || 200,
          expected.cookie,
        ]);
        statuses.add(expected.status);
        if (expected.status !== 0 || expected.isOpen) continue;
        expect(shown(host.requests("app").at(-1)!.headers), about).toEqual(shown(expected.headers));
        expect(shown(response.headers), about).toEqual(shown(expected.response(upstream)));
        compared++;
      }
    }
    expect([...statuses].sort()).toEqual([0, 403, 404, 502]);
    expect(compared).toBeGreaterThan(500);
  }, 120_000);
});
