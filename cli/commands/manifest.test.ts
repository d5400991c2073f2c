import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { manifest, type ManifestOptions } from "./manifest.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "attache-manifest-"));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

const image = { name: "auth", url: "oci://registry.example.com/auth:1", target: "istio" } satisfies ManifestOptions;
const digest = "a".repeat(64);

async function withConfig(text: string, options: Partial<ManifestOptions> = {}): Promise<string> {
  const config = join(folder, "config.yaml");
  await writeFile(config, text);
  return await manifest({ ...image, config, ...options });
}

describe("attache manifest", () => {
  it("writes a WasmPlugin", async () => {
    const text = await withConfig("greeting: servus\nlimit: 5", {
      namespace: "shop",
      phase: "AUTHZ",
      sha256: `sha256:${digest}`,
      selector: ["app=shop", "tier=web"],
      failOpen: true,
    });
    expect(parse(text)).toEqual({
      apiVersion: "extensions.istio.io/v1alpha1",
      kind: "WasmPlugin",
      metadata: { name: "auth", namespace: "shop" },
      spec: {
        selector: { matchLabels: { app: "shop", tier: "web" } },
        url: image.url,
        sha256: digest,
        phase: "AUTHZ",
        failStrategy: "FAIL_OPEN",
        pluginConfig: { greeting: "servus", limit: 5 },
      },
    });
  });

  it("writes an EnvoyExtensionPolicy, whose image has no scheme", async () => {
    const text = await withConfig("a: 1", { target: "envoy-gateway", sha256: digest });
    expect(parse(text)).toMatchObject({
      kind: "EnvoyExtensionPolicy",
      spec: {
        wasm: [
          {
            name: "auth",
            code: { type: "Image", image: { url: "registry.example.com/auth:1", sha256: digest } },
            config: { a: 1 },
          },
        ],
      },
    });
  });

  it("writes an entry of http_filters that fails closed", async () => {
    const text = await withConfig("a: 1", { target: "envoy", url: "file:///etc/plugin.wasm" });
    expect(parse(text)).toMatchObject([
      {
        typed_config: {
          config: {
            failure_policy: "FAIL_CLOSED",
            configuration: { value: '{"a":1}' },
            vm_config: { code: { local: { filename: "/etc/plugin.wasm" } } },
          },
        },
      },
    ]);
  });

  it("writes environment variables, with a value or of the proxy's own", async () => {
    const env = ["A=b=c", "REGION", "EMPTY="];
    expect(parse(await manifest({ ...image, env }))).toMatchObject({
      spec: {
        vmConfig: {
          env: [
            { name: "A", value: "b=c" },
            { name: "REGION", valueFrom: "HOST" },
            { name: "EMPTY", value: "" },
          ],
        },
      },
    });
    expect(parse(await manifest({ ...image, target: "envoy-gateway", env: ["REGION"] }))).toMatchObject({
      spec: { wasm: [{ env: { hostKeys: ["REGION"] } }] },
    });
    expect(parse(await manifest({ ...image, url: "file:///a.wasm", target: "envoy", env }))).toMatchObject([
      {
        typed_config: {
          config: {
            vm_config: {
              environment_variables: { host_env_keys: ["REGION"], key_values: { A: "b=c", EMPTY: "" } },
            },
          },
        },
      },
    ]);
  });

  it.each<[string, Partial<ManifestOptions>, string]>([
    ["a variable without a name", { env: ["=a"] }, "--env =a: expected NAME=VALUE"],
    ["a value for Envoy Gateway", { target: "envoy-gateway", env: ["A=b"] }, "leave out the value"],
    ["an image without a scheme", { url: "10.0.0.1:5000/auth" }, "write oci://10.0.0.1:5000/auth"],
    ["a scheme nobody loads", { url: "ftp://a/b" }, "istio does not load from ftp://"],
    ["an image for plain Envoy", { target: "envoy" }, "only from file://"],
    ["a digest that is none", { sha256: "abc" }, "is not 64 hexadecimal digits"],
    ["an unknown phase", { phase: "authz" }, "is none of AUTHN, AUTHZ, STATS"],
    ["a selector that is none", { selector: ["app"] }, "is not written LABEL=VALUE"],
    ["a configuration that is not there", { config: "/nowhere" }, "/nowhere: cannot be read: ENOENT"],
  ])("refuses %s", async (_name, options, message) => {
    await expect(manifest({ ...image, ...options })).rejects.toThrow(message);
  });

  it.each([
    ["no object", "- 1", "a configuration is an object"],
    ["no YAML", "a: [", "config.yaml: "],
    [
      "a number that a double does not hold",
      "limits:\n  - max: 9007199254740993",
      "limits[0].max: 9007199254740993 reaches the filter as 9007199254740992: write it as text",
    ],
  ])("refuses a configuration with %s", async (_name, text, message) => {
    await expect(withConfig(text)).rejects.toThrow(message);
  });

  it("quotes text that YAML 1.1, which Kubernetes reads, takes for something else", async () => {
    const config = { a: "no", b: "on", c: "012", d: "1_000", e: "~", f: "2026-01-01" };
    const text = await withConfig(JSON.stringify(config));
    expect(parse(text, { version: "1.1" })).toMatchObject({ spec: { pluginConfig: config } });
  });

  it("keeps whole numbers up to 2^53 and fractions", async () => {
    const text = await withConfig("a: 9007199254740992\nb: 0.1");
    expect(parse(text)).toMatchObject({ spec: { pluginConfig: { a: 9007199254740992, b: 0.1 } } });
  });
});
