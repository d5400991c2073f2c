import { startEmulator } from "@attache/harness";
import { findEnvoy, startEnvoy } from "@attache/harness/envoy";
import { eachHost, withoutEnvoy } from "@attache/harness/vitest";
import { describe, expect, it } from "vitest";

const module = new URL("build/plugin.wasm", import.meta.url);
const clusters = { app: () => ({ body: "ok" }) };

describe("shared counter, in virtual time", () => {
  it("adds up the requests of all workers, and tells the total from then on", async () => {
    await using host = await startEmulator({ plugins: [{ module }], clusters, workers: 3 });
    for (let i = 0; i < 10; i++) expect(await host.fetch("/")).toHaveHeader("x-requests", "0");
    expect(await host.metric("shared_requests")).toBeNull();
    host.advance(1000);
    await expect(host).toHaveMetric("shared_requests", 10);
    // Workers that added before others know their part of it until the next second.
    host.advance(1000);
    for (let i = 0; i < 3; i++) expect(await host.fetch("/")).toHaveHeader("x-requests", "10");
  });

  it("adds as often as it is configured to, and keeps the total when the configuration changes", async () => {
    const plugins = (every: string) => [{ module, configuration: { every } }];
    await using host = await startEmulator({ plugins: plugins("100ms"), clusters });
    await host.fetch("/");
    host.advance(100);
    await host.update({ plugins: plugins("50ms"), clusters });
    await host.fetch("/");
    host.advance(50);
    await expect(host).toHaveMetric("shared_requests", 2);
  });

  it("keeps the latest five errors", async () => {
    let status = 500;
    await using host = await startEmulator({
      plugins: [{ module }],
      clusters: { app: () => ({ status: status++ }) },
      workers: 2,
      logLevel: "debug",
    });
    for (let i = 0; i < 7; i++) await host.fetch("/");
    host.advance(1000);
    await expect(host).toHaveLogged("latest errors: 502 503 504 505 506");
  });
});

eachHost("shared counter", (start) => {
  it("says what is wrong with its configuration", async () => {
    await expect(start({ plugins: [{ module, configuration: { every: "1ms" } }], clusters })).rejects.toThrow(
      /every: expected a duration from 10ms to 60s, found the string "1ms"/,
    );
  });
});

const envoy = await findEnvoy();
describe.skipIf(envoy === null)(`shared counter in four workers${envoy === null ? `: ${withoutEnvoy}` : ""}`, () => {
  it("loses no request", async () => {
    await using host = await startEnvoy({
      plugins: [{ module, configuration: { every: "20ms" } }],
      clusters,
      workers: 4,
    });
    await Promise.all(Array.from({ length: 200 }, () => host.fetch("/")));
    await expect(host).toHaveMetric("shared_requests", 200);
  });
});
