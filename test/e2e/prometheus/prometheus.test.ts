import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { findEnvoy } from "@attache/harness/envoy";
import { withoutEnvoy } from "@attache/harness/vitest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitUntil } from "../../../harness/envoy/wait.ts";
import { EnvoyFile, type Bootstrap } from "../../envoy-file.ts";
import { hasPrometheus, PrometheusServer } from "./server.ts";

const folder = new URL("../../../assembly/metrics/", import.meta.url);
const envoy = await findEnvoy();
const isThere = hasPrometheus && envoy !== null;
const missing = hasPrometheus
  ? `metrics in Prometheus: ${withoutEnvoy}`
  : "Prometheus: not installed, see `npm run setup -- --all`";
const suite = isThere ? "metrics in Prometheus" : missing;

/** The queries of the README, in order. */
const readme = await readFile(new URL("README.md", folder), "utf8");
const queries = [...readme.matchAll(/```promql\n([^]*?)```/g)].flatMap(([, text]) =>
  text!.split("\n").filter((line) => line !== "" && !line.startsWith("#")),
);
const [byRoute, errorShare, slow, sizes, burnRate] = queries as [string, string, string, string, string];

/** Every request of the filter's `envoy.yaml` is answered at once; here `/users/503/…` with an error. */
function change(bootstrap: Bootstrap): void {
  bootstrap["stats_flush_interval"] = "0.1s";
  const manager = bootstrap["static_resources"].listeners[0].filter_chains[0].filters[0].typed_config;
  const failing = { match: { prefix: "/users/503" }, direct_response: { status: 503 } };
  manager.route_config.virtual_hosts[0].routes.unshift(failing);
}

describe.skipIf(!isThere)(suite, () => {
  let proxy: EnvoyFile;
  let prometheus: PrometheusServer;

  const send = async (path: string, times: number) => {
    for (let request = 0; request < times; request++) await (await fetch(proxy.proxy + path)).text();
  };
  /** Until an expression gives this number. */
  const reaches = async (expression: string, value: number) => {
    let seen: unknown;
    await waitUntil(`${expression} to be ${value}`, async () => {
      seen = await prometheus.query(expression);
      return (seen as { value: number }[])[0]?.value === value || null;
    }).catch((error: Error) => {
      throw new Error(`${error.message}; it gives ${JSON.stringify(seen)}`);
    });
  };
  const one = async (expression: string) => {
    const samples = await prometheus.query(expression);
    expect(samples, expression).toHaveLength(1);
    return samples[0]!.value;
  };

  beforeAll(async () => {
    proxy = await EnvoyFile.start(envoy!, new URL("envoy.yaml", folder), change);
    // A rate counts from the first scrape on, and looks for the zero before it: all series begin there, in proportion.
    await send("/users/42", 3);
    await send("/users/503/orders", 1);
    prometheus = await PrometheusServer.start(proxy.admin, new URL("prometheus-rules.yaml", folder));
    await reaches("sum(istio_requests_total)", 4);
    await send("/users/42", 60);
    await send("/users/503/orders", 20);
    await reaches("sum(istio_requests_total)", 84);
    await reaches("sum(istio_response_bytes_count)", 84);
    await reaches("sum(slo_requests_total)", 84);
  });

  afterAll(async () => {
    await prometheus[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  it("are series with labels, with the proxy's right numbers", async () => {
    const samples = await prometheus.query("istio_requests_total");
    const seen = samples.map(({ metric, value }) => [metric["route"], metric["response_code"], value]);
    expect(seen.sort()).toEqual([
      ["/users/{*}", "200", 63],
      ["/users/{*}/orders", "503", 21],
    ]);
    // Name, job, instance, and 27 labels of which one is empty, which Prometheus leaves out.
    for (const { metric } of samples) expect(Object.keys(metric)).toHaveLength(3 + 27 - 1);
    expect(await one("slo_requests_total")).toBe(84);
    expect(await one("slo_good_total")).toBe(63);
  });

  it("answer the README's queries", async () => {
    expect(queries).toHaveLength(5);
    const rates = new Map((await prometheus.query(byRoute)).map(({ metric, value }) => [metric["route"], value]));
    expect([...rates.keys()].sort()).toEqual(["/users/{*}", "/users/{*}/orders"]);
    expect(rates.get("/users/{*}")! / rates.get("/users/{*}/orders")!).toBeCloseTo(3, 6);
    expect(await one(errorShare)).toBeCloseTo(0.25, 6);
    // All were answered at once: in the histogram's lower buckets.
    expect(await one(slow)).toBeGreaterThanOrEqual(0);
    expect(await one(slow)).toBeLessThan(300);
    const mean = await one("sum(istio_response_bytes_sum) / sum(istio_response_bytes_count)");
    expect((await one(sizes)) / mean).toBeCloseTo(1, 1);
  });

  it("feed the recording rules and alerts", async () => {
    await waitUntil("the rules to see all requests", async () => {
      const [sample] = await prometheus.query("slo:error_ratio:rate5m");
      return sample !== undefined && Math.abs(sample.value - 0.25) < 1e-6 ? true : null;
    });
    for (const window of ["5m", "30m", "1h", "2h", "6h", "1d", "3d"]) {
      expect(await one(`slo:error_ratio:rate${window}`), window).toBeCloseTo(0.25, 6);
    }
    expect(await one(burnRate)).toBeCloseTo(250, 3);
    const all = ["SloBudgetRunsOut api", "SloBurns api", "SloBurnsFast api", "SloBurnsSlowly api"];
    await waitUntil("the alerts to fire", async () =>
      (await prometheus.alerts()).length === all.length ? true : null,
    );
    expect(await prometheus.alerts()).toEqual(all);
  });

  it("are named as `promtool check metrics` asks for, but for what is Envoy's and Istio's", async () => {
    const page = await proxy.statistics();
    const own = page.split("\n").filter((line) => /^(# TYPE )?(istio|slo|http_requests_in_flight)_?/.test(line));
    expect(own.length).toBeGreaterThan(20);
    const { stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
      input: `${own.join("\n")}\n`,
      encoding: "utf8",
    });
    // Envoy writes no help.
    const complaints = (stdout + stderr).split("\n").filter((line) => line !== "" && !line.endsWith(" no help text"));
    expect(complaints).toEqual([
      'istio_request_duration_milliseconds use base unit "seconds" instead of "milliseconds"',
    ]);
  });
});
