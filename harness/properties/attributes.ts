import { Status } from "../abi/status.ts";
import type { HeaderMap } from "../http/header-map.ts";
import type { DynamicMetadata, StreamInfo } from "../http/stream-info.ts";
import type { Context, PropertyMaps } from "../wasm/context.ts";
import { grpcStatusOf } from "../http/local-reply.ts";
import {
  Bytes,
  duration,
  emptyMap,
  encodeProperty,
  group,
  integer,
  map,
  message,
  timestamp,
  unsigned,
  type Property,
  type PropertyGroup,
} from "./values.ts";

/** The encoded value at a path of NUL-separated segments, or why there is none. */
export function readProperty(context: Context, path: string): string | Status {
  const segments = path.split("\0");
  if (segments.at(-1) === "") segments.pop();
  if (segments.length === 0) return Status.SerializationFailure;
  let property = findProperty(context, segments[0]!);
  for (const segment of segments.slice(1)) {
    if (typeof property !== "object" || !("part" in property)) return Status.NotFound;
    property = property.part(segment);
  }
  if (property === undefined) return Status.NotFound;
  return encodeProperty(property) ?? Status.SerializationFailure;
}

/** What stands behind the first name of a path, or a name in an expression; `undefined` when there is nothing just now. */
export function findProperty(context: Context, name: string): Property | undefined {
  const info = context.streamInfo;
  switch (name) {
    case "plugin_name":
      return context.plugin?.name;
    case "plugin_root_id":
      return context.plugin?.rootId ?? "";
    case "plugin_vm_id":
      return context.vm.options.id;
    case "xds":
      return xds(info);
  }
  if (info === null) return undefined;
  const maps = context.propertyMaps;
  switch (name) {
    case "request":
      return group((part) => request(part, info, maps));
    case "response":
      return group((part) => response(part, info, maps));
    case "connection":
      return group((part) => connection(part, info));
    case "source":
      return address(info.sourceAddress, info.sourcePort);
    case "destination":
      return address(info.connection.localAddress, info.connection.localPort);
    case "upstream":
      return group((part) => upstream(part, info));
    case "metadata":
      return metadata(info.dynamicMetadata);
    case "filter_state":
      return group((key) => filterState(info, key));
    case "upstream_filter_state":
      return hasUpstreamConnection(info) ? group(() => undefined) : undefined;
    case "connection_id":
      return unsigned(info.connection.id);
    default:
      return filterState(info, `wasm.${name}`);
  }
}

function filterState(info: StreamInfo, key: string): Property | undefined {
  const state = info.filterState?.get(key);
  if (state === undefined) return undefined;
  return state.isText ? state.value : new Bytes(state.value);
}

function request(name: string, info: StreamInfo, maps: PropertyMaps): Property | undefined {
  switch (name) {
    case "time":
      return timestamp(info.startTime);
    case "protocol":
      return info.protocol ?? undefined;
    case "duration":
      return info.endTime === null ? undefined : duration(info.endTime - info.startTime);
    case "size": {
      const length = maps.requestHeaders?.get("content-length") ?? null;
      if (length === null) return integer(info.bytesReceived);
      return /^\d+$/.test(length) ? integer(BigInt(length)) : undefined;
    }
    case "total_size":
      return integer(info.bytesReceived + (maps.requestHeaders?.byteSize ?? 0));
    case "headers_bytes":
      return integer(maps.requestHeaders?.byteSize ?? 0);
  }
  const headers = maps.requestHeaders;
  if (headers === null) return name === "headers" ? emptyMap() : undefined;
  const path = headers.get(":path");
  switch (name) {
    case "path":
      return path ?? undefined;
    case "url_path":
      return path?.split("?", 1)[0];
    case "query":
      return path === null ? undefined : queryOf(path);
    case "host":
      return headers.get(":authority") ?? undefined;
    case "scheme":
      return headers.get(":scheme") ?? undefined;
    case "method":
      return headers.get(":method") ?? undefined;
    case "referer":
      return headers.get("referer") ?? undefined;
    case "useragent":
      return headers.get("user-agent") ?? undefined;
    case "id":
      return headers.get("x-request-id") ?? undefined;
    case "headers":
      return headerGroup(headers);
    default:
      return undefined;
  }
}

function queryOf(path: string): string {
  const mark = path.indexOf("?");
  return mark < 0 ? "" : path.slice(mark + 1).split("#", 1)[0]!;
}

