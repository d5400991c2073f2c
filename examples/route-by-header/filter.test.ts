import { eachHost } from "@attache/harness/vitest";
import { expect, it } from "vitest";

const module = new URL("build/plugin.wasm", import.meta.url);
const configuration = { default: "stable", targets: { "2": "canary", "1": "stable" } };

eachHost("route by header", (start) => {
  it.each<[string, Record<string, string>, string]>([
    ["a header", { "x-version": "2" }, "canary"],
    ["a cookie", { cookie: "a=b; version=2" }, "canary"],
    ["the header before the cookie", { "x-version": "1", cookie: "version=2" }, "stable"],
    ["nothing known", { "x-version": "3" }, "stable"],
    ["nothing", {}, "stable"],
    ["the client's own choice of target", { "x-target": "canary" }, "stable"],
  ])("routes by %s", async (_, headers, cluster) => {
    await using host = await start({
      plugins: [{ module, configuration }],
      clusters: { stable: () => ({ body: "stable" }), canary: () => ({ body: "canary" }) },
      routes: [
        { match: { prefix: "/", headers: [{ name: "x-target", exact: "canary" }] }, cluster: "canary" },
        { match: { prefix: "/" }, cluster: "stable" },
      ],
    });
    expect((await host.fetch("/", { headers })).text()).toBe(cluster);
  });

  it.each<[unknown, RegExp]>([
    [{}, /default: is required/],
    [{ default: "stable", targets: { "2": 3 } }, /targets\.2: expected a string/],
  ])("refuses the configuration %j", async (wrong, message) => {
    await expect(start({ plugins: [{ module, configuration: wrong }] })).rejects.toThrow(message);
  });
});
