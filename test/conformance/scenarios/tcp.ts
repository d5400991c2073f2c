import type { GuestCallbacks, GuestWriter } from "../../../harness/testing/guest.ts";
import { encodePairs } from "../../../harness/wasm/pairs.ts";
import type { RowName } from "../rows.ts";
import type { Scenario, ScenarioPlugin, TcpScenario, TcpStep } from "../scenario.ts";

const downstream = 2;
const upstream = 3;

const callHeaders = encodePairs([":method", "GET", ":path", "/", ":authority", "a"]);

const goOn = "(i32.const 0)";
const hold = "(i32.const 1)";

/** Sends something, gets it back, and ends. */
const conversation: readonly TcpStep[] = [
  { write: "hello" },
  { waitForBytes: 5 },
  { write: "bye" },
  { waitForBytes: 8 },
  { do: "end" },
  { waitFor: "end" },
];

type Write = (w: GuestWriter) => GuestCallbacks;

/** A guest that has every callback of a connection, with these in place of what it has by itself. */
function observer(write: Write = () => ({})): Write {
  return (w) => ({
    proxy_on_new_connection: `${w.log("new")} ${goOn}`,
    proxy_on_downstream_data: `${w.show("down", "(local.get $data_size)")} ${w.show("end", "(local.get $end_of_stream)")} ${goOn}`,
    proxy_on_upstream_data: `${w.show("up", "(local.get $data_size)")} ${w.show("end", "(local.get $end_of_stream)")} ${goOn}`,
    proxy_on_downstream_connection_close: w.show("down closed", "(local.get $close_type)"),
    proxy_on_upstream_connection_close: w.show("up closed", "(local.get $close_type)"),
    proxy_on_log: w.log("log"),
    proxy_on_done: `${w.log("done")} (i32.const 1)`,
    proxy_on_delete: w.log("delete"),
    ...write(w),
  });
}

function tcp(
  name: string,
  write: Write,
  options: Partial<TcpScenario> & { wat?: string; plugin?: Partial<ScenarioPlugin> } = {},
): Scenario {
  const { wat, plugin, ...rest } = options;
  return {
    name: `tcp: ${name}`,
    plugins: [],
    tcp: {
      plugins: [{ guest: write, ...(wat === undefined ? {} : { wat }), ...plugin }],
      connections: [conversation],
      ...rest,
    },
  };
}

/** A counter of calls at module level, and a test of it. */
const counting = "(global $calls (mut i32) (i32.const 0))";
const nth = (n: number, then: string, otherwise: string) =>
  `(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
   (if (result i32) (i32.eq (global.get $calls) (i32.const ${n})) (then ${then}) (else ${otherwise}))`;

const buffers: Scenario[] = [downstream, upstream].flatMap((type) => {
  const callback = type === downstream ? "proxy_on_downstream_data" : "proxy_on_upstream_data";
  const side = type === downstream ? "the client's bytes" : "the upstream's bytes";
  const other = type === downstream ? upstream : downstream;
  const act = (name: string, bytes: number, body: (w: GuestWriter) => string): Scenario =>
    tcp(
      `${name} ${side}`,
      observer((w) => ({ [callback]: `${body(w)} ${goOn}` })),
      {
        // Once all has come, nothing comes together with the end.
        connections: [
          [{ write: "hello" }, { waitForLog: "acted" }, { waitForBytes: bytes }, { do: "end" }, { waitFor: "end" }],
        ],
      },
    );
  return [
    act(
      "reads",
      5,
      (w) => `${w.logBuffer(type)} ${w.logBuffer(type, 1, 3)} ${w.logBuffer(type, 9, 3)} ${w.log("acted")}`,
    ),
    act(
      "cannot read the other side in",
      5,
      (w) => `${w.logBuffer(other)} ${w.logBuffer(0)} ${w.logBuffer(1)} ${w.log("acted")}`,
    ),
    act(
      "replaces",
      8,
      (w) =>
        `${w.show("set", w.call("proxy_set_buffer_bytes", type, 0, 99, ["replaced"]))} ${w.logBuffer(type)} ${w.log("acted")}`,
    ),
    act(
      "prepends to",
      11,
      (w) =>
        `${w.show("set", w.call("proxy_set_buffer_bytes", type, 0, 0, ["before"]))} ${w.logBuffer(type)} ${w.log("acted")}`,
    ),
    act(
      "appends to",
      10,
      (w) =>
        `${w.show("set", w.call("proxy_set_buffer_bytes", type, 99, 0, ["after"]))} ${w.logBuffer(type)} ${w.log("acted")}`,
    ),
    act(
      "drops the beginning of",
      3,
      (w) =>
        `${w.show("set", w.call("proxy_set_buffer_bytes", type, 0, 2, [""]))} ${w.logBuffer(type)} ${w.log("acted")}`,
    ),
    act(
      "cannot write into the middle of",
      5,
      (w) =>
        `${w.show("set", w.call("proxy_set_buffer_bytes", type, 1, 1, ["x"]))} ${w.logBuffer(type)} ${w.log("acted")}`,
    ),
    act(
      "asks for the size of",
      5,
      (w) =>
        `${w.show("status", w.call("proxy_get_buffer_status", type, 0, 4))} ${w.show("size", "(i32.load (i32.const 0))")} ${w.log("acted")}`,
    ),
  ];
});

