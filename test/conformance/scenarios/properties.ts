import type { GuestWriter } from "../../../harness/testing/guest.ts";
import type { Scenario } from "../scenario.ts";
import { fullClusters, fullRequest, goOn, only, streamCallbacks } from "./callbacks.ts";

/** Attributes whose values are the same on every machine and in every run. */
const stable = [
  "request.path",
  "request.url_path",
  "request.query",
  "request.host",
  "request.scheme",
  "request.method",
  "request.referer",
  "request.useragent",
  "request.protocol",
  "request.size",
  "request.headers.x-a",
  "request.headers.nope",
  "request.nope",
  "request",
  "response.code",
  "response.code_details",
  "response.flags",
  "response.grpc_status",
  "response.headers.x-up",
  "response.trailers.x-up-trailer",
  "response.size",
  "response",
  "connection.mtls",
  "connection.requested_server_name",
  "connection.tls_version",
  "connection.subject_peer_certificate",
  "connection.termination_details",
  "upstream.num_endpoints",
  "upstream.tls_version",
  "upstream.transport_failure_reason",
  "upstream.request_attempt_count",
  "upstream.locality",
  "metadata",
  "metadata.filter_metadata",
  "metadata.filter_metadata.nope",
  "filter_state.nope",
  "upstream_filter_state.nope",
  "plugin_name",
  "plugin_root_id",
  "plugin_vm_id",
  "xds.cluster_name",
  "xds.route_name",
  "xds.virtual_host_name",
  "xds.filter_chain_name",
  "xds.listener_direction",
  "xds.listener_metadata",
  "xds.route_metadata",
  "xds.cluster_metadata",
  "xds.upstream_host_metadata",
  "xds.upstream_host_locality_metadata",
  "xds.node.id",
  "xds.node.cluster",
  "xds.node.nope",
  "source",
  "destination.nope",
  "nope",
];

/** One attribute in all callbacks of a stream. */
const attributes: Scenario[] = stable.map((path) => ({
  name: `properties: ${path}`,
  covers: ["attributes"],
  plugins: [
    {
      name: "reader",
      rootId: "root",
      vmId: "vm",
      guest: (w: GuestWriter) =>
        Object.fromEntries(
          [...streamCallbacks, "proxy_on_configure"].map((callback) => [
            callback,
            `${w.logProperty(path)} ${callback === "proxy_on_configure" ? "(i32.const 1)" : goOn(callback)}`,
          ]),
        ),
    },
  ],
  clusters: fullClusters,
  requests: [fullRequest],
}));

/** Attributes whose values differ from run to run: whether they are there, and their size. */
const changing = [
  "request.id",
  "request.time",
  "request.duration",
  "source.address",
  "source.port",
  "destination.address",
  "destination.port",
  "connection.id",
  "connection_id",
  "connection.transport_failure_reason",
  "connection.dns_san_peer_certificate",
  "connection.uri_san_local_certificate",
  "connection.sha256_peer_certificate_digest",
  "upstream.address",
  "upstream.port",
  "upstream.local_address",
  "upstream.uri_san_peer_certificate",
  "upstream.cx_pool_ready_duration",
  "response.backend_latency",
  "xds.upstream_host_metadata",
  "xds.upstream_host_locality_metadata",
  "xds.virtual_host_metadata",
];

const presence: Scenario[] = changing.map((path) => ({
  name: `properties: that there is ${path}`,
  covers: ["attributes"],
  plugins: [
    {
      guest: (w: GuestWriter) =>
        Object.fromEntries(
          [...streamCallbacks, "proxy_on_configure"].map((callback) => [
            callback,
            `(i64.store (i32.const 0) (i64.const 0))
             ${w.show("status", `(call $proxy_get_property ${w.text(path.replaceAll(".", "\0"))} (i32.const 0) (i32.const 4))`)}
             ${w.show("size", "(i32.load (i32.const 4))")} ${callback === "proxy_on_configure" ? "(i32.const 1)" : goOn(callback)}`,
          ]),
        ),
    },
  ],
  clusters: fullClusters,
  requests: [fullRequest],
}));

