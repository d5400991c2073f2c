import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startEmulator } from "@attache/harness";
import { findEnvoy } from "@attache/harness/envoy";
import { withoutEnvoy } from "@attache/harness/vitest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { manifest, type Target } from "../cli/commands/manifest.ts";
import { checkManifest } from "../cli/manifest/check.ts";
import { deployments, moduleFile } from "./deployments.ts";

const root = fileURLToPath(new URL("../docs/deploy", import.meta.url));
const envoy = await findEnvoy();
const filters = Object.keys(deployments);
const file = (filter: string, target: Target) => join(root, filter, `${target}.yaml`);

describe.each(filters)("docs/deploy/%s", (filter) => {
  const { istio } = deployments[filter]!;
  const config = join(root, filter, "config.yaml");

  // `vitest run test/deploy.test.ts -u` writes them.
  it.each<[Target, object]>([
    [
      "istio",
      { url: `oci://registry.example/attache/${filter}:0.1.0`, namespace: "shop", selector: ["app=shop"], ...istio },
    ],
    ["envoy-gateway", { url: `oci://registry.example/attache/${filter}:0.1.0`, namespace: "shop" }],
    ["envoy", { url: `file:///etc/envoy/${filter}.wasm` }],
  ])("%s.yaml is what `attache manifest` writes", async (target, options) => {
    const text = await manifest({ name: filter, target, config, url: "", ...options });
    await expect(text).toMatchFileSnapshot(file(filter, target));
  });

  it.each<Target>(["istio", "envoy-gateway"])("`attache check` takes %s.yaml", async (target) => {
    expect((await checkManifest(file(filter, target))).plugins).toHaveLength(1);
  });

  it("the filter takes its configuration", async () => {
    const [entry] = parse(await manifest({ name: filter, target: "envoy", config, url: "file:///a" })) as [HttpFilter];
    const configuration = entry.typed_config.config.configuration.value;
    await using host = await startEmulator({ plugins: [{ module: moduleFile(filter), configuration }] });
    expect((await host.fetch("/shop/1")).status).toBe(200);
  });
});

it("`attache check` takes the WasmPlugin of metrics, with a workload beside it", async () => {
  const { plugins, notes } = await checkManifest(join(root, "../../assembly/metrics/wasmplugin.yaml"));
  expect([plugins.length, notes.length]).toEqual([1, 1]);
});

type HttpFilter = { typed_config: { config: { configuration: { value: string } } } };

describe.skipIf(envoy === null)(`Envoy${envoy === null ? `: ${withoutEnvoy}` : ""}`, () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "attache-deploy-"))));
  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  it.each(filters)("takes docs/deploy/%s/envoy.yaml", async (filter) => {
    const config = join(root, filter, "config.yaml");
    const url = `file://${moduleFile(filter)}`;
    const httpFilters = parse(await manifest({ name: filter, target: "envoy", config, url })) as object[];
    const type = "type.googleapis.com/envoy.extensions.filters";
    const manager = {
      "@type": `${type}.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: "http",
      route_config: {},
      http_filters: [...httpFilters, { name: "router", typed_config: { "@type": `${type}.http.router.v3.Router` } }],
    };
    const address = { socket_address: { address: "127.0.0.1", port_value: 0 } };
    const filterChains = [{ filters: [{ name: "http", typed_config: manager }] }];
    const bootstrap = { static_resources: { listeners: [{ name: "http", address, filter_chains: filterChains }] } };
    await writeFile(join(folder, `${filter}.json`), JSON.stringify(bootstrap));
    const args = ["--mode", "validate", "--log-level", "error", "-c", join(folder, `${filter}.json`)];
    expect((await promisify(execFile)(envoy!, args)).stdout).toContain("OK");
  });
});
