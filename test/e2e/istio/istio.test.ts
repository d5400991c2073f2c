import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findEnvoy } from "@attache/harness/envoy";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { push } from "../../../cli/commands/image.ts";
import { digestOf } from "../../../cli/oci/image.ts";
import { LocalRegistry, registryProgram } from "../../../cli/testing/registry.ts";
import { compileFilter } from "../../compile-filter.ts";
import { deployments } from "../../deployments.ts";
import { freePort } from "../../free-port.ts";
import { Mesh, wasmPlugin } from "./mesh.ts";
import { findIstio } from "./program.ts";

const istio = await findIstio();
const envoy = await findEnvoy();
const isReady = istio !== null && envoy !== null && registryProgram !== null;
const suite = isReady ? "Istio" : "Istio: not built, see `npm run setup -- --all`";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const hello = `${root}examples/hello-headers`;
const file = (folder: string) => `file://${root}${folder}/build/plugin.wasm`;

/** Answers with what it was configured with, and with its environment. */
const greeter = `
import { ConfigReader, FilterHeaders, HttpFilter, Plugin, registerPlugin, ResponseHeaders } from "@attache/sdk";
export * from "@attache/sdk/proxy";

// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "environ_sizes_get")
declare function environ_sizes_get(count: usize, size: usize): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "environ_get")
declare function environ_get(list: usize, text: usize): i32;

class Greeter extends Plugin {
  greeting: string = "";
  environment: string = "";
  override configure(config: ConfigReader): void {
    this.greeting = config.string("greeting", "");
    const sizes = heap.alloc(8);
    environ_sizes_get(sizes, sizes + 4);
    const count = load<u32>(sizes);
    const list = heap.alloc(4 * count);
    environ_get(list, heap.alloc(load<u32>(sizes, 4)));
    for (let i: u32 = 0; i < count; i++) {
      this.environment += String.UTF8.decodeUnsafe(load<u32>(list + 4 * i), load<u32>(sizes, 4), true) + ";";
    }
  }
  override createFilter(): HttpFilter { return new Greeting(this); }
}
class Greeting extends HttpFilter {
  constructor(private plugin: Greeter) { super(); }
  override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
    headers.set("x-greeting", this.plugin.greeting);
    headers.set("x-environment", this.plugin.environment);
    return FilterHeaders.Continue;
  }
}
registerPlugin(() => new Greeter());
`;

/** What Envoy has of a plugin's configuration. */
type PluginConfig = { config: { configuration?: { value: string } } };

