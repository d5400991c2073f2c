import { access, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { HarnessError, PluginRejectedError } from "../errors.ts";
import type {
  Cluster,
  GrpcCluster,
  Host,
  HostOptions,
  LogLine,
  MockCluster,
  RequestOptions,
  Response,
  UpstreamRequest,
} from "../host.ts";
import { loadModule } from "../wasm/module.ts";
import { sendRequest } from "./client.ts";
import { cluster, isReal, listener, modulePath, type ClusterAddress } from "./config.ts";
import { MockGrpcServer } from "./grpc-upstream.ts";
import { giveBack, takeEnvoy } from "./pool.ts";
import type { EnvoyLogLine, EnvoyProcess } from "./process.ts";
import { MockServer } from "./upstream.ts";
import { waitUntil } from "./wait.ts";

export interface EnvoyOptions extends HostOptions {
  /** Loopback port of the proxy; a free one when absent. */
  port?: number;
}

/** A host in a real Envoy. */
export interface Envoy extends Host {
  /** Where other programs reach the proxy: `http://127.0.0.1:PORT`. */
  readonly address: string;
}

/**
 * Starts the filters in a real Envoy on a free loopback port, with mocked clusters as servers on loopback.
 *
 * Envoys are kept for the next host, so most hosts start in a fraction of a second.
 */
export async function startEnvoy(options: EnvoyOptions): Promise<Envoy> {
  const host = new EnvoyHost(await takeEnvoy(), options.port ?? 0);
  try {
    await host.update(options);
  } catch (error) {
    await host.stop();
    throw error;
  }
  return host;
}

class EnvoyHost implements Envoy {
  readonly kind = "envoy";
  private readonly envoy: EnvoyProcess;
  private readonly logStart: number;
  private readonly mocks = new Map<string, MockServer | MockGrpcServer>();
  /** Servers of clusters that changed their protocol. */
  private readonly replaced: (MockServer | MockGrpcServer)[] = [];
  private clusters: ReadonlyMap<string, ClusterAddress> = new Map();
  private readonly wantedPort: number;
  private port = 0;
  private stopped = false;

  constructor(envoy: EnvoyProcess, port: number) {
    this.envoy = envoy;
    this.wantedPort = port;
    this.logStart = envoy.log.length;
  }

  async fetch(path: string, options?: RequestOptions): Promise<Response> {
    const response = await sendRequest(this.port, path, options);
    await this.envoy.readWrittenLog();
    return response;
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get logs(): readonly LogLine[] {
    return this.lines().flatMap((line) => filterLine(line) ?? []);
  }

  get transcript(): readonly string[] {
    return this.lines().flatMap(({ text }) => (/^\[(host|vm)(->|<-)(host|vm)\]/.test(text) ? [text] : []));
  }

  async waitForLog(pattern: string | RegExp): Promise<LogLine> {
    const matches = ({ message }: LogLine) =>
      typeof pattern === "string" ? message.includes(pattern) : pattern.test(message);
    return await waitUntil(`a log line with ${pattern}`, async () => this.logs.find(matches) ?? null, 5_000);
  }

  requests(name: string): readonly UpstreamRequest[] {
    const mock = this.mocks.get(name);
    if (mock === undefined)
      throw new HarnessError("OPTION_INVALID", `clusters.${name}: there is no such mocked cluster`);
    return mock.requests;
  }

  async metric(name: string): Promise<number | null> {
    const stats = await this.envoy.stats(`^wasmcustom\\.${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);
    return stats.get(`wasmcustom.${name}`) ?? null;
  }

  async update(options: HostOptions): Promise<void> {
    const moduleFiles = await this.moduleFiles(options);
    await this.envoy.setLogLevel(options.logLevel ?? "info");
    const clusters = await this.resolveClusters(options.clusters ?? {});
    const logStart = this.envoy.log.length;
    // While the listener changes, the clusters of both sides are there.
    await this.replaceClusters(new Map([...this.clusters, ...clusters]));
    if (!(await this.envoy.replace("listeners", [listener(this.wantedPort, options, moduleFiles)]))) {
      await this.replaceClusters(this.clusters);
      throw await this.rejection(options, moduleFiles, this.envoy.log.slice(logStart));
    }
    for (const [name, entry] of Object.entries(options.clusters ?? {})) this.setAnswer(name, entry);
    this.clusters = clusters;
    await this.replaceClusters(clusters);
    this.port = await this.listenerPort();
  }

  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    await giveBack(this.envoy);
    await Promise.all([...this.mocks.values(), ...this.replaced].map((mock) => mock.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private lines(): EnvoyLogLine[] {
    return this.envoy.log.slice(this.logStart);
  }

  /** Modules as files, for Envoy to read. */
  private async moduleFiles(options: HostOptions): Promise<string[]> {
    return await Promise.all(
      options.plugins.map(async ({ module }, index) => {
        if (module instanceof Uint8Array) {
          const path = join(this.envoy.folder, `module-${(moduleFileCount += 1)}-${index}.wasm`);
          await writeFile(path, module);
          return path;
        }
        const path = resolve(modulePath(module));
        await access(path).catch(() => {
          throw new HarnessError("MODULE_NOT_FOUND", `${path}: cannot read the module: there is no such file`);
        });
        return path;
      }),
    );
  }

  /** Where each cluster really is; mocked ones get a server. */
  private async resolveClusters(clusters: Readonly<Record<string, Cluster>>): Promise<Map<string, ClusterAddress>> {
    const resolved = new Map<string, ClusterAddress>();
    for (const [name, entry] of Object.entries(clusters)) {
      if (isReal(entry)) resolved.set(name, { address: entry, http2: false });
      else if ("hosts" in entry) resolved.set(name, { address: null, http2: false });
      else resolved.set(name, await this.mockAddress(name, entry));
    }
    return resolved;
  }

  private async mockAddress(name: string, entry: MockCluster | GrpcCluster): Promise<ClusterAddress> {
    const http2 = typeof entry !== "function";
    const known = this.mocks.get(name);
    const fits = known !== undefined && known instanceof MockGrpcServer === http2;
    const mock = fits ? known : http2 ? await MockGrpcServer.start(entry) : await MockServer.start(entry);
    if (known !== undefined && !fits) {
      mock.requests.unshift(...known.requests);
      this.replaced.push(known);
    }
    this.mocks.set(name, mock);
    return { address: { host: "127.0.0.1", port: mock.port }, http2 };
  }

  private setAnswer(name: string, entry: Cluster): void {
    const mock = this.mocks.get(name);
    if (typeof entry === "function") (mock as MockServer).answer = entry;
    else if ("grpc" in entry) (mock as MockGrpcServer).answer = entry;
  }

  private async replaceClusters(clusters: ReadonlyMap<string, ClusterAddress>): Promise<void> {
    const taken = await this.envoy.replace(
      "clusters",
      [...clusters].map(([name, address]) => cluster(name, address)),
    );
    if (!taken)
      throw new HarnessError("OPTION_INVALID", `Envoy refused the clusters ${[...clusters.keys()].join(", ")}`);
  }

  private async listenerPort(): Promise<number> {
    const page = JSON.parse(await this.envoy.admin("/listeners?format=json")) as {
      listener_statuses?: { local_address: { socket_address: { port_value: number } } }[];
    };
    return page.listener_statuses![0]!.local_address.socket_address.port_value;
  }

  /** Why Envoy took no listener. */
  private async rejection(
    options: HostOptions,
    moduleFiles: readonly string[],
    lines: readonly EnvoyLogLine[],
  ): Promise<HarnessError> {
    const envoyLine = lines.find(({ logger, text }) => logger !== "wasm" && text.includes("rejected"))?.text;
    if (envoyLine?.includes("Address already in use")) {
      return new HarnessError(
        "PORT_IN_USE",
        `port ${this.wantedPort} on 127.0.0.1 is in use: stop what listens there, or choose another`,
      );
    }
    const plugin = /Unable to create Wasm plugin (\S+)/.exec(envoyLine ?? "")?.[1];
    const logs = lines.flatMap((line) => filterLine(line) ?? []);
    // What is wrong with a module Envoy refused, its own log hardly says.
    for (const path of moduleFiles) {
      const error = await loadModule(path).then(
        () => null,
        (reason: unknown) => reason,
      );
      if (error instanceof HarnessError) return error;
    }
    if (plugin !== undefined) return new PluginRejectedError(plugin, logs);
    return new HarnessError("OPTION_INVALID", `Envoy refused the configuration: ${envoyLine ?? "it does not say why"}`);
  }
}

let moduleFileCount = 0;

/** A line of a filter, or of Envoy about one; `null` for the transcript and everything else. */
function filterLine({ level, logger, text }: EnvoyLogLine): LogLine | null {
  if (logger !== "wasm") return null;
  const guest = /^wasm log(?: [^:]*)?: ([^]*)$/.exec(text);
  if (guest !== null) return { level, message: guest[1]!, source: "guest" };
  return level === "trace" || level === "debug" ? null : { level, message: text, source: "proxy" };
}
