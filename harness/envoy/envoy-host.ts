import { access, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { HarnessError, PluginRejectedError } from "../errors.ts";
import type {
  Cluster,
  EmptyCluster,
  Host,
  HostOptions,
  LogLine,
  PluginOptions,
  RealCluster,
  RequestOptions,
  Response,
  TcpConnection,
  UpstreamConnection,
  UpstreamRequest,
} from "../host.ts";
import type { Exchange } from "../serve/serve.ts";
import type { ServedConnection } from "../serve/serve-tcp.ts";
import { loadModule } from "../wasm/module.ts";
import { sendRequest } from "./client.ts";
import {
  cluster,
  httpListener,
  isReal,
  modulePath,
  tcpListener,
  type ClusterAddress,
  type Json,
  type PluginFile,
} from "./config.ts";
import { MockGrpcServer } from "./grpc-upstream.ts";
import { connectionLog, exchangeLog, tellEnded } from "./served-log.ts";
import { giveBack, takeEnvoy } from "./pool.ts";
import type { EnvoyLogLine, EnvoyProcess } from "./process.ts";
import { TcpClient } from "./tcp-client.ts";
import { MockTcpServer } from "./tcp-upstream.ts";
import { MockServer } from "./upstream.ts";
import { waitUntil } from "./wait.ts";

export interface EnvoyOptions extends HostOptions {
  /** Loopback port of the proxy; a free one when absent. */
  port?: number;
  /** Loopback port of the TCP listener; a free one when absent. */
  tcpPort?: number;
  /** Number of worker threads, each with its own VMs; 1 when absent. */
  workers?: number;
  /** Told of each log line as it comes. {@link Host.logs} then has the latest only, some thousands of them. */
  onLog?: (line: LogLine) => void;
  /** Told of each request, some 50 ms after it has ended. {@link Host.logs} as with `onLog`. */
  onExchange?: (exchange: Exchange) => void;
  /** Told of each connection to the TCP listener, some 50 ms after it has ended. {@link Host.logs} as with `onLog`. */
  onConnection?: (connection: ServedConnection) => void;
}

/** A host in a real Envoy. */
export interface Envoy extends Host {
  /** Where other programs reach the proxy: `http://127.0.0.1:PORT`. */
  readonly address: string;
  /** Where its TCP listener is, `127.0.0.1:PORT`; `null` when it has none. */
  readonly tcpAddress: string | null;
}

/**
 * Starts the filters in a real Envoy on a free loopback port, with mocked clusters as servers on loopback.
 *
 * Envoys are kept for the next host, so most hosts start in a fraction of a second.
 */
export async function startEnvoy(options: EnvoyOptions): Promise<Envoy> {
  const host = new EnvoyHost(await takeEnvoy(options.workers), options);
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
  private readonly httpLog: readonly Json[];
  private readonly tcpLog: readonly Json[];
  private readonly mocks = new Map<string, Mock>();
  /** Servers of clusters that changed their protocol. */
  private readonly replaced: Mock[] = [];
  private readonly tcpClients: TcpClient[] = [];
  private listeners: Record<string, unknown>[] = [];
  private clusters: ReadonlyMap<string, ClusterAddress> = new Map();
  private readonly wantedPort: number;
  private readonly wantedTcpPort: number;
  private port = 0;
  private tcpPort: number | null = null;
  private stopped = false;

  constructor(envoy: EnvoyProcess, { port = 0, tcpPort = 0, onLog, onExchange, onConnection }: EnvoyOptions) {
    this.envoy = envoy;
    this.wantedPort = port;
    this.wantedTcpPort = tcpPort;
    this.logStart = envoy.logged;
    this.httpLog = onExchange === undefined ? [] : [exchangeLog];
    this.tcpLog = onConnection === undefined ? [] : [connectionLog];
    if (onLog === undefined && onExchange === undefined && onConnection === undefined) return;
    envoy.onLine = (line) => {
      const entry = filterLine(line);
      if (entry !== null) onLog?.(entry);
      else tellEnded(line.text, onExchange, onConnection);
    };
  }

  async fetch(path: string, options?: RequestOptions): Promise<Response> {
    const response = await sendRequest(this.port, path, options);
    await this.envoy.readWrittenLog();
    return response;
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get tcpAddress(): string | null {
    return this.tcpPort === null ? null : `127.0.0.1:${this.tcpPort}`;
  }

  async openTcp(): Promise<TcpConnection> {
    if (this.tcpPort === null) throw new HarnessError("OPTION_INVALID", "tcp: the host has no TCP listener");
    const client = await TcpClient.connect(this.tcpPort);
    this.tcpClients.push(client);
    return client;
  }

  tcpConnections(name: string): readonly UpstreamConnection[] {
    const mock = this.mocks.get(name);
    if (mock instanceof MockTcpServer) return mock.connections;
    throw new HarnessError("OPTION_INVALID", `clusters.${name}: there is no such mocked TCP cluster`);
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
    if (mock === undefined || mock instanceof MockTcpServer)
      throw new HarnessError("OPTION_INVALID", `clusters.${name}: there is no such mocked cluster`);
    return mock.requests;
  }

  async metric(name: string): Promise<number | null> {
    const stats = await this.envoy.stats(`^wasmcustom\\.${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);
    return stats.get(`wasmcustom.${name}`) ?? null;
  }

  async update(options: HostOptions): Promise<void> {
    const plugins = await this.pluginFiles(options.plugins);
    const tcpPlugins = await this.pluginFiles(options.tcp?.plugins ?? []);
    await this.envoy.setLogLevel(options.logLevel ?? "info");
    const clusters = await this.resolveClusters(options.clusters ?? {});
    const logStart = this.envoy.logged;
    // While the listeners change, the clusters of both sides are there.
    await this.replaceClusters(new Map([...this.clusters, ...clusters]));
    const { wantedTcpPort, httpLog, tcpLog } = this;
    const listeners = [httpListener(this.wantedPort, options, plugins, httpLog)];
    if (options.tcp !== undefined) listeners.push(tcpListener(wantedTcpPort, options.tcp.cluster, tcpPlugins, tcpLog));
    if (!(await this.envoy.replace("listeners", listeners))) {
      const refusal = this.envoy.linesSince(logStart);
      // Envoy has taken those of several that it did not refuse.
      if (listeners.length > 1 || this.listeners.length > 1) await this.envoy.replace("listeners", this.listeners);
      await this.replaceClusters(this.clusters);
      throw await this.rejection([...plugins, ...tcpPlugins], refusal);
    }
    this.listeners = listeners;
    for (const [name, entry] of Object.entries(options.clusters ?? {})) this.setAnswer(name, entry);
    this.clusters = clusters;
    await this.replaceClusters(clusters);
    const ports = await this.listenerPorts();
    this.port = ports.get("http")!;
    this.tcpPort = ports.get("tcp") ?? null;
  }

  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    for (const client of this.tcpClients) client.destroy();
    await this.envoy.readWrittenLog();
    this.envoy.onLine = null;
    await giveBack(this.envoy);
    await Promise.all([...this.mocks.values(), ...this.replaced].map((mock) => mock.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private lines(): EnvoyLogLine[] {
    return this.envoy.linesSince(this.logStart);
  }

  /** Modules as files, for Envoy to read. */
  private async pluginFiles(plugins: readonly PluginOptions[]): Promise<PluginFile[]> {
    return await Promise.all(plugins.map(async (plugin) => ({ plugin, file: await this.moduleFile(plugin) })));
  }

  private async moduleFile({ module }: PluginOptions): Promise<string> {
    if (module instanceof Uint8Array) {
      const path = join(this.envoy.folder, `module-${(moduleFileCount += 1)}.wasm`);
      await writeFile(path, module);
      return path;
    }
    const path = resolve(modulePath(module));
    await access(path).catch(() => {
      throw new HarnessError("MODULE_NOT_FOUND", `${path}: cannot read the module: there is no such file`);
    });
    return path;
  }

  /** Where each cluster really is; mocked ones get a server. */
  private async resolveClusters(clusters: Readonly<Record<string, Cluster>>): Promise<Map<string, ClusterAddress>> {
    const resolved = new Map<string, ClusterAddress>();
    for (const [name, entry] of Object.entries(clusters)) {
      if (isReal(entry)) resolved.set(name, { address: entry, http2: entry.http2 ?? false });
      else if ("hosts" in entry) resolved.set(name, { address: null, http2: false });
      else resolved.set(name, await this.mockAddress(name, entry));
    }
    return resolved;
  }

  private async mockAddress(name: string, entry: MockedCluster): Promise<ClusterAddress> {
    const known = this.mocks.get(name);
    const isFit = known !== undefined && protocolOf(known.answer) === protocolOf(entry);
    const mock = isFit ? known : await startMock(entry);
    if (known !== undefined && !isFit) {
      if (!(mock instanceof MockTcpServer) && !(known instanceof MockTcpServer)) {
        mock.requests.unshift(...known.requests);
      }
      this.replaced.push(known);
    }
    this.mocks.set(name, mock);
    return { address: { host: "127.0.0.1", port: mock.port }, http2: protocolOf(entry) === "grpc" };
  }

  private setAnswer(name: string, entry: Cluster): void {
    const mock = this.mocks.get(name);
    if (mock !== undefined && isMocked(entry)) mock.answer = entry;
  }

  private async replaceClusters(clusters: ReadonlyMap<string, ClusterAddress>): Promise<void> {
    const taken = await this.envoy.replace(
      "clusters",
      [...clusters].map(([name, address]) => cluster(name, address)),
    );
    if (!taken)
      throw new HarnessError("OPTION_INVALID", `Envoy refused the clusters ${[...clusters.keys()].join(", ")}`);
  }

  private async listenerPorts(): Promise<Map<string, number>> {
    const page = JSON.parse(await this.envoy.admin("/listeners?format=json")) as {
      listener_statuses?: { name: string; local_address: { socket_address: { port_value: number } } }[];
    };
    return new Map(
      page.listener_statuses!.map(({ name, local_address: address }) => [name, address.socket_address.port_value]),
    );
  }

  /** Why Envoy took no listener. */
  private async rejection(plugins: readonly PluginFile[], lines: readonly EnvoyLogLine[]): Promise<HarnessError> {
    const envoyLine = lines.find(({ logger, text }) => logger !== "wasm" && text.includes("rejected"))?.text;
    if (envoyLine?.includes("Address already in use")) {
      return new HarnessError(
        "PORT_IN_USE",
        `port ${this.wantedTcpPort || this.wantedPort} on 127.0.0.1 is in use: stop what listens there, or choose another`,
      );
    }
    const plugin = /Unable to create Wasm plugin (\S+)/.exec(envoyLine ?? "")?.[1];
    const logs = lines.flatMap((line) => filterLine(line) ?? []);
    // What is wrong with a module Envoy refused, its own log hardly says.
    for (const { file } of plugins) {
      const error = await loadModule(file).then(
        () => null,
        (reason: unknown) => reason,
      );
      if (error instanceof HarnessError) return error;
    }
    if (plugin !== undefined) return new PluginRejectedError(plugin, logs);
    return new HarnessError("OPTION_INVALID", `Envoy refused the configuration: ${envoyLine ?? "it does not say why"}`);
  }
}

type Mock = MockServer | MockGrpcServer | MockTcpServer;
type MockedCluster = Exclude<Cluster, RealCluster | EmptyCluster>;

function isMocked(cluster: Cluster): cluster is MockedCluster {
  return !isReal(cluster) && !("hosts" in cluster);
}

function protocolOf(cluster: MockedCluster): "http" | "grpc" | "tcp" {
  return typeof cluster === "function" ? "http" : "grpc" in cluster ? "grpc" : "tcp";
}

async function startMock(cluster: MockedCluster): Promise<Mock> {
  if (typeof cluster === "function") return await MockServer.start(cluster);
  return "grpc" in cluster ? await MockGrpcServer.start(cluster) : await MockTcpServer.start(cluster);
}

let moduleFileCount = 0;

/** A line of a filter, or of Envoy about one; `null` for the transcript and everything else. */
function filterLine({ level, logger, text }: EnvoyLogLine): LogLine | null {
  if (logger !== "wasm") return null;
  const guest = /^wasm log(?: [^:]*)?: ([^]*)$/.exec(text);
  if (guest !== null) return { level, message: guest[1]!, source: "guest" };
  return level === "trace" || level === "debug" ? null : { level, message: text, source: "proxy" };
}
