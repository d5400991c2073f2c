import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { push } from "../commands/image.ts";
import { verifyPlugins } from "../commands/verify.ts";
import { digestOf } from "../oci/image.ts";
import { LocalRegistry, registryProgram } from "../testing/registry.ts";
import { checkManifest, type ManifestReport } from "./check.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "attache-check-"));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

async function check(text: string): Promise<ManifestReport> {
  const file = join(folder, "resources.yaml");
  await writeFile(file, text);
  return await checkManifest(file);
}
const plugin = (spec: string) => `
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: { name: auth, namespace: shop }
spec: { ${spec} }
`;
const policy = (wasm: string) => `
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyExtensionPolicy
metadata: { name: auth, namespace: shop }
spec: { wasm: [{ ${wasm} }] }
`;
const digest = "a".repeat(64);
const image = "url: oci://registry.example/auth:1";

describe("attache check of resources", () => {
  it("takes a WasmPlugin among others, and says what it loads", async () => {
    const text = `${plugin(`${image}, sha256: ${digest}, phase: AUTHZ, priority: 5, pluginConfig: { a: 1 }`)}---
apiVersion: v1
kind: Service
`;
    expect(await check(text)).toMatchObject({
      plugins: [{ resource: "WasmPlugin shop/auth", url: "oci://registry.example/auth:1", sha256: digest }],
      notes: [],
    });
  });

  it("says which environment variables the filter sees, and which it takes from this machine", async () => {
    const vm = "vmConfig: { env: [{ name: A, value: b }, { name: ATTACHE_TEST_REGION, valueFrom: HOST }] }";
    expect(await check(plugin(`${image}, ${vm}`))).toMatchObject({
      plugins: [{ environment: { A: "b" }, ownVariables: ["ATTACHE_TEST_REGION"] }],
      notes: [
        "WasmPlugin shop/auth: spec.vmConfig.env: ATTACHE_TEST_REGION is the proxy's own; --pull checks with the value it has here",
      ],
    });
    const code = `code: { type: Image, image: { url: registry.example/auth:1, sha256: ${digest} } }`;
    expect(await check(policy(`name: auth, ${code}, env: { hostKeys: [ATTACHE_TEST_REGION] }`))).toMatchObject({
      plugins: [{ environment: {}, ownVariables: ["ATTACHE_TEST_REGION"] }],
      notes: [expect.stringMatching(/spec\.wasm\[0\]\.env: ATTACHE_TEST_REGION is the proxy's own/)],
    });
  });

  it("takes an EnvoyExtensionPolicy", async () => {
    const code = `code: { type: Image, image: { url: registry.example/auth:1, sha256: ${digest} } }`;
    expect((await check(policy(`name: auth, ${code}, config: { a: 1 }, failOpen: true`))).plugins).toHaveLength(1);
  });

  it.each([
    ["an image with an IP and port", "url: 10.0.0.1:5000/auth", "drops it in silence, and traffic runs unfiltered"],
    [
      "an image with a name and port",
      "url: 'registry:5000/auth'",
      "takes its host for one: write oci://registry:5000/auth",
    ],
    ["a host that is no scheme", "url: 'my_registry:5000/auth'", "drops it in silence"],
    ["another scheme", "url: ftp://registry/auth", "does not load from ftp://"],
    ["no url", "phase: AUTHZ", "spec.url: expected a string"],
    ["a digest with its algorithm", `${image}, sha256: 'sha256:${digest}'`, "without sha256:"],
    ["a digest that is none", `${image}, sha256: abc`, "is not 64 hexadecimal digits"],
    ["a digest that YAML reads as a number", `${image}, sha256: ${"1".repeat(64)}`, "quote it"],
    ["a digest of a file", `url: file:///plugin.wasm, sha256: ${digest}`, "nobody compares it"],
    ["two digests", `url: 'oci://a.b/c@sha256:${"b".repeat(64)}', sha256: ${digest}`, "the url names another digest"],
    [
      "a number that a double does not hold",
      `${image}, pluginConfig: { a: [9007199254740993] }`,
      "pluginConfig.a[0]: 9007199254740993 reaches the filter as 9007199254740992",
    ],
    ["a field that is none", `${image}, config: {}`, "config: there is no such field; there are selector"],
    ["a phase that is none", `${image}, phase: authz`, 'phase: "authz" is none of AUTHN'],
    ["a strategy that is none", `${image}, failStrategy: FAIL_CLOSED`, "is none of FAIL_CLOSE, FAIL_OPEN"],
  ])("refuses %s", async (_name, spec, message) => {
    await expect(check(plugin(spec))).rejects.toThrow(message);
  });

  it.each([
    ["code of no type", "code: { image: { url: a } }", "wasm[0].code: type Image goes with image"],
    [
      "a number that a double does not hold",
      "code: { type: Image, image: { url: a } }, config: { max: 9007199254740993 }",
      "wasm[0].config.max",
    ],
    [
      "a field that is none",
      "code: { type: Image, image: { url: a } }, pluginConfig: {}",
      "wasm[0].pluginConfig: there is no such field",
    ],
  ])("refuses an EnvoyExtensionPolicy with %s", async (_name, wasm, message) => {
    await expect(check(policy(wasm))).rejects.toThrow(message);
  });

  it("names all problems at once, with their resource", async () => {
    const text = plugin("url: 10.0.0.1:5000/auth, phase: x") + "---" + policy("name: a");
    const message = await check(text).catch((error: Error) => error.message);
    expect((message as string).split("\n")).toEqual([
      expect.stringContaining("WasmPlugin shop/auth: spec.phase"),
      expect.stringContaining("WasmPlugin shop/auth: spec.url"),
      expect.stringContaining("EnvoyExtensionPolicy shop/auth: spec.wasm[0].code"),
    ]);
  });

  it("says what FAIL_OPEN does not do", async () => {
    const { notes } = await check(plugin(`${image}, failStrategy: FAIL_OPEN`));
    expect(notes).toEqual([expect.stringContaining("still answer every request with 500")]);
  });

  it.each([
    ["no YAML", "a: [", "resources.yaml: "],
    ["nothing that loads a filter", "kind: Service", "holds no WasmPlugin"],
  ])("refuses a file with %s", async (_name, text, message) => {
    await expect(check(text)).rejects.toThrow(message);
  });
});

describe("the command", () => {
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  const attache = (...args: string[]) =>
    spawnSync(process.execPath, [main, ...args], { cwd: folder, encoding: "utf8" });

  it("ends with 1 and names each problem on a line", async () => {
    await writeFile(join(folder, "wrong.yaml"), plugin("url: 10.0.0.1:5000/auth, phase: x"));
    const { status, stdout, stderr } = attache("check", "wrong.yaml");
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr.trim().split("\n")).toEqual([
      expect.stringMatching(/^attache: wrong.yaml: WasmPlugin shop\/auth: spec.phase: /),
      expect.stringMatching(/^attache: wrong.yaml: WasmPlugin shop\/auth: spec.url: /),
    ]);
  });

  it("takes what `attache manifest` writes, which tells of FAIL_OPEN", async () => {
    const made = attache("manifest", "auth", "--url", "oci://registry.example/auth:1", "--fail-open");
    expect([made.status, made.stderr]).toEqual([0, expect.stringContaining("attache: note: with FAIL_OPEN")]);
    await writeFile(join(folder, "made.yaml"), made.stdout);
    const { status, stdout } = attache("check", "made.yaml", "--json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ plugins: [{ url: "oci://registry.example/auth:1" }] });
  });
});

const missing = registryProgram === null ? ": no docker-registry on this machine" : "";

describe.skipIf(registryProgram === null)(`attache check --pull${missing}`, () => {
  it("tells the image's digest from the module's, and what is not there", async () => {
    await using registry = await LocalRegistry.start();
    const source = new URL("../../examples/hello-headers/build/plugin.wasm", import.meta.url).pathname;
    const url = `oci://${registry.address}/hello:1`;
    const ofImage = (await push(source, url, {})).slice("sha256:".length);
    const module = digestOf(await readFile(source)).slice("sha256:".length);
    const loads = (sha256?: string, of = url) => ({
      resource: "WasmPlugin hello",
      url: of,
      sha256,
      environment: {},
      ownVariables: [],
    });
    await verifyPlugins([loads(), loads(ofImage)], {});
    const wrong = verifyPlugins([loads(module), loads(digest), loads(undefined, `${url}0`)], {});
    const lines = (await wrong.catch((error: Error) => error.message))!.split("\n");
    expect(lines).toEqual([
      expect.stringContaining(`sha256 is the digest of the module: it must name the image's, sha256:${ofImage}`),
      expect.stringContaining("sha256 is another image's digest"),
      expect.stringContaining("the registry has no such image"),
    ]);
  });
});
