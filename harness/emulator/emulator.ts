import type { ForeignFunction } from "../abi/foreign.ts";
import { HarnessError } from "../errors.ts";
import type {
  Host,
  HostOptions,
  LogLine,
  RequestOptions,
  Response,
  TcpConnection,
  UpstreamConnection,
  UpstreamRequest,
} from "../host.ts";
import { RealUpstream } from "../serve/real-cluster.ts";
import { RouteTable } from "../http/route-table.ts";
import { HttpStream, type Listener, type ResponseSink } from "../http/stream.ts";
import { StreamInfo, type ConnectionInfo, type DynamicMetadata } from "../http/stream-info.ts";
import { DownstreamConnection, type ClientEnd } from "../tcp/downstream-connection.ts";
import { MockTcpUpstream } from "../tcp/mock-tcp-cluster.ts";
import { TcpProxy } from "../tcp/tcp-proxy.ts";
import { createClusters, isHttpMock } from "./clusters.ts";
import { RealClock, VirtualClock, type Clock } from "./clock.ts";
import { Deadline } from "./deadline.ts";
import { Diagnostics, type Diagnostic } from "./diagnostics.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Profile, type CallbackProfile } from "./profile.ts";
import type { Trap } from "../wasm/trap.ts";
import { rulesOf, type EnvoyVersion } from "./envoy-version.ts";
import { exchange } from "./exchange.ts";
import type { KnownVms } from "./canary.ts";
import { FilterChain } from "./filter-chain.ts";
import { ProxyLog } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { loadPlugins, type Plugin } from "./plugin.ts";
import { Random } from "./random.ts";
import { RecentList, Retention } from "./recent-list.ts";
import type { ProxyServices } from "./services.ts";
import { SharedData } from "./shared-data.ts";
import { SharedQueues } from "./shared-queues.ts";
import { Transcript } from "./transcript.ts";
import { Worker } from "./worker.ts";

export interface EmulatorOptions extends HostOptions {
  /** Threads that take streams, in turn; 1 when absent. Each has its own VMs, and so has the main thread. */
  workers?: number;
  /** `virtual` (when absent): time stands still but for {@link Emulator.advance}. */
  clock?: "virtual" | "real";
  /** Where virtual time begins, in milliseconds since the epoch; 2025-01-01T00:00:00Z when absent. */
  startTime?: number;
  /** Of request ids and whatever else is random; 1 when absent. */
  seed?: number;
  /** Bytes of a body that are held back before 413, 500 or back-pressure; 1 MiB when absent, as in Envoy. */
  bufferLimit?: number;
  /**
   * How long a callback of a filter may take, in milliseconds of real time; 10,000 when absent. Envoy would hang: here the filter is
   * ended, whatever is waited for rejects with `CALLBACK_ENDLESS`, and so does all that is asked of the emulator afterwards.
   */
  callbackDeadlineMs?: number;
  /** Whose rules hold where versions of Envoy differ; `1.40` when absent. */
  envoyVersion?: EnvoyVersion;
  /** What filters find by `proxy_call_foreign_function` beside Envoy's own, as an extension of the proxy would add it. */
  foreignFunctions?: Readonly<Record<string, ForeignFunction>>;
  /** Notes what each callback costs, for {@link Emulator.profile}. */
  profile?: boolean;
  /** Leaving the scope of `await using` fails with `DIAGNOSTICS` when there are {@link Emulator.diagnostics}. */
  failOnDiagnostics?: boolean;
  /** Told of each log line as it comes; `prefix` names the plugin. */
  onLog?: (line: LogLine, prefix: string) => void;
}

export interface StreamOptions {
  /** A connection of its own when absent. */
  connection?: ConnectionInfo;
  /** `HTTP/1.1` when absent. */
  protocol?: string;
  /** What filters of the proxy before the first one have written; nothing when absent. */
  dynamicMetadata?: DynamicMetadata;
}

/** Envoy with one HTTP listener, in this process. */
export class Emulator implements Host {
  readonly kind = "emulator";
  /** What guests did that Envoy passes over in silence; the first 1000 times. */
  readonly diagnostics: readonly Diagnostic[];
  readonly #services: ProxyServices;
  readonly #workers: Worker[];
  readonly #known: KnownVms = new Map();
  readonly #bufferLimit: number;
  #http!: FilterChain;
  #tcp: { chain: FilterChain; cluster: string } | null = null;
  #routes!: RouteTable;
  #nextWorker = 0;
  #nextConnectionId = 0;
  #isStopped = false;
  readonly #failsOnDiagnostics: boolean;

