import { Agent, createServer, request, type IncomingMessage, type Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { findEnvoy } from "@attache/harness/envoy";
import { cluster } from "../../harness/envoy/config.ts";
import { EnvoyProcess } from "../../harness/envoy/process.ts";
import type { Request } from "./generator.ts";
import { clusterOf, type Json, type VirtualHost } from "./translation.ts";
import type { Destination, HttpRoute } from "./virtual-service.ts";

/** Where routes lead to; each is a cluster. */
export const destinations: readonly Destination[] = [
  { host: "d0.example", port: { number: 80 } },
  { host: "d0.example", subset: "v2", port: { number: 80 } },
  { host: "d0.example", port: { number: 8080 } },
  { host: "d1.example", subset: "v1", port: { number: 80 } },
];

/** What a client and an upstream see of one request. */
export interface Observation {
  status: number;
  headers: string[];
  body: string;
}

export interface Table {
  http: readonly HttpRoute[];
  /** Of the listener with the filter. */
  port: number;
  native: VirtualHost;
  behindFilter: VirtualHost;
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
    const names = destinations.map(clusterOf);
    const upstreams = await Promise.all(names.map(startUpstream));
    const proxy = new DifferentialProxy(envoy, upstreams);
    const clusters = upstreams.map((server, index) => ({
      ...cluster(names[index]!, { address: addressOf(server), http2: false }),
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
  async load(tables: readonly Table[]): Promise<Sides[]> {
    // Connections to listeners that go are closed; ports can come again.
    this.#agent.destroy();
    this.#agent = new Agent({ keepAlive: true, maxSockets: 4, maxFreeSockets: 4 });
    const cors = { name: "envoy.filters.http.cors", typed_config: { "@type": `${TYPES}.http.cors.v3.Cors` } };
    const listeners = tables.flatMap(({ http, port, native, behindFilter }, index) => [
      listener(`native-${index}`, 0, cors, native),
      listener(`filter-${index}`, port, wasm(http, index), behindFilter),
    ]);
    if (!(await this.#envoy.replace("listeners", listeners))) {
      const told = this.#envoy.log.filter(({ text }) => !text.startsWith("Deprecated field"));
      const lines = told.slice(-6).map(({ text }) => text);
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

/** The virtual host behind the filter: as the one for a route that says nothing, but to the cluster that the filter says. */
export function byHeader(any: VirtualHost): VirtualHost {
  const [only] = any.routes as { route: Json }[];
  const { cluster: _, ...action } = only!.route;
  return { ...any, routes: [{ ...only, route: { ...action, cluster_header: "x-cluster" } }] };
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

/** @param port 0: any */
function listener(name: string, port: number, filter: Json, virtualHost: VirtualHost): Json {
  return {
    "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
    name,
    address: { socket_address: { address: "127.0.0.1", port_value: port } },
    filter_chains: [
      {
        filters: [
          {
            name: "http",
            typed_config: {
              "@type": `${TYPES}.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: "http",
              route_config: { virtual_hosts: [virtualHost] },
              http_filters: [filter, { name: "router", typed_config: { "@type": `${TYPES}.http.router.v3.Router` } }],
            },
          },
        ],
      },
    ],
  };
}
