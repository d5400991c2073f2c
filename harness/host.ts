import type { LogLevel } from "./log.ts";

/**
 * Header and trailer names with their values, in order; a name may stand several times.
 *
 * Names are lower case. Every character of a value is one byte (0–255), as in `fetch`: a header that holds UTF-8 arrives
 * as its bytes, so nothing is lost when it is not UTF-8.
 */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** What headers can be written as: an object (one value per name, or an array of them) or a list of pairs. */
export type HeadersInit = Readonly<Record<string, string | readonly string[]>> | HeaderList;

/** Bytes, or a string that is sent as UTF-8. */
export type BodyInit = string | Uint8Array;

export interface RequestOptions {
  /** `GET` when absent. */
  method?: string;
  /** The `host` header is the request's `:authority`; `localhost` when absent. */
  headers?: HeadersInit;
  /** One body, or the chunks it is sent in. */
  body?: BodyInit | readonly BodyInit[];
  trailers?: HeadersInit;
  /** Once aborted, the client breaks the stream off; {@link Host.fetch} rejects with `STREAM_RESET`. */
  signal?: AbortSignal;
}

/** What the client of the proxy received. */
export interface Response {
  status: number;
  headers: HeaderList;
  /** The first value of a header, or `null` when it is absent. */
  header(name: string): string | null;
  body: Uint8Array;
  /** The body as UTF-8. */
  text(): string;
  trailers: HeaderList;
}

/** A request as an upstream received it. */
export interface UpstreamRequest {
  method: string;
  path: string;
  authority: string;
  /** Without pseudo headers. */
  headers: HeaderList;
  header(name: string): string | null;
  body: Uint8Array;
  text(): string;
  trailers: HeaderList;
}

/** What an upstream answers. */
export interface UpstreamResponse {
  /** 200 when absent. */
  status?: number;
  headers?: HeadersInit;
  /** One body, or the chunks it is sent in. */
  body?: BodyInit | readonly BodyInit[];
  trailers?: HeadersInit;
  /** Waits this long before it answers. */
  delayMs?: number;
  /** Closes the connection: at once when nothing else is set, else after what is, without ending the body. */
  reset?: boolean;
}

/** An upstream written in the test: called once for each complete request. */
export type MockCluster = (request: UpstreamRequest) => UpstreamResponse;

/** A gRPC call as an upstream received it, with the messages so far. */
export interface GrpcRequest extends UpstreamRequest {
  /** With its package: `package.Service`. */
  service: string;
  method: string;
  messages: readonly Uint8Array[];
}

/** What a gRPC upstream sends. */
export interface GrpcResponse {
  /** Initial metadata: goes out before the first message. */
  metadata?: HeadersInit;
  messages?: readonly BodyInit[];
  /** `grpc-status`; 0 when absent. `null` leaves it out, as no gRPC server should. */
  status?: number | null;
  /** `grpc-message`. */
  statusMessage?: string;
  /** Trailing metadata. */
  trailers?: HeadersInit;
  /** HTTP status; 200 when absent. */
  httpStatus?: number;
  /** Waits this long before it sends. */
  delayMs?: number;
  /** Resets the stream: at once when nothing else is set, else after what is, without ending the call. */
  reset?: boolean;
}

/** A gRPC upstream written in the test, reached over HTTP/2. Messages are bytes without gRPC's prefix. */
export interface GrpcCluster {
  /** Called once the client has sent its last message, to end the call. */
  grpc: (call: GrpcRequest) => GrpcResponse;
  /** Called for each message as it comes; what it returns goes out at once. The call goes on unless it has a `status`. */
  grpcMessage?: (message: Uint8Array, call: GrpcRequest) => GrpcResponse | null;
}

/** The upstream's end of a TCP connection. */
export interface TcpPeer {
  write(data: BodyInit): void;
  /** Sends nothing more. */
  end(): void;
  /** Breaks the connection off. */
  reset(): void;
}

/** What a TCP upstream does as things come. */
export interface TcpHandlers {
  /** Bytes have come; how they are cut into pieces is up to the network. */
  data?: (bytes: Uint8Array) => void;
  /** The proxy sends nothing more. Absent: the upstream ends too. */
  end?: () => void;
}

