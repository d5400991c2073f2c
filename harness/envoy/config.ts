import { fileURLToPath } from "node:url";
import { routesOf } from "../http/route-table.ts";
import type { Cluster, HostOptions, PluginOptions, RealCluster, Redirect, RetryPolicy, Route } from "../host.ts";

/** Envoy's configuration, as JSON that Envoy reads as YAML. */
export type Json = Record<string, unknown>;

const TYPES = "type.googleapis.com/envoy.extensions";

/** What Envoy starts with: an administration port, and listeners and clusters read from files that can change. */
export function bootstrap(folder: string): Json {
  const source = (name: string) => ({
    resource_api_version: "V3",
    path_config_source: { path: `${folder}/${name}.json`, watched_directory: { path: folder } },
  });
  return {
    node: { id: "attache", cluster: "attache" },
    admin: { address: socketAddress("127.0.0.1", 0) },
    dynamic_resources: { lds_config: source("listeners"), cds_config: source("clusters") },
  };
}

/** A file that `bootstrap` points to. */
export function resources(version: number, list: Json[]): Json {
  return { version_info: String(version), resources: list };
}

/** Where a cluster is, `null` for nowhere, and whether it is reached over HTTP/2. */
export interface ClusterAddress {
  address: RealCluster | null;
  http2: boolean;
}

export function cluster(name: string, { address, http2 }: ClusterAddress): Json {
  const hosts = address === null ? [] : [{ endpoint: { address: socketAddress(address.host, address.port) } }];
  return {
    "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
    name,
    type: "STATIC",
    connect_timeout: "1s",
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: hosts }],
    },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": `${TYPES}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: http2
          ? { http2_protocol_options: {} }
          : { http_protocol_options: { enable_trailers: true } },
      },
    },
  };
}

/** A plugin, with the file Envoy reads its module from. */
export interface PluginFile {
  plugin: PluginOptions;
  file: string;
}

/** @param port 0 for a free one */
export function httpListener(
  port: number,
  options: HostOptions,
  plugins: readonly PluginFile[],
  accessLog: readonly Json[],
): Json {
  const manager = { ...connectionManager(options, plugins), access_log: accessLog };
  return listener("http", port, [{ name: "http", typed_config: manager }]);
}

/** @param port 0 for a free one */
export function tcpListener(
  port: number,
  cluster: string,
  plugins: readonly PluginFile[],
  accessLog: readonly Json[],
): Json {
  const type = `${TYPES}.filters.network.tcp_proxy.v3.TcpProxy`;
  const proxy = { "@type": type, stat_prefix: "tcp", cluster, access_log: accessLog };
  return listener("tcp", port, [...wasmFilters("network", plugins), { name: "tcp", typed_config: proxy }]);
}

function listener(name: string, port: number, filters: readonly Json[]): Json {
  return {
    "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
    name,
    address: socketAddress("127.0.0.1", port),
    filter_chains: [{ filters }],
  };
}

function wasmFilters(kind: "http" | "network", plugins: readonly PluginFile[]): Json[] {
  return plugins.map(({ plugin, file }, index) => ({
    name: `wasm-${index}`,
    typed_config: { "@type": `${TYPES}.filters.${kind}.wasm.v3.Wasm`, config: pluginConfig(plugin, file) },
  }));
}

