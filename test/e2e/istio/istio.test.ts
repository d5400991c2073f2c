import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { findEnvoy } from "@attache/harness/envoy";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { push } from "../../../cli/commands/image.ts";
import { digestOf } from "../../../cli/oci/image.ts";
import { LocalRegistry, registryProgram } from "../../../cli/testing/registry.ts";
import { freePort } from "../../free-port.ts";
import { Mesh } from "./mesh.ts";
import { findIstio } from "./program.ts";

const istio = await findIstio();
const envoy = await findEnvoy();
const isReady = istio !== null && envoy !== null && registryProgram !== null;
const suite = isReady ? "Istio" : "Istio: not built, see `npm run setup -- --all`";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const hello = `${root}examples/hello-headers`;
const file = (folder: string) => `file://${root}${folder}/build/plugin.wasm`;

describe.skipIf(!isReady)(suite, () => {
  let mesh: Mesh;
  let registry: LocalRegistry;

  beforeAll(async () => {
    [mesh, registry] = await Promise.all([
      Mesh.start(istio!, envoy!, ({ path }) => ({ body: `app ${path}` })),
      LocalRegistry.start(),
    ]);
  });
  afterAll(async () => {
    await mesh?.[Symbol.asyncDispose]();
    await registry?.[Symbol.asyncDispose]();
  });

  /** Pushes hello-headers to a repository of its own: the agent keeps what it has pulled. */
  async function pushed(name: string): Promise<{ url: string; digest: string }> {
    const image = `${registry.address}/${name}:1`;
    const digest = await push(hello, image, {});
    return { url: `oci://${image}`, digest: digest.slice("sha256:".length) };
  }
  const greeting = async () => (await mesh.fetch("/")).header("x-hello");

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
      await mesh.load({ name, url, failStrategy });
      await mesh.until("the substitute", async () => (await mesh.fetch("/")).status === status);
      expect((await mesh.agent.extension(name))?.type).toMatch(/rbac.v3.RBAC$/);
      expect(await greeting()).toBe(null);
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
});
