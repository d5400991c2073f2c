import { readFileSync } from "node:fs";
import type { Cluster, HostOptions } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { expect, it } from "vitest";
import { series } from "../../test/metric-series.ts";

const module = new URL("../../assembly/metrics/build/plugin.wasm", import.meta.url);
const proxy = (recipe: string, app: Cluster): HostOptions => ({
  plugins: [{ name: "metrics", module, configuration: readFileSync(new URL(recipe, import.meta.url), "utf8") }],
  clusters: { app },
});

eachHost("metrics recipes", (start) => {
  it("request-count.json counts by services and status, with defaults", async () => {
    await using host = await start(proxy("request-count.json", () => ({ status: 201 })));
    await host.fetch("/");
    await host.fetch("/");
    const labels = { destination_service: "unknown", response_code: "201", source_service: "unknown" };
    expect(await host.metric(series("istio_request_count", labels))).toBe(2);
    expect(await host.metric(series("istio_request_count", { ...labels, response_code: "200" }))).toBeNull();
  });

  it("red.json counts by route, method and class of status, and nothing else", async () => {
    await using host = await start(proxy("red.json", ({ path }) => ({ status: path.endsWith("orders") ? 503 : 200 })));
    for (const path of ["/users/1", "/users/2", "/users/2/orders", "/.git"]) await host.fetch(path);
    const count = async (code_class: string, route: string) =>
      await host.metric(series("istio_http_requests_total", { code_class, method: "GET", route }));
    expect(await count("2xx", "/users/{*}")).toBe(2);
    expect(await count("5xx", "/users/{*}/orders")).toBe(1);
    expect(await count("2xx", "other")).toBe(1);
    expect(await host.metric("http_requests_in_flight")).toBe(0);
    const labels = { code_class: "2xx", method: "GET", route: "other" };
    expect(await host.metric(series("istio_requests_total", labels))).toBeNull();
  });

  it("slo.json counts good requests and all, of those that matter", async () => {
    await using host = await start(
      proxy("slo.json", (request) => ({ status: request.header("x-fail") === null ? 200 : 500 })),
    );
    await host.fetch("/checkout", { method: "POST" });
    await host.fetch("/checkout", { method: "POST", headers: { "x-fail": "1" } });
    await host.fetch("/checkout");
    const count = async (slo: string, name: string) => await host.metric(series(`slo_${name}_total`, { slo }));
    expect([await count("checkout", "good"), await count("checkout", "requests")]).toEqual([1, 2]);
    expect([await count("all", "good"), await count("all", "requests")]).toEqual([2, 3]);
  });

  it("json-log.json writes a line for a request that failed", async () => {
    await using host = await start(proxy("json-log.json", ({ path }) => ({ status: path === "/" ? 200 : 404 })));
    await host.fetch("/");
    await host.fetch("/missing");
    const line = JSON.parse((await host.waitForLog(/^\{/)).message) as Record<string, unknown>;
    const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
    const documented = JSON.parse(/```json\n([^]*?)```/.exec(readme)![1]!) as Record<string, unknown>;
    expect(line).toMatchObject({ method: "GET", path: "/missing", status: 404, team: "none", slow: false });
    // As the README shows it, but for what Envoy and its client add.
    const added = ["request_id", "user_agent", "route"];
    expect(Object.keys(line).filter((name) => !added.includes(name))).toEqual(Object.keys(documented));
  });
});
