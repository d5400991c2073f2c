import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findEnvoy } from "@attache/harness/envoy";
import { withoutEnvoy } from "@attache/harness/vitest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const envoy = await findEnvoy();

// The runner's Envoy has no stats_tags: this one is started as the documentation says, on free ports.
describe.skipIf(envoy === null)(`envoy.yaml${envoy === null ? `: ${withoutEnvoy}` : ""}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "attache-metrics-"));
  const adminFile = join(folder, "admin");
  let stop: () => Promise<void>;
  let admin: string;
  let proxy: string;

  beforeAll(async () => {
    const file = readFileSync(new URL("envoy.yaml", import.meta.url), "utf8");
    writeFileSync(join(folder, "envoy.yaml"), file.replace(/port_value: \d+/g, "port_value: 0"));
    const options = ["-c", join(folder, "envoy.yaml"), "--admin-address-path", adminFile, "--concurrency", "1"];
    const running = spawn(envoy!, [...options, "--disable-hot-restart"], { cwd: root, stdio: "ignore" });
    const ended = new Promise((resolve) => running.once("exit", resolve));
    stop = async () => {
      running.kill();
      await ended;
    };
    admin = await soon(() => `http://${readFileSync(adminFile, "utf8")}`);
    proxy = await soon(async () => {
      const listeners = (await (await fetch(`${admin}/listeners?format=json`)).json()) as {
        listener_statuses: { local_address: { socket_address: { port_value: number } } }[];
      };
      return `http://127.0.0.1:${listeners.listener_statuses[0]!.local_address.socket_address.port_value}`;
    });
  });

  afterAll(async () => {
    await stop();
    rmSync(folder, { recursive: true });
  });

  it("shows every label to Prometheus, whatever clients send", async () => {
    for (const path of ["/users/42", "/users/7", "/users/7/orders", "/=.=;.;"]) await fetch(proxy + path);
    const page = await soon(async () => {
      const text = await (await fetch(`${admin}/stats/prometheus`)).text();
      if (!text.includes('slo_good_total{slo="api"} 4\n')) throw new Error(text);
      return text;
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

/** The answer, once there is one; rejects with the last error after 10 seconds. */
async function soon<T>(ask: () => T | Promise<T>): Promise<T> {
  const end = performance.now() + 10_000;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > end) throw error;
      await setTimeout(20);
    }
  }
}