function connectionManager(options: HostOptions, plugins: readonly PluginFile[]): Json {
  return {
    "@type": `${TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "http",
    http_protocol_options: { enable_trailers: true },
    route_config: {
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: routesOf(options).map(route),
          include_request_attempt_count: options.includeRequestAttemptCount,
        },
      ],
    },
    http_filters: [
      ...wasmFilters("http", plugins),
      { name: "router", typed_config: { "@type": `${TYPES}.filters.http.router.v3.Router` } },
    ],
  };
}

function pluginConfig(plugin: PluginOptions, moduleFile: string): Json {
  return {
    name: plugin.name ?? "plugin",
    root_id: plugin.rootId ?? "",
    configuration: bytesValue(plugin.configuration),
    failure_policy: { closed: "FAIL_CLOSED", open: "FAIL_OPEN", reload: "FAIL_RELOAD" }[
      plugin.failurePolicy ?? "closed"
    ],
    allow_on_headers_stop_iteration: plugin.allowOnHeadersStopIteration,
    capability_restriction_config:
      plugin.allowedCapabilities === undefined
        ? undefined
        : { allowed_capabilities: Object.fromEntries(plugin.allowedCapabilities.map((name) => [name, {}])) },
    vm_config: {
      vm_id: plugin.vmId ?? "",
      runtime: "envoy.wasm.runtime.v8",
      code: { local: { filename: moduleFile } },
      configuration: bytesValue(plugin.vmConfiguration),
      environment_variables: plugin.environment === undefined ? undefined : { key_values: plugin.environment },
    },
  };
}

/** Configuration as the emulator also hands it to the module: bytes and text as they are, anything else as JSON. */
export function configurationBytes(value: unknown): Uint8Array {
  if (value === undefined) return new Uint8Array();
  if (value instanceof Uint8Array) return value;
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
}

function bytesValue(value: unknown): Json | undefined {
  if (value === undefined) return undefined;
  return {
    "@type": "type.googleapis.com/google.protobuf.BytesValue",
    value: Buffer.from(configurationBytes(value)).toString("base64"),
  };
}

function route(entry: Route): Json {
  return {
    name: entry.name,
    match: {
      prefix: entry.match.prefix,
      path: entry.match.path,
      headers: entry.match.headers?.map(({ name, exact }) =>
        exact === undefined ? { name, present_match: true } : { name, string_match: { exact } },
      ),
    },
    ...routeAction(entry),
  };
}

function routeAction({ directResponse, redirect, ...entry }: Route): Json {
  if (directResponse !== undefined) {
    const { status, body } = directResponse;
    return { direct_response: { status, body: body === undefined ? undefined : { inline_string: body } } };
  }
  if (redirect !== undefined) return { redirect: redirectAction(redirect) };
  const { cluster, clusterHeader, weightedClusters: clusters, timeoutMs, retryPolicy } = entry;
  return {
    route: {
      cluster,
      cluster_header: clusterHeader,
      weighted_clusters: clusters === undefined ? undefined : { clusters },
      timeout: duration(timeoutMs),
      retry_policy: retryPolicy === undefined ? undefined : retry(retryPolicy),
    },
  };
}

function redirectAction(redirect: Redirect): Json {
  const codes = { 301: "MOVED_PERMANENTLY", 302: "FOUND", 303: "SEE_OTHER", 307: "TEMPORARY_REDIRECT" };
  return {
    scheme_redirect: redirect.schemeRedirect,
    https_redirect: redirect.httpsRedirect,
    host_redirect: redirect.hostRedirect,
    port_redirect: redirect.portRedirect,
    path_redirect: redirect.pathRedirect,
    prefix_rewrite: redirect.prefixRewrite,
    strip_query: redirect.stripQuery,
    response_code: { ...codes, 308: "PERMANENT_REDIRECT" }[redirect.responseCode ?? 301],
  };
}

function retry({ retryOn, numRetries, perTryTimeoutMs, retriableStatusCodes, backOff }: RetryPolicy): Json {
  return {
    retry_on: retryOn,
    num_retries: numRetries,
    per_try_timeout: duration(perTryTimeoutMs),
    retriable_status_codes: retriableStatusCodes,
    retry_back_off:
      backOff === undefined
        ? undefined
        : { base_interval: duration(backOff.baseIntervalMs), max_interval: duration(backOff.maxIntervalMs) },
  };
}

function duration(milliseconds: number | undefined): string | undefined {
  return milliseconds === undefined ? undefined : `${milliseconds / 1000}s`;
}

export function isReal(cluster: Cluster): cluster is RealCluster {
  return typeof cluster !== "function" && "port" in cluster;
}

export function modulePath(module: string | URL): string {
  return module instanceof URL ? fileURLToPath(module) : module;
}

function socketAddress(address: string, port: number): Json {
  return { socket_address: { address, port_value: port } };
}