  /** Use {@link startEmulator}. */
  constructor(options: EmulatorOptions) {
    const { workers = 1, clock = "virtual", startTime = Date.UTC(2025, 0, 1), seed = 1, logLevel = "info" } = options;
    if (!Number.isInteger(workers) || workers < 1 || workers > 1024) {
      throw new HarnessError("OPTION_INVALID", `workers: ${workers} is no whole number from 1 to 1024`);
    }
    const dispatcher = new Dispatcher();
    const retention = new Retention();
    const services: ProxyServices = {
      log: new ProxyLog(logLevel, retention, options.onLog ?? null),
      transcript: logLevel === "trace" ? new Transcript(retention) : null,
      clock: clock === "virtual" ? new VirtualClock(startTime) : new RealClock(() => dispatcher.run()),
      deadline: new Deadline(options.callbackDeadlineMs ?? 10_000),
      profile: options.profile === true ? new Profile() : null,
      rules: rulesOf(options.envoyVersion ?? "1.40"),
      dispatcher,
      random: new Random(seed),
      metrics: new Metrics(),
      sharedData: new SharedData(),
      queues: new SharedQueues(dispatcher),
      diagnostics: new Diagnostics(),
      traps: new RecentList(retention),
      retention,
      foreignFunctions: new Map(Object.entries(options.foreignFunctions ?? {})),
      clusters: new Map(),
    };
    this.#services = services;
    this.diagnostics = services.diagnostics.list;
    this.#failsOnDiagnostics = options.failOnDiagnostics ?? false;
    this.#bufferLimit = options.bufferLimit ?? 1024 * 1024;
    this.#workers = Array.from({ length: workers + 1 }, () => new Worker(services));
  }

  get logs(): readonly LogLine[] {
    return this.#services.log.lines;
  }

  /** Traps of guests so far (the latest, when {@link serve} was called), with their places in the source where the modules have source maps beside them. */
  get traps(): readonly Trap[] {
    return this.#services.traps.items;
  }

  /** What each callback of each plugin has cost so far; empty unless {@link EmulatorOptions.profile} is set. */
  get profile(): readonly CallbackProfile[] {
    return this.#services.profile?.rows ?? [];
  }

  get transcript(): readonly string[] {
    return this.#services.transcript?.lines ?? [];
  }

  get clock(): Clock {
    return this.#services.clock;
  }

  /** Also of a connection with TLS: `{ connection: { ...host.connect(), tls: { peerCertificate: { uriSan } } } }`. */
  async fetch(path: string, options: RequestOptions & StreamOptions = {}): Promise<Response> {
    const { deadline, dispatcher } = this.#services;
    const open = (sink: ResponseSink) => this.openStream(sink, options);
    return await deadline.whileUsable(async () => await exchange(open, path, options, dispatcher));
  }

