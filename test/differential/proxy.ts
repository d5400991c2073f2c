import { Agent, createServer, request, type IncomingMessage, type Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { findEnvoy } from "@attache/harness/envoy";
import { cluster } from "../../harness/envoy/config.ts";
import { EnvoyProcess } from "../../harness/envoy/process.ts";
import type { Request } from "./generator.ts";
import type { Json } from "./translation.ts";
import type { HttpRoute } from "./virtual-service.ts";

/** Names of all hosts that routes lead to; each is a cluster. */
export const destinations = ["d0", "d1", "d2", "d3"] as const;

/** What a client and an upstream see of one request. */
export interface Observation {
  status: number;
  headers: string[];
  body: string;
}

/** A table on both sides: ports of the listener with native routes and of the one with the filter. */
export interface Sides {
  native: number;
  filter: number;
}

const TYPES = "type.googleapis.com/envoy.extensions.filters";
const module = fileURLToPath(new URL("../../assembly/header-routing/build/plugin.wasm", import.meta.url));

/** Headers that change from request to request, or tell which side it was. */
const ignored =
  /^(date|x-request-id|x-envoy-upstream-service-time|x-cluster|x-id|connection|keep-alive|transfer-encoding|content-length)$/;

/** One Envoy that has each table twice, and upstreams that answer with what they were asked. */
export class DifferentialProxy {
  readonly #envoy: EnvoyProcess;
  readonly #upstreams: readonly Server[];
  #agent = new Agent();

  static async start(): Promise<DifferentialProxy> {
    const binary = await findEnvoy();
    if (binary === null) throw new Error("there is no Envoy to compare with: run `npm run setup` first");
    const envoy = await EnvoyProcess.start(binary);
    const upstreams = await Promise.all(destinations.map(startUpstream));
    const proxy = new DifferentialProxy(envoy, upstreams);
    const clusters = upstreams.map((server, index) => ({
      ...cluster(destinations[index]!, { address: addressOf(server), http2: false }),
      circuit_breakers: { thresholds: [{ max_retries: 10_000 }] },
    }));
    if (!(await envoy.replace("clusters", clusters))) throw new Error("Envoy rejected the clusters");
    return proxy;
  }

  private constructor(envoy: EnvoyProcess, upstreams: readonly Server[]) {
    this.#envoy = envoy;
    this.#upstreams = upstreams;
  }

  /** Puts tables in the place of those before. */
  async load(tables: readonly { http: readonly HttpRoute[]; routes: readonly Json[] }[]): Promise<Sides[]> {
    // Connections to listeners that go are closed; ports can come again.
    this.#agent.destroy();
    this.#agent = new Agent({ keepAlive: true, maxSockets: 4, maxFreeSockets: 4 });
    const listeners = tables.flatMap(({ http, routes }, index) => [
      listener(
        `native-${index}`,
        [{ name: "envoy.filters.http.cors", typed_config: { "@type": `${TYPES}.http.cors.v3.Cors` } }],
        routes,
      ),
      listener(
        `filter-${index}`,
        [wasm(http, index)],
        [{ match: { prefix: "/" }, route: { cluster_header: "x-cluster" } }],
      ),
    ]);
    if (!(await this.#envoy.replace("listeners", listeners))) {
      const lines = this.#envoy.log.slice(-6).map(({ text }) => text);
      throw new Error(`Envoy rejected a table:\n${lines.join("\n")}`);
    }
    const ports = await this.#ports(listeners.length);
    return tables.map((_, index) => ({ native: ports.get(`native-${index}`)!, filter: ports.get(`filter-${index}`)! }));
  }

  async send(port: number, { method, path, headers }: Request): Promise<Observation> {
    return await new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port, method, path, agent: this.#agent };
      const id = ["x-id", String(nextId++)];
      const outgoing = request({ ...options, headers: [...headers, id, ...bodyless(method)].flat() }, (incoming) => {
        readText(incoming).then((body) => resolve(observe(incoming, body)), reject);
      });
      outgoing.on("error", reject).end();
    });
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    await this.#envoy.stop();
    for (const server of this.#upstreams) {
      server.closeAllConnections();
      server.close();
    }
  }

  /** Ports of the listeners, by name, once workers accept at all of them. */
  async #ports(count: number): Promise<Map<string, number>> {
    interface Status {
      name: string;
      local_address: { socket_address: { port_value: number } };
    }
    const deadline = Date.now() + 20_000;
    while (true) {
      const page = JSON.parse(await this.#envoy.admin("/listeners?format=json")) as { listener_statuses?: Status[] };
      const ports = new Map(
        (page.listener_statuses ?? []).map(({ name, local_address }) => [
          name,
          local_address.socket_address.port_value,
        ]),
      );
      if (ports.size === count && [...ports.values()].every((port) => port > 0)) {
        if ((await Promise.all([...ports.values()].map(accepts))).every(Boolean)) return ports;
      }
      if (Date.now() > deadline) throw new Error("Envoy did not open all listeners within 20 seconds");
    }
  }
}