/** A TCP upstream written in the test: called once for each connection. */
export interface TcpCluster {
  tcp: (peer: TcpPeer) => TcpHandlers;
}

/** A connection as a TCP upstream received it. */
export interface UpstreamConnection {
  /** All bytes so far. */
  received: Uint8Array;
  /** What the proxy has done to it. */
  state: "open" | "ended" | "reset";
}

/** A cluster without any host. */
export interface EmptyCluster {
  hosts: readonly [];
}

/** A real upstream, reached over HTTP/1.1, or over TCP from the TCP listener. */
export interface RealCluster {
  host: string;
  port: number;
  /** Reached over HTTP/2 instead, as gRPC servers are. Not from the emulator. */
  http2?: boolean;
}

export type Cluster = MockCluster | GrpcCluster | TcpCluster | RealCluster | EmptyCluster;

export interface HeaderMatch {
  name: string;
  /** The header must have this value; absent: it must be there. */
  exact?: string;
}

/** One entry of the route table; the first that matches is taken. Names are those of Envoy's `Route`. */
export interface Route {
  name?: string;
  match: {
    /** The path starts with this; `/` matches every request. Exactly one of `prefix` and `path`. */
    prefix?: string;
    /** The path without its query is this. */
    path?: string;
    headers?: readonly HeaderMatch[];
  };
  /** Exactly one of `cluster`, `clusterHeader`, `weightedClusters`, `redirect` and `directResponse`. */
  cluster?: string;
  /** The request header that names the cluster. */
  clusterHeader?: string;
  /** Each request goes to one of them, by chance. */
  weightedClusters?: readonly WeightedCluster[];
  redirect?: Redirect;
  directResponse?: { status: number; body?: string };
  /** How long the upstream may take once it has the request; 15,000 when absent, 0 for ever. */
  timeoutMs?: number;
  retryPolicy?: RetryPolicy;
}

export interface WeightedCluster {
  name: string;
  /** Its share, of the sum of all. */
  weight: number;
}

/** Sends clients elsewhere. What is absent stays as it was in the request. */
export interface Redirect {
  schemeRedirect?: string;
  /** As `schemeRedirect: "https"`. */
  httpsRedirect?: boolean;
  hostRedirect?: string;
  portRedirect?: number;
  /** The path, and the query if it has one. */
  pathRedirect?: string;
  /** Takes the place of the prefix or path that matched. */
  prefixRewrite?: string;
  /** 301 when absent. */
  responseCode?: 301 | 302 | 303 | 307 | 308;
  /** Leaves out the request's query. */
  stripQuery?: boolean;
}

/** When a request is sent again. Filters can say the same in headers: `x-envoy-retry-on`, `x-envoy-max-retries` and so on. */
export interface RetryPolicy {
  /**
   * With commas between them: `5xx`, `gateway-error`, `reset`, `connect-failure`, `retriable-4xx`, `retriable-status-codes`, and
   * for gRPC `cancelled`, `deadline-exceeded`, `internal`, `resource-exhausted`, `unavailable`.
   */
  retryOn: string;
  /** Attempts after the first; 1 when absent. */
  numRetries?: number;
  /** How long one attempt may take. Absent: as long as the route's timeout allows. */
  perTryTimeoutMs?: number;
  /** For `retriable-status-codes`. */
  retriableStatusCodes?: readonly number[];
  /** Before an attempt comes a random wait, below 25 ms at first and at most ten times that when absent. */
  backOff?: { baseIntervalMs: number; maxIntervalMs?: number };
}

export type FailurePolicy = "closed" | "open" | "reload";

/** One Wasm filter of the chain; the fields are those of Envoy's `PluginConfig`. */
export interface PluginOptions {
  /** Path or bytes of a `.wasm` module. */
  module: string | URL | Uint8Array;
  /** `plugin` when absent. */
  name?: string;
  /** Text or bytes as they are; anything else is written as JSON. */
  configuration?: unknown;
  vmConfiguration?: unknown;
  rootId?: string;
  vmId?: string;
  /** `closed` when absent, as in Envoy. */
  failurePolicy?: FailurePolicy;
  allowOnHeadersStopIteration?: boolean;
  /** Host functions and callbacks the module may use; all when absent or empty. */
  allowedCapabilities?: readonly string[];
  /** Environment variables of the VM, read through WASI. */
  environment?: Readonly<Record<string, string>>;
}