const flow: Scenario[] = [
  tcp("a conversation, every callback", observer()),
  tcp("no callbacks at all", () => ({})),
  tcp("two connections, one after the other", observer(), { connections: [conversation, conversation] }),
  tcp("the client resets", observer(), {
    connections: [[{ write: "hello" }, { waitForBytes: 5 }, { do: "reset" }, { waitForLog: "delete" }]],
  }),
  tcp("the upstream speaks first and ends", observer(), {
    upstream: {
      tcp: (peer) => {
        peer.write("welcome");
        peer.end();
        return {};
      },
    },
    connections: [
      [{ waitForBytes: 7 }, { waitFor: "end" }, { waitForLog: "up closed" }, { do: "end" }, { waitForLog: "delete" }],
    ],
  }),
  tcp("the upstream resets", observer(), {
    upstream: { tcp: (peer) => ({ data: () => peer.reset() }) },
    connections: [[{ write: "hello" }, { waitFor: "end" }, { waitForLog: "delete" }]],
  }),
  tcp("an upstream without hosts", observer(), {
    upstream: null,
    connections: [[{ waitFor: "end" }, { waitForLog: "delete" }]],
  }),
  tcp("the client ends, the upstream answers after that", observer(), {
    upstream: {
      tcp: (peer) => ({
        end: () => {
          peer.write("late");
          peer.end();
        },
      }),
    },
    connections: [
      [{ write: "hello" }, { waitForLog: "down=5" }, { do: "end" }, { waitForBytes: 4 }, { waitForLog: "delete" }],
    ],
  }),
  tcp(
    "holds the client's bytes once",
    observer((w) => ({
      proxy_on_downstream_data: `${w.logBuffer(downstream)} ${nth(1, hold, goOn)}`,
    })),
    {
      wat: counting,
      connections: [
        [
          { write: "one" },
          { waitForLog: "body=one" },
          { write: "two" },
          { waitForBytes: 6 },
          { do: "end" },
          { waitForLog: "delete" },
        ],
      ],
    },
  ),
  tcp(
    "holds the upstream's bytes once",
    observer((w) => ({
      proxy_on_upstream_data: `${w.logBuffer(upstream)} ${nth(1, hold, goOn)}`,
    })),
    {
      wat: counting,
      connections: [
        [
          { write: "one" },
          { waitForLog: "body=one" },
          { write: "two" },
          { waitForBytes: 3 },
          { do: "end" },
          { waitForLog: "delete" },
        ],
      ],
    },
  ),
  tcp(
    "holds a new connection until a callout is answered",
    (w) => ({
      ...observer()(w),
      proxy_on_new_connection: `(global.set $held (local.get $context_id))
        (drop ${w.call("proxy_http_call", ["up"], [callHeaders], [""], [""], 1000, 0)}) ${hold}`,
      proxy_on_http_call_response: `
        ${w.show("effective", "(call $proxy_set_effective_context (global.get $held))")}
        ${w.show("continue", w.call("proxy_continue_stream", 2))}`,
    }),
    { wat: "(global $held (mut i32) (i32.const 0))" },
  ),
  ...[2, 3].map((type) =>
    tcp(
      `closes the stream ${type} in its first data`,
      observer((w) => ({
        proxy_on_downstream_data: `${w.show("close", w.call("proxy_close_stream", type))} ${hold}`,
      })),
      { connections: [[{ write: "hello" }, { waitFor: "end" }, { waitForLog: "delete" }]] },
    ),
  ),
  tcp(
    "closes a new connection",
    observer((w) => ({ proxy_on_new_connection: `${w.show("close", w.call("proxy_close_stream", 2))} ${hold}` })),
    { connections: [[{ waitFor: "end" }, { waitForLog: "delete" }]] },
  ),
  tcp(
    "writes to the client and closes",
    observer((w) => ({
      proxy_on_upstream_data: `${w.setBuffer(upstream, 0, 99, "sorry")} ${w.show("close", w.call("proxy_close_stream", 2))} ${goOn}`,
    })),
    { connections: [[{ write: "hello" }, { waitForBytes: 5 }, { waitFor: "end" }, { waitForLog: "delete" }]] },
  ),
  ...[0, 1, 2, 3, 4].map((type) =>
    tcp(
      `continues the stream ${type} that is not held`,
      observer((w) => ({
        proxy_on_upstream_data: `${w.show("continue", w.call("proxy_continue_stream", type))} ${goOn}`,
      })),
    ),
  ),
  tcp(
    "makes a local reply, which a connection cannot have",
    observer((w) => ({ proxy_on_upstream_data: `${w.reply(403, { body: "no" })} ${goOn}` })),
  ),
  tcp(
    "has no header maps",
    observer((w) => ({
      proxy_on_downstream_data: `${w.logValue(0, ":path")} ${w.logPairs(0)} ${w.logPairs(2)}
        ${w.show("add", w.call("proxy_add_header_map_value", 0, ["x-a"], ["1"]))} ${goOn}`,
    })),
  ),
];

