import { findEnvoy } from "@attache/harness/envoy";
import { withoutEnvoy } from "@attache/harness/vitest";
import { expect, describe, it } from "vitest";
import { waitUntil } from "../../harness/envoy/wait.ts";
import { EnvoyFile } from "../../test/envoy-file.ts";

const envoy = await findEnvoy();

// The runner's Envoy has no stats_tags: this one is started as the documentation says.
describe.skipIf(envoy === null)(`envoy.yaml${envoy === null ? `: ${withoutEnvoy}` : ""}`, () => {
  it("shows every label to Prometheus, whatever clients send", async () => {
    await using proxy = await EnvoyFile.start(envoy!, new URL("envoy.yaml", import.meta.url));
    for (const path of ["/users/42", "/users/7", "/users/7/orders", "/=.=;.;"]) await fetch(proxy.proxy + path);
    const page = await waitUntil("all requests to be counted", async () => {
      const text = await proxy.statistics();
      return text.includes('slo_good_total{slo="api"} 4\n') ? text : null;
    });
    const lines = page.split("\n").filter((line) => line.startsWith("istio_requests_total{"));
    const counts = lines.map((line) => [/route="([^"]*)"/.exec(line)?.[1], Number(line.split("} ")[1])]);
    expect(counts.sort()).toEqual([
      ["/users/{*}", 2],
      ["/users/{*}/orders", 1],
      ["other", 1],
    ]);
    for (const line of lines) {
      expect(line).toMatch(/^istio_requests_total\{reporter="destination",source_workload="unknown",.*\} \d$/);
      expect(line.match(/="/g)).toHaveLength(27);
      expect(line).toContain('response_code="200",grpc_response_status="",response_flags="-"');
    }
    expect(page).toContain("# TYPE istio_request_duration_milliseconds histogram");
    expect(page).not.toContain("=.=");
  });

  it("tells the service and workload that Istio writes into cluster and node", async () => {
    const services = [{ namespace: "other", name: "front-name", host: "front.other.svc" }];
    await using proxy = await EnvoyFile.start(envoy!, new URL("envoy.yaml", import.meta.url), (bootstrap) => {
      bootstrap.node = { id: "a", cluster: "b", metadata: { WORKLOAD_NAME: "reviews-v2", LABELS: { app: "reviews" } } };
      const [listener] = bootstrap.static_resources.listeners;
      listener.traffic_direction = "OUTBOUND";
      const manager = listener.filter_chains[0].filters[0].typed_config;
      manager.route_config.virtual_hosts = [
        { name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "front" } }] },
      ];
      const metadata = { filter_metadata: { istio: { services } } };
      bootstrap.static_resources.clusters = [{ name: "front", metadata }];
    });
    await fetch(`${proxy.proxy}/users/42`);
    const line = await waitUntil("the request to be counted", async () => {
      const lines = (await proxy.statistics()).split("\n");
      return lines.find((text) => text.startsWith("istio_requests_total{")) ?? null;
    });
    for (const label of [
      'reporter="source"',
      'source_workload="reviews-v2"',
      'source_app="reviews"',
      'destination_service="front.other.svc"',
      'destination_service_name="front-name"',
      'destination_service_namespace="other"',
      'response_code="503"',
      'response_flags="UH"',
    ]) {
      expect(line).toContain(label);
    }
  });
});