/** A TCP listener, which hands what its filters let pass to one cluster. */
export interface TcpOptions {
  /** The Wasm filters, in the order the client's bytes pass them; the upstream's pass them backwards. */
  plugins: readonly PluginOptions[];
  cluster: string;
}

/** A proxy with one HTTP listener: filters, routes and clusters. */
export interface HostOptions {
  /** The Wasm filters, in the order requests pass them. */
  plugins: readonly PluginOptions[];
  /** A TCP listener beside it. */
  tcp?: TcpOptions;
  clusters?: Readonly<Record<string, Cluster>>;
  /** Absent: every request goes to the only cluster, or is answered 200 by the proxy when there is none. */
  routes?: readonly Route[];
  /** Tells upstreams by `x-envoy-attempt-count` how often the request was sent; as the field of Envoy's virtual host. */
  includeRequestAttemptCount?: boolean;
  /** Lowest level of the filters' log lines that is kept; `trace` also records the transcript. `info` when absent. */
  logLevel?: LogLevel;
}

/** One line a filter logged, or the proxy about a filter. */
export interface LogLine {
  level: LogLevel;
  /** The guest's own text; for lines of the proxy (a trap, a rejected plugin) the proxy's text. */
  message: string;
  /** `guest`: written by the filter. `proxy`: written by the proxy about it. */
  source: "guest" | "proxy";
}

/** The client's end of a connection to the TCP listener. */
export interface TcpConnection {
  write(data: BodyInit): void;
  /** Sends nothing more. */
  end(): void;
  /** Breaks the connection off. */
  reset(): void;
  /** All bytes the proxy has sent so far. */
  readonly received: Uint8Array;
  /** What the proxy has done to it: `ended` when it sends nothing more, `reset` when it broke it off. */
  readonly state: "open" | "ended" | "reset";
  /** Waits until the proxy has sent this many bytes in all; rejects when it ends before, or after 5 seconds. */
  waitForBytes(count: number): Promise<Uint8Array>;
  /** Waits for the proxy to end or break off the connection; rejects after 5 seconds. */
  waitForEnd(): Promise<"ended" | "reset">;
}

/**
 * A running proxy that filters can be tested in. Two implementations behave alike: the emulator, inside this process,
 * and a real Envoy.
 */
export interface Host extends AsyncDisposable {
  readonly kind: "emulator" | "envoy";
  /** Sends one request through the filters and waits for the complete answer. Rejects when the stream is reset. */
  fetch(path: string, options?: RequestOptions): Promise<Response>;
  /** Opens a connection to the TCP listener ({@link HostOptions.tcp}). */
  openTcp(): Promise<TcpConnection>;
  /** All connections a mocked TCP cluster received, in order. */
  tcpConnections(cluster: string): readonly UpstreamConnection[];
  /** All log lines so far; of an emulator that {@link serve} was called with, the latest. In Envoy a line can come a moment after the answer: use {@link waitForLog}. */
  readonly logs: readonly LogLine[];
  /** The first line, past or coming, whose message contains the text or matches; rejects after 5 seconds without one. */
  waitForLog(pattern: string | RegExp): Promise<LogLine>;
  /**
   * All requests that a mocked cluster received, in order, before {@link update} and after; of an emulator that
   * {@link serve} was called with, the latest 10,000 at least.
   */
  requests(cluster: string): readonly UpstreamRequest[];
  /**
   * Calls between proxy and modules as Envoy prints them at `wasm:trace`: `[host->vm] proxy_on_request_headers(2, 7, 1)`.
   * Empty unless `logLevel` is `trace`. All of them; of an emulator that {@link serve} was called with, the latest.
   */
  readonly transcript: readonly string[];
  /** Value of a counter or gauge a filter defined, by the name it gave it; `null` when there is none. */
  metric(name: string): Promise<number | null>;
  /** Replaces plugins, clusters and routes. When a plugin is rejected, the old ones keep serving and this rejects. */
  update(options: HostOptions): Promise<void>;
  /** Ends the proxy; safe to call twice. */
  stop(): Promise<void>;
}

/** Starts a proxy; rejects with {@link PluginRejectedError} when a filter refuses to start. */
export type StartHost = (options: HostOptions) => Promise<Host>;