function response(name: string, info: StreamInfo, maps: PropertyMaps): Property | undefined {
  const { responseHeaders, responseTrailers } = maps;
  switch (name) {
    case "code":
      return info.responseCode === null ? undefined : integer(info.responseCode);
    case "code_details":
      return info.responseCodeDetails ?? undefined;
    case "flags":
      return integer(info.responseFlags);
    case "grpc_status": {
      const status = responseTrailers?.get("grpc-status") ?? responseHeaders?.get("grpc-status") ?? "";
      if (/^\d+$/.test(status)) return integer(Number(status));
      return info.responseCode === null ? undefined : integer(grpcStatusOf(info.responseCode));
    }
    case "headers":
      return responseHeaders === null ? emptyMap() : headerGroup(responseHeaders);
    case "trailers":
      return responseTrailers === null ? emptyMap() : headerGroup(responseTrailers);
    case "headers_bytes":
      return integer(responseHeaders?.byteSize ?? 0);
    case "size":
      return integer(info.bytesSent);
    case "total_size":
      return integer(info.bytesSent + (responseHeaders?.byteSize ?? 0) + (responseTrailers?.byteSize ?? 0));
    case "backend_latency":
      return info.upstreamStart === null || info.upstreamEnd === null
        ? undefined
        : duration(info.upstreamEnd - info.upstreamStart);
    default:
      return undefined;
  }
}

function connection(name: string, info: StreamInfo): Property | undefined {
  const { tls } = info.connection;
  const certificate = tls?.peerCertificate;
  switch (name) {
    case "id":
      return unsigned(info.connection.id);
    case "mtls":
      return certificate !== undefined;
    case "requested_server_name":
      return tls?.requestedServerName ?? "";
    case "uri_san_peer_certificate":
      return certificate?.uriSan;
    case "dns_san_peer_certificate":
      return certificate?.dnsSan;
    case "subject_peer_certificate":
      return certificate?.subject;
    default:
      return undefined;
  }
}

function address(host: string, port: number): PropertyGroup {
  return group((part) => {
    if (part === "address") return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    return part === "port" ? integer(port) : undefined;
  });
}

function upstream(name: string, info: StreamInfo): Property | undefined {
  const peer = info.upstream;
  if (name === "num_endpoints") return info.cluster === null ? undefined : unsigned(1);
  if (name === "request_attempt_count") return unsigned(info.attempts);
  // A TCP connection has an upstream from its beginning, though it is not known which.
  if (name === "transport_failure_reason" && (peer !== null || info.protocol === null)) return "";
  if (peer === null) return undefined;
  switch (name) {
    case "address":
      return `${peer.address}:${peer.port}`;
    case "port":
      return integer(peer.port);
    case "local_address":
      return hasUpstreamConnection(info) ? peer.localAddress : undefined;
    case "cx_pool_ready_duration":
      return hasUpstreamConnection(info) ? duration(0) : undefined;
    case "locality":
      return message(() => undefined, "");
    default:
      return undefined;
  }
}

/** Of a request, Envoy tells what belongs to the connection once it is there, which is after it has the request. */
function hasUpstreamConnection({ upstream, responseCode, protocol }: StreamInfo): boolean {
  return upstream !== null && (responseCode !== null || protocol === null);
}

/** A `Metadata` message. Wasm filters cannot write any: there is what the stream was opened with. */
function metadata(filters: DynamicMetadata = {}): PropertyGroup {
  return message((name) => {
    if (name === "filter_metadata" && Object.keys(filters).length > 0) {
      return group((filter) => group((key) => textOf(filters[filter]?.[key])));
    }
    return name === "filter_metadata" || name === "typed_filter_metadata" ? emptyMap() : undefined;
  }, "");
}

function textOf(value: string | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString("latin1");
}

function xds(info: StreamInfo | null): PropertyGroup {
  return group((name) => {
    if (name === "node") return node;
    if (info === null) return undefined;
    switch (name) {
      case "cluster_name":
        return info.cluster ?? undefined;
      case "route_name":
        return info.route === null ? undefined : info.route.name;
      case "virtual_host_name":
        return info.route === null ? undefined : "all";
      case "listener_direction":
        return integer(0);
      case "filter_chain_name":
        return "";
      case "listener_metadata":
        return metadata();
      case "route_metadata":
      case "virtual_host_metadata":
        return info.route === null ? undefined : metadata();
      case "cluster_metadata":
        return info.cluster === null ? undefined : metadata();
      case "upstream_host_metadata":
      case "upstream_host_locality_metadata":
        return info.upstream === null ? undefined : group(() => undefined);
      default:
        return undefined;
    }
  });
}

/** As the Envoy runner names its Envoy. */
const node = message((name) => {
  switch (name) {
    case "id":
    case "cluster":
      return "attache";
    case "metadata":
    case "dynamic_parameters":
      return emptyMap();
    case "locality":
      return message((part) => (["region", "zone", "sub_zone"].includes(part) ? "" : undefined), "");
    case "user_agent_name":
      return "envoy";
    default:
      return undefined;
  }
}, "\x0a\x07attache\x12\x07attache");

/** Each name once, with its values joined. Envoy lists them in an order of its own. */
function headerGroup(headers: HeaderMap): PropertyGroup {
  const names = () => [...new Set(headers.list().map(([name]) => name))];
  return map(names, (name) => headers.getAll(name.toLowerCase()) ?? undefined);
}
