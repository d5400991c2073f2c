import { fileURLToPath } from "node:url";
import { findEnvoy } from "@attache/harness/envoy";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sendRequest } from "../../../harness/envoy/client.ts";
import { MockServer } from "../../../harness/envoy/upstream.ts";
import { waitUntil } from "../../../harness/envoy/wait.ts";
import { freePort } from "../../free-port.ts";
import { Agent } from "./agent.ts";
import { Conversation } from "./conversation.ts";
import { text, withoutIstiosFilters, type Resource } from "./mesh.ts";
import { findIstio } from "./program.ts";

const istio = await findIstio();
const envoy = await findEnvoy();
const isReady = istio !== null && envoy !== null;
const suite = isReady ? "an Istio sidecar" : "Istio: not built, see `npm run setup -- --all`: a sidecar";

const labels = { app: "shop" };
const metadata = (name: string) => ({ name, namespace: "default" });
const file = (filter: string) =>
  "file://" + fileURLToPath(new URL(`../../../assembly/${filter}/build/plugin.wasm`, import.meta.url));

describe.skipIf(!isReady)(suite, () => {
  let discovery: Conversation<{ resources: string }, { address: string }>;
  let upstream: MockServer;
  let agent: Agent;
  let inbound: number;
  let outbound: number;

  beforeAll(async () => {
    discovery = new Conversation(istio!, "discovery", withoutIstiosFilters);
    upstream = await MockServer.start(({ path }) => ({ body: `app ${path}` }));
    [inbound, outbound] = [await freePort(), await freePort()];
    const { address } = await discovery.ask({ resources: text(resources()) });
    agent = await Agent.start({ istio: istio!, envoy: envoy!, discoveryAddress: address, labels, type: "sidecar" });
  });
  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]();
    await discovery?.[Symbol.asyncDispose]();
    await upstream?.stop();
  });

  /** A service that listens on the upstream's port, reached through the sidecar, and one that it calls: itself. */
  function resources(): Resource[] {
    const port = (number: number) => ({ number, protocol: "HTTP", name: "http" });
    return [
      {
        apiVersion: "security.istio.io/v1",
        kind: "PeerAuthentication",
        metadata: metadata("plain"),
        spec: { mtls: { mode: "DISABLE" } },
      },
      {
        apiVersion: "networking.istio.io/v1",
        kind: "ServiceEntry",
        metadata: metadata("shop"),
        spec: {
          hosts: ["shop.example"],
          ports: [{ ...port(inbound), targetPort: inbound }],
          resolution: "STATIC",
          location: "MESH_INTERNAL",
          endpoints: [{ address: "127.0.0.1", labels }],
        },
      },
      {
        apiVersion: "networking.istio.io/v1",
        kind: "ServiceEntry",
        metadata: metadata("stock"),
        spec: {
          hosts: ["stock.example"],
          ports: [port(outbound)],
          resolution: "STATIC",
          endpoints: [{ address: "127.0.0.1", ports: { http: upstream.port } }],
        },
      },
      {
        apiVersion: "networking.istio.io/v1",
        kind: "Sidecar",
        metadata: metadata("shop"),
        spec: {
          workloadSelector: { labels },
          ingress: [
            {
              port: port(inbound),
              bind: "127.0.0.1",
              captureMode: "NONE",
              defaultEndpoint: `127.0.0.1:${upstream.port}`,
            },
          ],
          egress: [{ port: port(outbound), bind: "127.0.0.1", captureMode: "NONE", hosts: ["*/stock.example"] }],
        },
      },
    ];
  }

  it("passes requests of both directions without a filter", async () => {
    await waitUntil("the inbound listener", async () => {
      const answer = await sendRequest(inbound, "/in").catch(() => null);
      return answer?.status === 200 || null;
    });
    const answer = await sendRequest(outbound, "/out", { headers: { host: "stock.example" } });
    expect([answer.status, answer.text()]).toEqual([200, "app /out"]);
  });

  it.each([
    ["SERVER", 403, 200],
    ["CLIENT", 200, 403],
    ["CLIENT_AND_SERVER", 403, 403],
  ])("runs auth-policy for the requests of match.mode %s", async (mode, ofInbound, ofOutbound) => {
    const rules = [{ to: [{ operation: { methods: ["DELETE"] } }] }];
    const plugin = {
      apiVersion: "extensions.istio.io/v1alpha1",
      kind: "WasmPlugin",
      metadata: metadata(`policy-${mode.toLowerCase().replaceAll("_", "-")}`),
      spec: {
        selector: { matchLabels: labels },
        url: file("auth-policy"),
        match: [{ mode }],
        phase: "AUTHZ",
        pluginConfig: {
          authorizationPolicies: [{ name: "no-delete", namespace: "default", action: "DENY", rules }],
        },
      },
    };
    await discovery.ask({ resources: text([...resources(), plugin]) });
    const statuses = async () => {
      const options = { method: "DELETE", headers: { host: "stock.example" } };
      return [(await sendRequest(inbound, "/", options)).status, (await sendRequest(outbound, "/", options)).status];
    };
    await waitUntil("the policy", async () => {
      const [one, other] = await statuses();
      return (one === ofInbound && other === ofOutbound) || null;
    });
    expect((await sendRequest(inbound, "/")).status).toBe(200);
  });

  it("counts inbound requests as those of their destination, with the workload's own labels", async () => {
    const plugin = {
      apiVersion: "extensions.istio.io/v1alpha1",
      kind: "WasmPlugin",
      metadata: metadata("metrics"),
      spec: { selector: { matchLabels: labels }, url: file("metrics"), phase: "STATS" },
    };
    await discovery.ask({ resources: text([...resources(), plugin]) });
    const series = async (reporter: string) =>
      (await agent.admin("/stats?filter=istio_requests_total&usedonly"))
        .split("\n")
        .find((line) => line.includes(`reporter=.=${reporter};`));
    await waitUntil("both series", async () => {
      await sendRequest(inbound, "/");
      await sendRequest(outbound, "/", { headers: { host: "stock.example" } });
      return ((await series("destination")) !== undefined && (await series("source")) !== undefined) || null;
    });
    const destination = await series("destination");
    for (const label of ["destination_app=.=shop;", "destination_workload_namespace=.=default;"]) {
      expect(destination).toContain(label);
    }
    expect(await series("source")).toContain("destination_service=.=stock.example;");
  });
});
