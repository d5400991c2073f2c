import type { GuestWriter } from "../../../harness/testing/guest.ts";
import type { Scenario } from "../scenario.ts";
import { fullClusters, fullRequest, goOn, streamCallbacks } from "./callbacks.ts";

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
  ...streamCallbacks.map((callback) => ({
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

export const properties: readonly Scenario[] = [...attributes, ...measured, ...writing];
