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
});