describe.skipIf(!isReady)(suite, () => {
  let mesh: Mesh;
  let registry: LocalRegistry;
  let folder: string;
  let greeterFile: string;
  let greeterUrl: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "attache-istio-"));
    greeterFile = join(folder, "greeter.wasm");
    greeterUrl = `file://${greeterFile}`;
    await writeFile(greeterFile, await compileFilter(greeter));
    [mesh, registry] = await Promise.all([
      Mesh.start(istio!, envoy!, ({ path }) => ({ body: `app ${path}` })),
      LocalRegistry.start(),
    ]);
  });
  afterAll(async () => {
    await mesh?.[Symbol.asyncDispose]();
    await registry?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await mesh.load();
    await mesh.until("a gateway without filters", async () => {
      const { status, headers } = await mesh.fetch("/");
      return status === 200 && !headers.some(([name]) => ["x-hello", "x-greeting"].includes(name));
    });
  });

  /** Pushes hello-headers to a repository of its own: the agent keeps what it has pulled. */
  async function pushed(name: string): Promise<{ url: string; digest: string }> {
    const image = `${registry.address}/${name}:1`;
    const digest = await push(hello, image, {});
    return { url: `oci://${image}`, digest: digest.slice("sha256:".length) };
  }
  const greeting = async () => (await mesh.fetch("/")).header("x-hello");

  /** A filter that is seen at work: that it has gone tells that what replaces it is in effect. */
  async function loadGreeting(): Promise<void> {
    await mesh.load({ name: "before", url: file("examples/hello-headers") });
    await mesh.until("the greeting", async () => (await greeting()) === "world");
  }

  describe("loads each ready filter by a WasmPlugin", () => {
    it("auth-policy answers as its policies say", async () => {
      await mesh.load({
        name: "auth-policy",
        url: file("assembly/auth-policy"),
        phase: "AUTHZ",
        pluginConfig: {
          authorizationPolicies: [
            {
              metadata: { name: "read-only", namespace: "default" },
              spec: { rules: [{ to: [{ operation: { methods: ["GET"], paths: ["/shop/*"] } }] }] },
            },
          ],
        },
      });
      await mesh.until("the policy", async () => (await mesh.fetch("/")).status === 403);
      const denied = await mesh.fetch("/shop/1", { method: "POST" });
      expect([denied.status, denied.text()]).toEqual([403, "RBAC: access denied"]);
      const passed = await mesh.fetch("/shop/1");
      expect([passed.status, passed.text()]).toEqual([200, "app /shop/1"]);
    });

    it("rate-limit counts and answers 429", async () => {
      const limit = { name: "per-user", key: [{ header: "x-user" }], limit: 2, per: "1h" };
      await mesh.load({ name: "rate-limit", url: file("assembly/rate-limit"), pluginConfig: { limits: [limit] } });
      const statuses = async (user: string) => {
        const options = { headers: { "x-user": user } };
        return [await mesh.fetch("/", options), await mesh.fetch("/", options), await mesh.fetch("/", options)].map(
          ({ status }) => status,
        );
      };
      await mesh.until("the limit", async () => (await statuses("first")).includes(429));
      expect(await statuses("second")).toEqual([200, 200, 429]);
    });

    it("header-routing publishes its choice", async () => {
      const to = (subset: string) => [{ destination: { host: "reviews", subset } }];
      const vip = [{ headers: { "end-user": { exact: "vip" } } }];
      await mesh.load({
        name: "header-routing",
        url: file("assembly/header-routing"),
        pluginConfig: { http: [{ match: vip, route: to("v2") }, { route: to("v1") }] },
      });
      const choice = async (user: string) => {
        await mesh.fetch("/", { headers: { "end-user": user, "x-route-subset": "forged" } });
        return mesh.requests.at(-1)!.header("x-route-subset");
      };
      await mesh.until("the routes", async () => (await choice("vip")) === "v2");
      expect([await choice("vip"), await choice("other")]).toEqual(["v2", "v1"]);
    });

    it("metrics counts requests with Istio's labels", async () => {
      await mesh.load({
        name: "metrics",
        url: file("assembly/metrics"),
        phase: "STATS",
        pluginConfig: { metrics: [{ name: "requests_total", dimensions: { method: "knownMethod(request.method)" } }] },
      });
      const counted = async (): Promise<string[]> => {
        const page = await mesh.agent.admin("/stats?filter=istio_requests_total&usedonly");
        return page.split("\n").filter((line) => line.includes("method=.=DELETE"));
      };
      await mesh.until("a series", async () => {
        await mesh.fetch("/", { method: "DELETE" });
        return (await counted()).length > 0;
      });
      const [series] = await counted();
      for (const label of [
        "reporter=.=source;",
        "source_canonical_service=.=unknown;",
        "destination_service=.=app.example;",
        "response_code=.=200;",
        "request_protocol=.=http;",
      ]) {
        expect(series).toContain(label);
      }
    });
  });

  it.each(Object.keys(deployments))("loads docs/deploy/%s/istio.yaml", async (filter) => {
    const { spec } = parse(await readFile(`${root}docs/deploy/${filter}/istio.yaml`, "utf8")) as { spec: object };
    const { selector: _, ...rest } = spec as { selector: object };
    await mesh.load({ name: `deployed-${filter}`, ...rest, url: file(`assembly/${filter}`) });
    expect((await mesh.agent.extension(`deployed-${filter}`))?.type).toMatch(/wasm.v3.Wasm$/);
    expect((await mesh.fetch("/shop/1")).status).toBe(200);
  });

  describe("takes a module", () => {
    it("from file://", async () => {
      await mesh.load({ name: "from-file", url: file("examples/hello-headers") });
      await mesh.until("the filter", async () => (await greeting()) === "world");
    });

    it.each([
      ["by its tag", false],
      ["by its tag and sha256, which is the digest that push prints", true],
    ])("from oci:// %s", async (_name, withDigest) => {
      const { url, digest } = await pushed(`good-${withDigest}`);
      await mesh.load({ name: `good-${withDigest}`, url, ...(withDigest ? { sha256: digest } : {}) });
      await mesh.until("the filter", async () => (await greeting()) === "world");
    });

    it("from oci:// when sha256 is the module's digest: never, and no request passes", async () => {
      const { url } = await pushed("module-digest");
      const module = digestOf(await readFile(`${hello}/build/plugin.wasm`)).slice("sha256:".length);
      await mesh.load({ name: "module-digest", url, sha256: module });
      await mesh.until("the substitute", async () => (await mesh.fetch("/")).status === 403);
      expect((await mesh.agent.extension("module-digest"))?.type).toMatch(/rbac.v3.RBAC$/);
    });
  });

  describe("that cannot have a module", () => {
    it.each([
      ["FAIL_CLOSE", 403],
      ["FAIL_RELOAD", 403],
      ["FAIL_OPEN", 200],
    ])("answers with %s: %i", async (failStrategy, status) => {
      const name = `unreachable-${failStrategy.toLowerCase().replace("_", "-")}`;
      const url = `oci://127.0.0.1:${await freePort()}/none:1`;
      await loadGreeting();
      await mesh.load({ name, url, failStrategy });
      await mesh.until("the substitute", async () => (await greeting()) === null);
      expect((await mesh.agent.extension(name))?.type).toMatch(/rbac.v3.RBAC$/);
      expect((await mesh.fetch("/")).status).toBe(status);
    });

    it("answers 403, and 200 under FAIL_OPEN, when sha256 is another image's", async () => {
      const { url } = await pushed("wrong-digest");
      const sha256 = "0".repeat(64);
      await mesh.load({ name: "wrong-digest", url, sha256 });
      await mesh.until("the substitute", async () => (await mesh.fetch("/")).status === 403);
      await mesh.load({ name: "wrong-digest-open", url, sha256, failStrategy: "FAIL_OPEN" });
      await mesh.until("the other substitute", async () => (await mesh.fetch("/")).status === 200);
      expect(await greeting()).toBe(null);
    });
  });

  describe("orders filters", () => {
    const isVip = [{ headers: { "end-user": { exact: "vip" } } }];
    const to = (subset: string) => [{ destination: { host: "reviews", subset } }];
    const routing = {
      name: "routing",
      url: file("assembly/header-routing"),
      pluginConfig: { http: [{ match: isVip, route: to("closed") }, { route: to("open") }] },
    };
    const when = [{ key: "request.headers[x-route-subset]", values: ["closed"] }];
    const policy = {
      name: "policy",
      url: file("assembly/auth-policy"),
      pluginConfig: {
        authorizationPolicies: [{ name: "no", namespace: "default", action: "DENY", rules: [{ when }] }],
      },
    };
    // The policy sees what was decided only when it comes after the decision.
    it.each<[string, object, object, number]>([
      ["by phase", { phase: "AUTHN" }, { phase: "AUTHZ" }, 403],
      ["by phase, the other way round", { phase: "STATS" }, { phase: "AUTHZ" }, 200],
      ["without a phase last", {}, { phase: "STATS" }, 200],
      ["of one phase by priority, the higher first", { priority: 10 }, { priority: 1 }, 403],
      ["of one phase by priority, the other way round", { priority: 1 }, { priority: 10 }, 200],
      ["of one phase without priority last, even after a negative one", {}, { priority: -5 }, 200],
      ["by phase, whatever the priorities", { phase: "AUTHN", priority: 1 }, { phase: "AUTHZ", priority: 10 }, 403],
    ])("%s", async (_name, ofRouting, ofPolicy, status) => {
      await mesh.load({ ...routing, ...ofRouting }, { ...policy, ...ofPolicy });
      await mesh.until("both filters", async () => {
        await mesh.fetch("/");
        return mesh.requests.at(-1)!.header("x-route-subset") === "open";
      });
      expect((await mesh.fetch("/", { headers: { "end-user": "vip" } })).status).toBe(status);
    });
  });

  // Read by the agent, which takes it out of what it has pulled; a file:// is none of its business.
  const ofAgent = /^ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION=/;
  it.each(["oci", "file"])("hands vmConfig.env to the module of %s://", async (scheme) => {
    const image = `${registry.address}/environment:1`;
    await push(greeterFile, image, {});
    const url = scheme === "oci" ? `oci://${image}` : `file://${greeterFile}`;
    const env = [
      { name: "GREETING", value: "servus" },
      { name: "PATH", valueFrom: "HOST" },
    ];
    await mesh.load({ name: `environment-${scheme}`, url, vmConfig: { env } });
    await mesh.until("the filter", async () => (await mesh.fetch("/")).header("x-environment") !== null);
    const variables = (await mesh.fetch("/")).header("x-environment")!.split(";").filter(Boolean);
    const own = ["GREETING=servus", `PATH=${process.env["PATH"]}`];
    expect(variables.filter((text) => !ofAgent.test(text)).sort()).toEqual(own);
    expect(variables.some((text) => ofAgent.test(text))).toBe(scheme === "file");
  });

  describe("does what `attache manifest` and `attache check` warn of", () => {
    it("drops an image that is IP:PORT/NAME without oci://, and requests pass unfiltered", async () => {
      const { url } = await pushed("no-scheme");
      await loadGreeting();
      const marker = { name: "marker", url: greeterUrl, pluginConfig: { greeting: "here" } };
      await mesh.apply(wasmPlugin({ name: "no-scheme", url: url.slice("oci://".length) }), wasmPlugin(marker));
      await mesh.until("the marker", async () => (await mesh.fetch("/")).header("x-greeting") === "here");
      expect([await greeting(), await mesh.agent.extension("no-scheme")]).toEqual([null, null]);
    });

    it("refuses HOST:PORT/NAME without oci://, whose host it takes for a scheme", async () => {
      const { url } = await pushed("host-scheme");
      const bare = url.slice("oci://".length).replace("127.0.0.1", "localhost");
      await expect(mesh.load({ name: "host-scheme", url: bare })).rejects.toThrow("unsupported scheme: localhost");
    });

    it("answers 500 when the filter rejects its configuration, under FAIL_OPEN too", async () => {
      const pluginConfig = { limits: "none" };
      const url = file("assembly/rate-limit");
      await mesh.apply(wasmPlugin({ name: "rejected", url, pluginConfig, failStrategy: "FAIL_OPEN" }));
      await mesh.until("the rejection", async () => (await mesh.fetch("/")).status === 500);
    });

    it("keeps an older configuration in effect when the filter rejects the new one", async () => {
      const limits = [{ name: "none", limit: 0, per: "1h" }];
      const plugin = { name: "kept", url: file("assembly/rate-limit") };
      await mesh.load({ ...plugin, pluginConfig: { limits } });
      await mesh.until("the limit", async () => (await mesh.fetch("/")).status === 429);
      const rejections = () => mesh.agent.log.filter((line) => line.includes("config rejected")).length;
      const before = rejections();
      await mesh.apply(wasmPlugin({ ...plugin, pluginConfig: { limits: "none" } }));
      await mesh.until("the rejection", async () => rejections() > before);
      expect((await mesh.fetch("/")).status).toBe(429);
    });

    it("sorts a configuration, reads its numbers as doubles and escapes its text", async () => {
      const pluginConfig = { greeting: "<&>", b: 9007199254740993n, a: 1e3 };
      await mesh.load({ name: "exact", url: greeterUrl, pluginConfig });
      const { config } = (await mesh.agent.extension("exact"))!.config as PluginConfig;
      expect(config.configuration?.value.replaceAll(" ", "")).toBe(
        '{"a":1000,"b":9007199254740992,"greeting":"\\u003c\\u0026\\u003e"}',
      );
    });

    it.each([{}, undefined])("hands over no configuration when it is %o", async (pluginConfig) => {
      await mesh.load({ name: "empty", url: greeterUrl, ...(pluginConfig === undefined ? {} : { pluginConfig }) });
      await mesh.until("the filter", async () => (await mesh.fetch("/")).header("x-greeting") === "");
      const { config } = (await mesh.agent.extension("empty"))!.config as PluginConfig;
      expect(config.configuration?.value).toBe(undefined);
    });
  });

  it("takes a new pluginConfig while requests run, and loses none", async () => {
    const configured = (greeting: string) => ({ name: "live", url: greeterUrl, pluginConfig: { greeting } });
    const seen = async () => (await mesh.fetch("/")).header("x-greeting");
    await mesh.load(configured("0"));
    await mesh.until("the filter", async () => (await seen()) === "0");
    const before = mesh.requests.length;
    const greetings: (string | null)[] = [];
    let isOver = false;
    const client = async () => {
      while (!isOver) greetings.push(await seen());
    };
    const clients = Array.from({ length: 8 }, client);
    for (const greeting of ["1", "2", "3", "4", "5"]) {
      await mesh.apply(wasmPlugin(configured(greeting)));
      await mesh.until(`greeting ${greeting}`, async () => greetings.at(-1) === greeting);
    }
    isOver = true;
    await Promise.all(clients);
    expect(new Set(greetings)).toEqual(new Set(["0", "1", "2", "3", "4", "5"]));
    expect(mesh.requests.length - before).toBe(greetings.length);
  });
});