const ending: readonly TcpStep[] = [{ waitFor: "end" }];
const broken: readonly TcpStep[] = [{ write: "hello" }, { waitFor: "end" }];

const failing: Scenario[] = ["proxy_on_new_connection", "proxy_on_downstream_data", "proxy_on_upstream_data"].flatMap(
  (callback) =>
    (["closed", "open"] as const).map((failurePolicy) =>
      tcp(
        `traps in ${callback}, fails ${failurePolicy}`,
        observer(() => ({ [callback]: "(unreachable)" })),
        {
          plugin: { failurePolicy },
          // Twice: the second finds a VM that has failed.
          connections: callback === "proxy_on_new_connection" ? [ending, ending] : [broken, ending],
        },
      ),
    ),
);

const attributes = [
  "source.address",
  "destination.address",
  "destination.port",
  "connection.id",
  "connection.mtls",
  "connection.requested_server_name",
  "connection_id",
  "request.protocol",
  "request.time",
  "request.duration",
  "request.size",
  "request.total_size",
  "request.headers",
  "request.path",
  "response.code",
  "response.flags",
  "response.size",
  "response.code_details",
  "upstream.address",
  "upstream.port",
  "upstream.local_address",
  "upstream.num_endpoints",
  "upstream.cx_pool_ready_duration",
  "upstream.transport_failure_reason",
  "upstream.locality",
  "upstream_filter_state",
  "xds.upstream_host_metadata",
  "upstream.request_attempt_count",
  "xds.cluster_name",
  "xds.route_name",
  "xds.listener_direction",
  "xds.filter_chain_name",
  "xds.cluster_metadata",
  "xds.node.id",
  "plugin_name",
  "filter_state.nope",
  "metadata",
  "mine",
];

const volatile = new Set([
  "connection.id",
  "connection_id",
  "request.time",
  "destination.port",
  "upstream.port",
  "source.address",
  "destination.address",
  "upstream.address",
  "upstream.local_address",
  "request.duration",
  "upstream.cx_pool_ready_duration",
]);

const properties: Scenario[] = attributes.map((path) => {
  const show = (w: GuestWriter) =>
    volatile.has(path)
      ? w.show(path, w.call("proxy_get_property", [path.replaceAll(".", "\0")], 0, 4))
      : w.logProperty(path);
  return tcp(
    `property ${path}`,
    (w) => ({
      proxy_on_new_connection: `${show(w)} (drop ${w.call("proxy_set_property", ["mine"], ["value"])}) ${goOn}`,
      proxy_on_downstream_data: `${show(w)} ${goOn}`,
      proxy_on_upstream_data: `${show(w)} ${goOn}`,
      proxy_on_downstream_connection_close: show(w),
      proxy_on_log: show(w),
      proxy_on_done: `${show(w)} (i32.const 1)`,
      proxy_on_delete: `${show(w)} ${w.log("delete")}`,
    }),
    {
      connections: [
        [{ write: "hello" }, { waitForBytes: 5 }, { do: "end" }, { waitFor: "end" }, { waitForLog: "delete" }],
      ],
    },
  );
});

const chain: Scenario = {
  name: "tcp: three filters, bytes pass them forth and back",
  plugins: [],
  clusters: {},
  tcp: {
    plugins: ["a", "b", "c"].map((name) => ({
      name,
      guest: (w: GuestWriter) => ({
        proxy_on_new_connection: `${w.log(`${name} new`)} ${goOn}`,
        proxy_on_downstream_data: `${w.setBuffer(downstream, 99, 0, name)} ${w.logBuffer(downstream)} ${goOn}`,
        proxy_on_upstream_data: `${w.setBuffer(upstream, 99, 0, name.toUpperCase())} ${w.logBuffer(upstream)} ${goOn}`,
        proxy_on_delete: w.log(`${name} delete`),
      }),
    })),
    connections: [[{ write: "-" }, { waitForBytes: 7 }, { do: "end" }, { waitFor: "end" }, { waitForLog: "c delete" }]],
  },
};

const settle = (row: RowName, scenarios: readonly Scenario[]) =>
  scenarios.map((scenario): Scenario => ({ ...scenario, covers: [row] }));

export const tcpScenarios: readonly Scenario[] = [
  ...settle("tcp: flow", flow),
  ...settle("tcp: chains", [chain]),
  ...settle("tcp: buffers", buffers),
  ...settle("tcp: failures", failing),
  ...settle("tcp: attributes", properties),
];