/** Odd paths: what parts segments, and what names nothing. */
const paths = [
  "",
  "\0",
  "request",
  "request\0",
  "request\0path\0",
  "request\0path\0\0",
  "request\0\0path",
  "request.path",
  "\0request\0path",
  "request\0path\0more",
  "request\0headers",
  "request\0headers\0X-A",
  "request\0headers\0",
  "plugin_name\0more",
  "metadata\0filter_metadata\0a\0b",
  "xds\0node\0id\0more",
  "xds\0node\0locality",
  "xds\0node\0locality\0zone",
  "xds\0node\0locality\0nope",
  "xds\0node\0metadata\0nope",
  "xds\0cluster_metadata\0filter_metadata\0nope",
  "xds\0listener_direction",
  "xds\0listener_direction\0more",
  "upstream\0locality\0zone",
  "node",
  "node\0id",
  "cluster_name",
  "route_name",
  "listener_direction",
  "response\0headers\0nope",
];

const oddPaths: Scenario = {
  name: "properties: odd paths",
  covers: ["properties: paths"],
  plugins: [
    {
      guest: (w) => ({
        proxy_on_request_headers: `${paths
          .map((path) => w.show("status", `(call $proxy_get_property ${w.text(path)} (i32.const 0) (i32.const 4))`))
          .join("\n")}
          ${w.show("path from nowhere", w.call("proxy_get_property", -1, 4, 0, 4))}
          ${w.show("value into nowhere", w.call("proxy_get_property", ["plugin_name"], -1, 4))}
          ${w.show("set from nowhere", w.call("proxy_set_property", ["a"], -1, 4))}
          ${w.show("set by nothing", w.call("proxy_set_property", [""], ["v"]))} ${w.logProperty("\0")}
          ${w.show("set with two segments", w.call("proxy_set_property", ["a\0b"], ["v"]))} ${w.logProperty("a\0b")} ${w.logProperty("a")}
          ${w.show("set what is an attribute", w.call("proxy_set_property", ["request"], ["v"]))} ${w.logProperty("request")}
          ${w.show("set nothing", w.call("proxy_set_property", ["e"], [""]))} ${w.logProperty("e")} (i32.const 0)`,
      }),
    },
  ],
  requests: [{ headers: { "x-a": ["1", "2"] } }],
};

const forwarded: Scenario = {
  name: "properties: an address from x-forwarded-for",
  covers: ["attributes: the client's address"],
  plugins: [{ guest: only("proxy_on_request_headers", (w) => w.logProperty("source.address") + w.logPairs(0)) }],
  requests: [{ headers: { "x-forwarded-for": "10.1.2.3" } }, { headers: { "x-forwarded-for": "10.1.2.3, 10.9.9.9" } }],
  isTranscriptLoose: true,
};

const sizes = ["request.total_size", "request.headers_bytes", "response.total_size", "response.headers_bytes"];

/** Sizes hold the length of how long the upstream took, in digits: compared where that is not in them yet. */
const measured: Scenario[] = sizes.map((path) => ({
  name: `properties: ${path}`,
  covers: ["attributes"],
  plugins: [{ guest: (w) => ({ proxy_on_request_headers: `${w.logProperty(path)} (i32.const 0)` }) }],
  requests: [fullRequest],
}));

const writing: Scenario[] = [
  {
    name: "properties: what a filter sets, another reads",
    covers: ["set_property"],
    plugins: [
      {
        name: "writer",
        guest: (w) => ({ proxy_on_request_headers: `${setProperty(w, "note", "text")} (i32.const 0)` }),
      },
      {
        name: "reader",
        guest: (w) => ({
          proxy_on_request_headers: `${w.logProperty("note")} ${w.logProperty("filter_state\0wasm.note")} (i32.const 0)`,
          proxy_on_log: w.logProperty("note"),
        }),
      },
    ],
    logs: ["note=74657874"],
  },
  ...streamCallbacks.map((callback): Scenario => ({
    name: `properties: set in ${callback}`,
    covers: ["set_property"],
    plugins: [
      {
        guest: (w: GuestWriter) => ({
          [callback]: `${setProperty(w, "note", "a")} ${setProperty(w, "note", "b")} ${w.logProperty("note")} ${goOn(callback)}`,
        }),
      },
    ],
    clusters: fullClusters,
    requests: [fullRequest],
    logs: ["set="],
  })),
];

function setProperty(w: GuestWriter, name: string, value: string): string {
  return w.show("set", w.call("proxy_set_property", [name], [value]));
}

export const properties: readonly Scenario[] = [
  ...attributes,
  ...presence,
  oddPaths,
  forwarded,
  ...measured,
  ...writing,
];
