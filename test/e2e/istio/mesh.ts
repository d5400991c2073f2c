import { stringify } from "yaml";
import { sendRequest } from "../../../harness/envoy/client.ts";
import { MockServer } from "../../../harness/envoy/upstream.ts";
import { waitUntil } from "../../../harness/envoy/wait.ts";
import type { MockCluster, RequestOptions, Response, UpstreamRequest } from "@attache/harness";
import { freePort } from "../../free-port.ts";
import { Agent } from "./agent.ts";
import { Conversation } from "./conversation.ts";
import type { Istio } from "./program.ts";

/** A resource of Istio, as an object. */
export type Resource = Record<string, unknown>;

/** Environment of the control plane: stock Envoy has none of Istio's own filters. */
export const withoutIstiosFilters = {
  PILOT_ENABLE_METADATA_EXCHANGE: "false",
  PILOT_ENABLE_ALPN_FILTER: "false",
  PILOT_ENABLE_TELEMETRY: "false",
};

export const gatewayLabels = { istio: "ingressgateway" };

/**
 * A mesh of one gateway and one service: Istio's control plane, its agent, Envoy, and an upstream written in the test.
 * Requests for any host go to that upstream.
 */
export class Mesh implements AsyncDisposable {
  readonly agent: Agent;
  private readonly discovery: Conversation<{ resources: string }, { address: string }>;
  private readonly upstream: MockServer;
  private readonly port: number;

  static async start(istio: Istio, envoy: string, app: MockCluster): Promise<Mesh> {
    await using started = new AsyncDisposableStack();
    const discovery = started.use(
      new Conversation<{ resources: string }, { address: string }>(istio, "discovery", withoutIstiosFilters),
    );
    const upstream = started.adopt(await MockServer.start(app), (server) => server.stop());
    const port = await freePort();
    const { address } = await discovery.ask({ resources: text(gateway(port, upstream.port)) });
    const agent = started.use(await Agent.start({ istio, envoy, discoveryAddress: address, labels: gatewayLabels }));
    const mesh = new Mesh(agent, discovery, upstream, port);
    await mesh.until("the gateway to listen", async () => (await mesh.fetch("/")).status === 200);
    started.move();
    return mesh;
  }

  private constructor(agent: Agent, discovery: Mesh["discovery"], upstream: MockServer, port: number) {
    this.agent = agent;
    this.discovery = discovery;
    this.upstream = upstream;
    this.port = port;
  }

  /** `HOST:PORT` of the gateway. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Requests that have reached the service. */
  get requests(): readonly UpstreamRequest[] {
    return this.upstream.requests;
  }

  /** What `kubectl apply` would do, for all resources beside the gateway's own: those that were there before go. */
  async apply(...resources: Resource[]): Promise<void> {
    await this.discovery.ask({ resources: text([...gateway(this.port, this.upstream.port), ...resources]) });
  }

  /** {@link apply}, then waits until Envoy has a filter for each WasmPlugin, if only a substitute. */
  async load(...plugins: WasmPlugin[]): Promise<void> {
    await this.apply(...plugins.map(wasmPlugin));
    for (const { name } of plugins) {
      await this.until(`Envoy to take ${name}`, async () => (await this.agent.extension(name)) !== null);
    }
  }

  async fetch(path: string, options?: RequestOptions): Promise<Response> {
    return await sendRequest(this.port, path, options);
  }

  /** Asks until it holds; a rejection counts as no. Rejects with what agent and Envoy have logged. */
  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    try {
      await waitUntil(what, async () => (await holds().catch(() => false)) || null, 10_000);
    } catch (error) {
      throw new Error([(error as Error).message, ...this.agent.log.slice(-10)].join("\n"), { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent[Symbol.asyncDispose]();
    await this.discovery[Symbol.asyncDispose]();
    await this.upstream.stop();
  }
}

/** `spec` of a WasmPlugin, and its name. */
export interface WasmPlugin extends Resource {
  name: string;
  url: string;
}

/** The resource. */
export function wasmPlugin({ name, ...spec }: WasmPlugin): Resource {
  return {
    apiVersion: "extensions.istio.io/v1alpha1",
    kind: "WasmPlugin",
    metadata: { name, namespace: "default" },
    spec: { selector: { matchLabels: gatewayLabels }, ...spec },
  };
}

function gateway(port: number, upstreamPort: number): Resource[] {
  const apiVersion = "networking.istio.io/v1";
  const metadata = { name: "app", namespace: "default" };
  const server = { port: { number: port, name: "http", protocol: "HTTP" }, hosts: ["*"], bind: "127.0.0.1" };
  return [
    { apiVersion, kind: "Gateway", metadata, spec: { selector: gatewayLabels, servers: [server] } },
    {
      apiVersion,
      kind: "VirtualService",
      metadata,
      spec: { hosts: ["*"], gateways: ["app"], http: [{ route: [{ destination: { host: "app.example" } }] }] },
    },
    {
      apiVersion,
      kind: "ServiceEntry",
      metadata,
      spec: {
        hosts: ["app.example"],
        ports: [{ number: 80, name: "http", protocol: "HTTP" }],
        resolution: "STATIC",
        endpoints: [{ address: "127.0.0.1", ports: { http: upstreamPort } }],
      },
    },
  ];
}

/** As `discovery` reads them. */
export function text(resources: readonly Resource[]): string {
  return resources.map((resource) => stringify(resource, { version: "1.1" })).join("---\n");
}