let nextId = 0;
/** How often each request has come to an upstream. */
const attempts = new Map<string, number>();

async function startUpstream(name: string): Promise<Server> {
  const server = createServer((incoming, response) => {
    const id = String(incoming.headers["x-id"]);
    const attempt = (attempts.get(id) ?? 0) + 1;
    attempts.set(id, attempt);
    const seen = {
      cluster: name,
      method: incoming.method,
      path: incoming.url,
      attempt,
      // How long a repeated request may still take depends on how long it has taken.
      headers: headerLines(incoming).filter(
        (line) => attempt === 1 || !line.startsWith("x-envoy-expected-rq-timeout-ms"),
      ),
    };
    incoming.resume();
    response.writeHead(
      Number(incoming.headers["x-respond"] ?? 200),
      [
        ["x-up", "stream"],
        ["x-a", "upstream"],
      ].flat(),
    );
    response.end(JSON.stringify(seen));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

function addressOf(server: Server): { host: string; port: number } {
  return { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
}

function observe(incoming: IncomingMessage, body: string): Observation {
  return { status: incoming.statusCode!, headers: headerLines(incoming), body };
}

/** Lines of one name keep their order; names have none. */
function headerLines({ rawHeaders }: IncomingMessage): string[] {
  const lines: [string, string][] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    if (!ignored.test(name)) lines.push([name, rawHeaders[index + 1]!]);
  }
  return lines.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([name, value]) => `${name}: ${value}`);
}

async function readText(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function bodyless(method: string): [string, string][] {
  return method === "POST" ? [["content-length", "0"]] : [];
}

async function accepts(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket.destroy() !== null));
    socket.on("error", () => resolve(false));
  });
}

/** All tables are plugins of one VM. */
function wasm(http: readonly HttpRoute[], index: number): Json {
  const configuration = { http, options: { clusterHeader: "x-cluster", unmatched: 404 } };
  return {
    name: "wasm",
    typed_config: {
      "@type": `${TYPES}.http.wasm.v3.Wasm`,
      config: {
        name: `table-${index}`,
        root_id: `table-${index}`,
        configuration: {
          "@type": "type.googleapis.com/google.protobuf.StringValue",
          value: JSON.stringify(configuration),
        },
        vm_config: {
          vm_id: "differential",
          runtime: "envoy.wasm.runtime.v8",
          code: { local: { filename: module } },
        },
      },
    },
  };
}

function listener(name: string, filters: Json[], routes: readonly Json[]): Json {
  return {
    "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
    name,
    address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
    filter_chains: [
      {
        filters: [
          {
            name: "http",
            typed_config: {
              "@type": `${TYPES}.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: "http",
              route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes }] },
              http_filters: [
                ...filters,
                { name: "router", typed_config: { "@type": `${TYPES}.http.router.v3.Router` } },
              ],
            },
          },
        ],
      },
    ],
  };
}