  /** A stream to be driven step by step. */
  openStream(sink: ResponseSink, options: StreamOptions = {}): HttpStream {
    const { connection = this.connect(), protocol = "HTTP/1.1", dynamicMetadata } = options;
    this.#assertUsable();
    const chain = this.#http;
    const worker = this.#takeWorker();
    const listener: Listener = {
      routes: this.#routes,
      bufferLimit: this.#bufferLimit,
      addFilters: (manager) => chain.addFilters(worker, manager),
    };
    return new HttpStream(listener, this.#services, connection, protocol, sink, dynamicMetadata);
  }

  async openTcp(): Promise<TcpConnection> {
    return this.acceptTcp(this.connect(), null);
  }

  /** @internal As {@link openTcp}; `client` takes what is sent. */
  acceptTcp(from: ConnectionInfo, client: ClientEnd | null): DownstreamConnection {
    this.#assertUsable();
    if (this.#tcp === null) throw new HarnessError("OPTION_INVALID", "tcp: the host has no TCP listener");
    const services = this.#services;
    const info = new StreamInfo(from, null, services.clock.now());
    const connection = new DownstreamConnection(info, services.dispatcher, client);
    this.#tcp.chain.addNetworkFilters(this.#takeWorker(), connection);
    connection.add(new TcpProxy(connection, this.#tcp.cluster, services));
    connection.start();
    return connection;
  }

  tcpConnections(cluster: string): readonly UpstreamConnection[] {
    const upstream = this.#services.clusters.get(cluster);
    if (upstream instanceof MockTcpUpstream) return upstream.connections;
    throw new HarnessError("OPTION_INVALID", `clusters.${cluster}: there is no such mocked TCP cluster`);
  }

  #assertUsable(): void {
    this.#services.deadline.assertUsable();
    if (this.#isStopped) throw new HarnessError("STREAM_RESET", "the emulator has been stopped");
  }

  #takeWorker(): number {
    return 1 + (this.#nextWorker++ % (this.#workers.length - 1));
  }

  /** A new connection of a client. */
  connect(remoteAddress = "127.0.0.1", remotePort = 50_000, localPort = 10_000): ConnectionInfo {
    const id = this.#nextConnectionId++;
    return { id, remoteAddress, remotePort, localAddress: "127.0.0.1", localPort };
  }

  /** Lets virtual time pass: timers and timeouts fire in order. A negative time sets the clock back: they wait as long as before. */
  advance(milliseconds: number): void {
    const { clock, deadline, dispatcher } = this.#services;
    deadline.assertUsable();
    if (!(clock instanceof VirtualClock))
      throw new HarnessError("OPTION_INVALID", 'clock: only "virtual" can be advanced');
    clock.advance(milliseconds, () => dispatcher.run());
  }

  /**
   * Calls the plugin `plugins[index]` on every thread (`proxy_on_foreign_function`), as an extension of the proxy would;
   * Envoy itself never does.
   */
  callForeignFunction(index: number, functionId: number, args: Uint8Array): void {
    this.#http.callForeignFunction(index, functionId, args);
    this.#services.dispatcher.run();
  }

  /** Callouts that plugins sent and that are not answered yet. */
  get calloutsInFlight(): number {
    return this.#workers.reduce((sum, worker) => sum + worker.calloutsInFlight, 0);
  }

  async waitForLog(pattern: string | RegExp): Promise<LogLine> {
    return await this.#services.log.waitFor(pattern, 5000);
  }

  requests(cluster: string): readonly UpstreamRequest[] {
    const upstream = this.#services.clusters.get(cluster);
    if (isHttpMock(upstream)) return upstream.requests;
    throw new HarnessError("OPTION_INVALID", `clusters.${cluster}: there is no such mocked cluster`);
  }

  /**
   * For traffic without end: from now on, of logs, transcript and mocked clusters' requests no more than the latest are
   * kept, at least 10,000 of each. {@link serve} does so.
   */
  keepLatest(): void {
    this.#services.retention.keepLatest();
  }

  async metric(name: string): Promise<number | null> {
    return this.#services.metrics.value(Buffer.from(name).toString("latin1"));
  }

  async update(options: HostOptions): Promise<void> {
    this.#services.deadline.assertUsable();
    const clusters = createClusters(options, this.#services);
    const { rules } = this.#services;
    const routes = new RouteTable(options, rules);
    const plugins = await loadPlugins(options.plugins, "plugins", rules);
    const tcpPlugins = await loadPlugins(options.tcp?.plugins ?? [], "tcp.plugins", rules);
    const oldClusters = this.#services.clusters;
    const oldChains = this.#chains();
    this.#services.clusters = new Map([...oldClusters, ...clusters]);
    let http: FilterChain | null = null;
    try {
      http = this.#startChain(plugins);
      this.#tcp =
        options.tcp === undefined ? null : { chain: this.#startChain(tcpPlugins), cluster: options.tcp.cluster };
    } catch (error) {
      http?.release();
      this.#services.clusters = oldClusters;
      throw error;
    }
    this.#http = http;
    this.#services.clusters = clusters;
    this.#routes = routes;
    for (const chain of oldChains) chain.release();
    this.#forgetUnused(oldChains);
    this.#services.dispatcher.run();
  }

  #startChain(plugins: readonly Plugin[]): FilterChain {
    return new FilterChain(plugins, this.#workers, this.#services, this.#known);
  }

  #chains(): FilterChain[] {
    return [this.#http as FilterChain | undefined, this.#tcp?.chain].filter((chain) => chain !== undefined);
  }

  /** What lives as long as its VMs do: shared data and queues, and the memory of what was started before. */
  #forgetUnused(oldChains: readonly FilterChain[]): void {
    const { sharedData, queues } = this.#services;
    const chains = this.#chains();
    for (const key of this.#known.keys()) if (!chains.some(({ vmKeys }) => vmKeys.has(key))) this.#known.delete(key);
    for (const vmId of new Set(oldChains.flatMap(({ vmIds }) => [...vmIds]))) {
      if (chains.some(({ vmIds }) => vmIds.has(vmId))) continue;
      sharedData.delete(vmId);
      queues.delete(vmId);
    }
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#services.clock.stop();
    for (const cluster of this.#services.clusters.values()) if (cluster instanceof RealUpstream) cluster.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    if (!this.#failsOnDiagnostics || this.diagnostics.length === 0) return;
    const lines = this.diagnostics.map(({ code, plugin, message }) => `\n  ${code} ${plugin}: ${message}`);
    throw new HarnessError("DIAGNOSTICS", `filters did what is most likely a mistake:${lines.join("")}`);
  }
}

/**
 * Starts an emulated proxy.
 *
 * Rejects with {@link PluginRejectedError} when a plugin refuses its configuration, and with {@link HarnessError} when a
 * module could not be loaded or an option is wrong.
 *
 * ```ts
 * await using host = await startEmulator({ plugins: [{ module: "build/filter.wasm" }] });
 * const response = await host.fetch("/");
 * ```
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const emulator = new Emulator(options);
  await emulator.update(options);
  return emulator;
}
