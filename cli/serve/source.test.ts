import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startEmulator } from "@attache/harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { readSource } from "./source.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const example = (name: string) => `${root}examples/${name}/envoy.yaml`;

describe("what attache serve reads", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "attache-source-"));
  });
  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  async function written(name: string, content: string): Promise<string> {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  }

  it.each<[string, string, Record<string, string>, string]>([
    ["hello-headers", "from Envoy\n", {}, "200"],
    ["api-key", "from Envoy\n", { "x-api-key": "open sesame" }, "200"],
    ["route-by-header", "canary\n", { "x-version": "2" }, "200"],
    ["attributes", "from Envoy\n", {}, "200"],
    ["security-headers", "page\n", {}, "200"],
  ])("runs the envoy.yaml of the example %s", async (name, body, headers, status) => {
    const { options } = await readSource(example(name), {});
    await using host = await startEmulator(options);
    const response = await host.fetch("/", { headers });
    expect([String(response.status), response.text()]).toEqual([status, body]);
  });

  it.each<[string, (config: { static_resources: Any }) => void, string]>([
    [
      "another filter",
      ({ static_resources: { listeners } }) =>
        (filters(listeners)[0].typed_config["@type"] = "type.googleapis.com/x.Lua"),
      "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters[0].typed_config.@type: type.googleapis.com/x.Lua is not supported",
    ],
    [
      "a field of a route",
      ({ static_resources: { listeners } }) => (routes(listeners)[0].metadata = {}),
      "routes[0].metadata: is not supported by attache serve",
    ],
    [
      "a second listener",
      ({ static_resources: { listeners } }) => listeners.push(listeners[0]),
      "static_resources.listeners[1]: only one is supported",
    ],
    [
      "a port that is text",
      ({ static_resources: r }) =>
        (r.clusters = [
          {
            name: "a",
            load_assignment: {
              endpoints: [
                {
                  lb_endpoints: [
                    { endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: "80" } } } },
                  ],
                },
              ],
            },
          },
        ]),
      'port_value: expected a number, found the string "80"',
    ],
    [
      "a route without an action",
      ({ static_resources: { listeners } }) => delete routes(listeners)[0].direct_response,
      "routes[0].route: is missing",
    ],
    ["no listener", ({ static_resources: r }) => delete r.listeners, "static_resources.listeners: is missing"],
  ])("names what it does not support of an envoy.yaml: %s", async (_, change, message) => {
    const config = parse(await readFile(example("hello-headers"), "utf8"));
    change(config);
    const file = await written("changed.yaml", stringify(config));
    await expect(readSource(file, {})).rejects.toThrow(message);
    await expect(readSource(file, {})).rejects.toThrow(file);
  });

  it("takes the environment of an envoy.yaml, and of a filter by --env", async () => {
    const config = parse(await readFile(example("hello-headers"), "utf8")) as { static_resources: Any };
    const vm = filters(config.static_resources.listeners)[0].typed_config.config.vm_config;
    vm.environment_variables = { key_values: { A: "b", COUNT: 1 }, host_env_keys: ["PATH"] };
    const file = await written("environment.yaml", stringify(config));
    const [plugin] = (await readSource(file, {})).options.plugins;
    expect(plugin!.environment).toEqual({ A: "b", COUNT: "1", PATH: process.env["PATH"] });
    const module = `${root}examples/hello-headers/build/plugin.wasm`;
    expect((await readSource(module, { env: ["A=b=c"] })).options.plugins[0]!.environment).toEqual({ A: "b=c" });
    await expect(readSource(module, { env: ["A"] })).rejects.toThrow("--env A: expected NAME=VALUE");
    await expect(readSource(file, { env: ["A=b"] })).rejects.toThrow("--env: goes with a filter");
  });

  it("puts WasmPlugins in Istio's order, with their configuration and environment", async () => {
    const plugin = (name: string, spec: object) =>
      stringify({
        apiVersion: "extensions.istio.io/v1alpha1",
        kind: "WasmPlugin",
        metadata: { name, namespace: "shop" },
        spec: { url: "file:///a.wasm", ...spec },
      });
    const file = await written(
      "plugins.yaml",
      [
        plugin("last", {}),
        plugin("stats", { phase: "STATS", failStrategy: "FAIL_OPEN" }),
        plugin("low", { phase: "AUTHN", priority: 1, pluginConfig: { a: 1 } }),
        plugin("high", {
          phase: "AUTHN",
          priority: 9,
          pluginName: "root",
          vmConfig: { env: [{ name: "A", value: "b" }] },
        }),
        stringify({ kind: "Service", metadata: { name: "other" } }),
      ].join("---\n"),
    );
    const { options, watched } = await readSource(file, { upstream: "http://localhost:3000" });
    expect(options.plugins.map(({ name }) => name)).toEqual(["shop.high", "shop.low", "shop.stats", "shop.last"]);
    expect(options.plugins[0]).toMatchObject({ rootId: "root", environment: { A: "b" }, failurePolicy: "closed" });
    expect(options.plugins[1]).toMatchObject({ configuration: { a: 1 } });
    expect(options.plugins[2]).toMatchObject({ failurePolicy: "open" });
    expect(options.clusters).toEqual({ upstream: { host: "localhost", port: 3000 } });
    expect(watched).toEqual([file]);
  });

  it.each<[string, Parameters<typeof readSource>, RegExp]>([
    ["nothing there", ["/no/such/thing", {}], /\/no\/such\/thing: there is no such file or folder/],
    ["a file of another kind", [`${root}LICENSE`, {}], /LICENSE: is no folder, \.ts, \.wasm or \.yaml/],
    [
      "an upstream that is none",
      [`${root}examples/hello-headers`, { upstream: "localhost:80" }],
      /--upstream: "localhost:80" is no http:\/\/HOST:PORT/,
    ],
    [
      "an upstream of another protocol, for a filter for TCP",
      [`${root}examples/tcp-sniffing/build/plugin.wasm`, { upstream: "http://localhost:80" }],
      /--upstream: "http:\/\/localhost:80" is no tcp:\/\/HOST:PORT, and the filter is for TCP/,
    ],
    ["a module that is none", [`${root}sdk/build/none.wasm`, {}], /none\.wasm: there is no such file/],
    [
      "a configuration beside a manifest",
      [example("hello-headers"), { config: "a.json" }],
      /--config: goes with a filter/,
    ],
    [
      "a configuration that is not there",
      [`${root}examples/hello-headers`, { config: "/no/such.json" }],
      /\/no\/such\.json: cannot be read: ENOENT/,
    ],
  ])("says what is wrong: %s", async (_, [source, options], message) => {
    await expect(readSource(source, options)).rejects.toThrow(message);
  });
});

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a YAML document
type Any = any;

function filters(listeners: Any): Any {
  return listeners[0].filter_chains[0].filters[0].typed_config.http_filters;
}

function routes(listeners: Any): Any {
  return listeners[0].filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes;
}
