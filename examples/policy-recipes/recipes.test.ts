import { readFileSync } from "node:fs";
import { request } from "node:https";
import { fileURLToPath } from "node:url";
import { startEmulator } from "@attache/harness";
import { findEnvoy } from "@attache/harness/envoy";
import { withoutEnvoy } from "@attache/harness/vitest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EnvoyProcess } from "../../harness/envoy/process.ts";
import { makeIdentities, type Identities } from "../../test/differential/auth-policy/identities.ts";
import { freePorts } from "../../test/differential/free-ports.ts";

const module = new URL("../../assembly/auth-policy/build/plugin.wasm", import.meta.url);
const read = (recipe: string) => readFileSync(new URL(recipe, import.meta.url), "utf8");

/** The service accounts that clients have certificates of; `none` has no certificate. */
const clients = {
  none: null,
  productpage: "spiffe://cluster.local/ns/default/sa/bookinfo-productpage",
  orders: "spiffe://cluster.local/ns/default/sa/order-service",
  stranger: "spiffe://cluster.local/ns/other/sa/order-service",
};
type Client = keyof typeof clients;

const recipes: Record<string, [client: Client, method: string, path: string, status: number][]> = {
  "reviews.json": [
    ["productpage", "GET", "/reviews/1", 200],
    ["productpage", "POST", "/reviews/1", 403],
    ["orders", "GET", "/reviews/1", 403],
    ["none", "GET", "/reviews/1", 403],
  ],
  "payment-access.json": [
    ["orders", "POST", "/payments", 200],
    ["orders", "POST", "/payments/1", 403],
    ["orders", "GET", "/payments", 403],
    ["productpage", "POST", "/payments", 403],
    ["stranger", "POST", "/payments", 403],
  ],
  "allow-internal.json": [
    ["productpage", "DELETE", "/anything", 200],
    ["orders", "GET", "/", 200],
    ["stranger", "GET", "/", 403],
    ["none", "GET", "/", 403],
  ],
  "require-mtls.json": [
    ["stranger", "GET", "/", 200],
    ["none", "GET", "/", 403],
  ],
};

describe("policy recipes [emulator]", () => {
  it.each(Object.entries(recipes))("%s", async (recipe, requests) => {
    await using host = await startEmulator({
      plugins: [{ name: "auth-policy", module, configuration: read(recipe) }],
      clusters: { app: () => ({ body: "app" }) },
    });
    for (const [client, method, path, status] of requests) {
      const uriSan = clients[client];
      const connection = { ...host.connect(), tls: uriSan === null ? {} : { peerCertificate: { uriSan } } };
      expect((await host.fetch(path, { method, connection })).status, `${client} ${method} ${path}`).toBe(status);
    }
  });
});

const envoy = await findEnvoy();

describe.skipIf(envoy === null)(`policy recipes [envoy]${envoy === null ? `: ${withoutEnvoy}` : ""}`, () => {
  const ports = new Map<string, number>();
  let identities: Identities;
  let proxy: EnvoyProcess;

  beforeAll(async () => {
    const names = Object.keys(recipes);
    (await freePorts(names.length)).forEach((port, index) => ports.set(names[index]!, port));
    identities = await makeIdentities(
      Object.fromEntries(
        Object.entries(clients).map(([client, value]) => [client, value === null ? null : [{ type: "url", value }]]),
      ),
    );
    proxy = await EnvoyProcess.start(envoy!);
    const listeners = names.map((recipe) => listener(recipe, ports.get(recipe)!, identities));
    expect(await proxy.replace("listeners", listeners), proxy.log.map(({ text }) => text).join("\n")).toBe(true);
  });
  afterAll(async () => await proxy.stop());

  it.each(Object.entries(recipes))("%s", async (recipe, requests) => {
    const port = ports.get(recipe)!;
    await expect.poll(async () => await send(port, "/", "GET").catch(() => 0), { timeout: 20_000 }).not.toBe(0);
    for (const [client, method, path, status] of requests) {
      const answered = await send(port, path, method, identities.clients.get(client));
      expect(answered, `${client} ${method} ${path}`).toBe(status);
    }
  });
});

/** The status of the answer. */
async function send(port: number, path: string, method: string, identity?: { cert: string; key: string }) {
  return await new Promise<number>((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path, method, agent: false, rejectUnauthorized: false, ...identity };
    const outgoing = request(options, (answer) => {
      answer.resume().on("end", () => resolve(answer.statusCode!));
    });
    outgoing.on("error", reject).end();
  });
}

const types = "type.googleapis.com/envoy.extensions";

function listener(recipe: string, port: number, { authority, server }: Identities) {
  const inline = (inline_string: string) => ({ inline_string });
  return {
    "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
    name: recipe,
    address: { socket_address: { address: "127.0.0.1", port_value: port } },
    filter_chains: [
      {
        transport_socket: {
          name: "tls",
          typed_config: {
            "@type": `${types}.transport_sockets.tls.v3.DownstreamTlsContext`,
            common_tls_context: {
              tls_certificates: [{ certificate_chain: inline(server.cert), private_key: inline(server.key) }],
              validation_context: { trusted_ca: inline(authority) },
            },
          },
        },
        filters: [
          {
            name: "http",
            typed_config: {
              "@type": `${types}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: "http",
              http_filters: [
                { name: "auth-policy", typed_config: authPolicy(recipe) },
                { name: "router", typed_config: { "@type": `${types}.filters.http.router.v3.Router` } },
              ],
              route_config: {
                virtual_hosts: [
                  {
                    name: "all",
                    domains: ["*"],
                    routes: [{ match: { prefix: "/" }, direct_response: { status: 200, body: inline("app") } }],
                  },
                ],
              },
            },
          },
        ],
      },
    ],
  };
}

function authPolicy(recipe: string) {
  return {
    "@type": `${types}.filters.http.wasm.v3.Wasm`,
    config: {
      name: recipe,
      failure_policy: "FAIL_CLOSED",
      vm_config: {
        vm_id: recipe,
        runtime: "envoy.wasm.runtime.v8",
        code: { local: { filename: fileURLToPath(module) } },
      },
      configuration: { "@type": "type.googleapis.com/google.protobuf.StringValue", value: read(recipe) },
    },
  };
}
