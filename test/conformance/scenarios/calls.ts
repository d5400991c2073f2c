import type { GuestWriter } from "../../../harness/testing/guest.ts";
import type { Scenario } from "../scenario.ts";
import { fullClusters, fullRequest, goOn, only, streamCallbacks, whenRequested } from "./callbacks.ts";

/** The guest's memory ends here. */
const end = 131072;

const word = (at: number) => `(i32.load (i32.const ${at}))`;

const logging: Scenario[] = [
  whenRequested("calls: proxy_log at every level", ["proxy_log"], (w) =>
    [0, 1, 2, 3, 4, 5, 6, -1].map((level) => w.show(`level ${level}`, w.call("proxy_log", level, ["text"]))).join("\n"),
  ),
  whenRequested("calls: proxy_log of odd texts", ["proxy_log"], (w) =>
    ["", " spaces ", "two\nlines", "tab\tand \x01", "\xff\xfe", "long ".repeat(800)]
      .map((text) => w.log(text))
      .join("\n"),
  ),
  whenRequested("calls: proxy_log from outside of memory", ["proxy_log", "calls: memory validity"], (w) =>
    [
      w.show("outside", w.call("proxy_log", 2, end, 1)),
      w.show("wrapping", w.call("proxy_log", 2, -1, 2)),
      w.show("empty at the end", w.call("proxy_log", 2, end, 0)),
      w.show("empty past the end", w.call("proxy_log", 2, end + 1, 0)),
      w.show("bad level, bad text", w.call("proxy_log", 9, -1, 2)),
    ].join("\n"),
  ),
  ...streamCallbacks.map((callback): Scenario => ({
    name: `calls: level, time and status in ${callback}`,
    covers: ["proxy_get_log_level", "proxy_get_current_time_nanoseconds", "proxy_get_status"],
    plugins: [
      {
        guest: only(callback, (w) =>
          [
            w.show("level", w.call("proxy_get_log_level", 0)),
            w.show("is", word(0)),
            w.show("time", w.call("proxy_get_current_time_nanoseconds", 8)),
            w.show("is after 2020", "(i64.gt_u (i64.load (i32.const 8)) (i64.const 1577836800000000000))"),
            w.show("status", w.call("proxy_get_status", 0, 4, 8)),
            w.show("code", word(0)),
            w.show("message", word(4)),
            w.show("size", word(8)),
          ].join("\n"),
        ),
      },
    ],
    clusters: fullClusters,
    requests: [fullRequest],
  })),
  whenRequested("calls: level, time and status into nowhere", ["calls: memory validity", "proxy_get_status"], (w) =>
    [
      w.show("level", w.call("proxy_get_log_level", end - 3)),
      w.show("level, last word", w.call("proxy_get_log_level", end - 4)),
      w.show("time", w.call("proxy_get_current_time_nanoseconds", end - 7)),
      w.show("time, last words", w.call("proxy_get_current_time_nanoseconds", end - 8)),
      w.show("status", w.call("proxy_get_status", -1, 4, 8)),
      w.show("message", w.call("proxy_get_status", 0, -1, 8)),
      w.show("size", w.call("proxy_get_status", 0, 4, -1)),
    ].join("\n"),
  ),
];

const checks: Scenario[] = [
  whenRequested("calls: enums are checked before pointers", ["calls: order of checks"], (w) =>
    [
      w.show("map value", w.call("proxy_get_header_map_value", 9, -1, 9, 0, 4)),
      w.show("map pairs", w.call("proxy_get_header_map_pairs", 9, -1, -1)),
      w.show("map set", w.call("proxy_set_header_map_pairs", 9, -1, 9)),
      w.show("map add", w.call("proxy_add_header_map_value", 9, -1, 9, -1, 9)),
      w.show("map replace", w.call("proxy_replace_header_map_value", 9, -1, 9, -1, 9)),
      w.show("map remove", w.call("proxy_remove_header_map_value", 9, -1, 9)),
      w.show("map size", w.call("proxy_get_header_map_size", 9, -1)),
      w.show("buffer get", w.call("proxy_get_buffer_bytes", 9, 0, 1, -1, -1)),
      w.show("buffer set", w.call("proxy_set_buffer_bytes", 9, 0, 1, -1, 9)),
      w.show("buffer status", w.call("proxy_get_buffer_status", 9, -1, -1)),
      w.show("no buffer, no pointer", w.call("proxy_get_buffer_bytes", 7, 0, 1, -1, -1)),
      w.show("metric, bad type, bad name", w.call("proxy_define_metric", 9, -1, 9, 0)),
      w.show("metric, bad type", w.call("proxy_define_metric", 9, ["m"], 0)),
      w.show("metric, bad type, bad id", w.call("proxy_define_metric", 9, ["m"], -1)),
    ].join("\n"),
  ),
  {
    name: "calls: buffers from and into nowhere",
    covers: ["calls: memory validity"],
    plugins: [
      {
        guest: (w) => ({
          proxy_on_request_body: `${[
            w.show("get", w.call("proxy_get_buffer_bytes", 0, 0, 4, -1, 4)),
            w.show("get size", w.call("proxy_get_buffer_bytes", 0, 0, 4, 0, -1)),
            w.show("status", w.call("proxy_get_buffer_status", 0, -1, 4)),
            w.show("status flags", w.call("proxy_get_buffer_status", 0, 0, -1)),
            w.show("set", w.call("proxy_set_buffer_bytes", 0, 0, 4, -1, 4)),
            w.logBuffer(0),
          ].join("\n")} (i32.const 0)`,
        }),
      },
    ],
    requests: [{ method: "POST", body: "question" }],
  },
  whenRequested("calls: a missing key is told before a bad output", ["calls: order of checks"], (w) =>
    [
      w.show("header", w.call("proxy_get_header_map_value", 0, ["nope"], -1, -1)),
      w.show("property", w.call("proxy_get_property", ["nope"], -1, -1)),
      w.show("shared data", w.call("proxy_get_shared_data", ["nope"], -1, -1, -1)),
      w.show("queue", w.call("proxy_dequeue_shared_queue", 77, -1, -1)),
      w.show("metric", w.call("proxy_get_metric", 400, -1)),
    ].join("\n"),
  ),
  whenRequested(
    "calls: what is empty comes without memory",
    ["calls: empty output"],
    (w) => {
      const show = (label: string, call: string) =>
        `(i32.store (i32.const 0) (i32.const 99)) (i32.store (i32.const 4) (i32.const 99))
       ${w.show(label, call)} ${w.show("pointer", word(0))} ${w.show("size", word(4))}`;
      return [
        show("header", w.call("proxy_get_header_map_value", 0, ["x-empty"], 0, 4)),
        show("trailers", w.call("proxy_get_header_map_pairs", 1, 0, 4)),
        show("property", w.call("proxy_get_property", ["plugin_root_id"], 0, 4)),
        show("set shared data", w.call("proxy_set_shared_data", ["e"], [""], 0)),
        show("shared data", w.call("proxy_get_shared_data", ["e"], 0, 4, 8)),
        show("buffer", w.call("proxy_get_buffer_bytes", 6, 0, 9, 0, 4)),
        show("status message", w.call("proxy_get_status", 8, 0, 4)),
      ].join("\n");
    },
    { requests: [{ headers: { "x-empty": "" } }] },
  ),
];

/** Allocators that give nothing, or what is not there; and what they may call themselves. */
const allocator = (name: string, body: string, covers: Scenario["covers"], wat = ""): Scenario => ({
  name: `calls: an allocator that ${name}`,
  covers: covers!,
  plugins: [
    {
      guest: (w) => ({
        proxy_on_memory_allocate: body.replaceAll("LOG", w.log("allocating")),
        proxy_on_request_headers: [
          w.show("value", w.call("proxy_get_header_map_value", 0, [":path"], 0, 4)),
          w.show("pairs", w.call("proxy_get_header_map_pairs", 0, 0, 4)),
          w.show("property", w.call("proxy_get_property", ["plugin_name"], 0, 4)),
          w.show("enqueue", w.call("proxy_register_shared_queue", ["q"], 16)),
          w.show("enqueue", `(call $proxy_enqueue_shared_queue ${word(16)} ${w.text("item")})`),
          w.show("dequeue", `(call $proxy_dequeue_shared_queue ${word(16)} (i32.const 0) (i32.const 4))`),
          w.show("again", `(call $proxy_dequeue_shared_queue ${word(16)} (i32.const 0) (i32.const 4))`),
          "(i32.const 0)",
        ].join("\n"),
        proxy_on_response_headers: `${w.log("response")} (i32.const 0)`,
        proxy_on_log: w.log("end"),
      }),
      allocator: "unused_malloc",
      wat,
    },
  ],
});

const allocators: Scenario[] = [
  allocator("answers 0", "(i32.const 0)", ["calls: allocator failure"]),
  allocator("answers an address outside", "(i32.const -8)", ["calls: allocator failure"]),
  allocator("answers the last byte", `(i32.const ${end - 1})`, ["calls: allocator failure"]),
  allocator("traps", "unreachable", ["calls: trap inside the allocator"]),
  allocator("logs", "LOG (i32.const 60000)", ["calls: inside the allocator"]),
  allocator(
    "asks for the clock",
    "(drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 8))) (i32.const 60000)",
    ["calls: inside the allocator"],
  ),
  ...["proxy_get_log_level", "proxy_get_current_time_nanoseconds", "proxy_set_tick_period_milliseconds"].map((name) =>
    allocator(`calls ${name}`, `(drop (call $${name} (i32.const 8))) (i32.const 60000)`, [
      "calls: inside the allocator",
    ]),
  ),
  allocator("asks for randomness", "(drop (call $random_get (i32.const 8) (i32.const 4))) (i32.const 60000)", [
    "calls: inside the allocator",
  ]),
];

const contexts: Scenario[] = [
  whenRequested("calls: the VM's context is one", ["proxy_set_effective_context"], (w) =>
    [
      w.show("context 0", w.call("proxy_set_effective_context", 0)),
      w.logValue(0, ":path"),
      w.show("the plugin", w.call("proxy_set_effective_context", 1)),
      w.logValue(0, ":path"),
      w.logProperty("plugin_name"),
      w.show("back", "(call $proxy_set_effective_context (local.get $context_id))"),
      w.logValue(0, ":path"),
    ].join("\n"),
  ),
  {
    name: "calls: an effective context ends with its callback",
    covers: ["proxy_set_effective_context"],
    plugins: [
      {
        guest: (w: GuestWriter) => ({
          proxy_on_request_headers: `${w.show("the plugin", w.call("proxy_set_effective_context", 1))} (i32.const 0)`,
          proxy_on_response_headers: `${w.logValue(2, ":status")} ${goOn("headers")}`,
        }),
      },
    ],
  },
  {
    name: "calls: a context that is deleted is no more",
    covers: ["proxy_set_effective_context", "end of stream: ids"],
    plugins: [
      {
        guest: (w: GuestWriter) => ({
          proxy_on_request_headers: `${w.show("last", "(call $proxy_set_effective_context (global.get $last))")}
            (global.set $last (local.get $context_id)) (i32.const 0)`,
          proxy_on_delete: w.show("in delete", "(call $proxy_set_effective_context (local.get $context_id))"),
        }),
        wat: "(global $last (mut i32) (i32.const 0))",
      },
    ],
    requests: [{}, {}, {}],
  },
  ...[0, 2, 3, 4, 9999].map((type) =>
    whenRequested(`calls: continue stream type ${type}`, ["continue"], (w) =>
      [
        w.show("continue", w.call("proxy_continue_stream", type)),
        w.show("again", w.call("proxy_continue_stream", type)),
      ].join("\n"),
    ),
  ),
  ...[2, 3, 4, 9999].map((type) =>
    whenRequested(`calls: close stream type ${type}`, ["close_stream"], (w) =>
      w.show("close", w.call("proxy_close_stream", type)),
    ),
  ),
  ...["proxy_on_context_create", "proxy_on_request_headers", "proxy_on_log", "proxy_on_done"].map(
    (callback): Scenario => ({
      name: `calls: proxy_done in ${callback}`,
      covers: ["proxy_done"],
      plugins: [{ guest: only(callback, (w) => w.show("done", w.call("proxy_done"))) }],
    }),
  ),
  {
    name: "calls: of a plugin, in proxy_on_configure",
    covers: ["calls: in a plugin's context"],
    plugins: [
      {
        guest: (w: GuestWriter) => ({
          proxy_on_configure: [
            w.show("continue", w.call("proxy_continue_stream", 0)),
            w.show("close", w.call("proxy_close_stream", 0)),
            w.show("done", w.call("proxy_done")),
            w.show(
              "reply",
              `(call $proxy_send_local_response (i32.const 200) ${w.text("")} ${w.text("")} ${w.text("")} (i32.const 0))`,
            ),
            w.show("property", w.call("proxy_set_property", ["p"], ["v"])),
            w.logValue(0, ":path"),
            w.logPairs(0),
            w.logPairs(6),
            w.show("add", w.call("proxy_add_header_map_value", 0, ["a"], ["b"])),
            ...[0, 1, 2, 3, 4, 5, 6, 7, 8].map((buffer) => w.logBuffer(buffer)),
            ...[
              "plugin_name",
              "plugin_root_id",
              "request.path",
              "connection.id",
              "xds.node.id",
              "xds.cluster_name",
              "xds.listener_direction",
            ].map((path) => w.logProperty(path)),
            "(i32.const 1)",
          ].join("\n"),
        }),
        name: "p",
        rootId: "r",
        configuration: "c",
        vmConfiguration: "v",
      },
    ],
  },
];

const older: Scenario[] = [
  {
    name: "ABI 0.1.0: headers, a missing one is empty",
    covers: ["ABI 0.1.0"],
    plugins: [
      {
        abi: "0.1.0",
        configuration: "plugin",
        vmConfiguration: "vm",
        guest: (w) => ({
          proxy_on_vm_start: `${showConfiguration(w)} (i32.const 1)`,
          proxy_on_configure: `${showConfiguration(w)} (i32.const 1)`,
          proxy_on_request_headers: `${w.logValue(0, "nope")} ${w.logValue(0, "x-a")} ${w.logPairs(0)}
            ${w.show("count", "(local.get 1)")} ${showConfiguration(w)}
            ${w.show("clear", "(call $proxy_clear_route_cache)")} (i32.const 0)`,
          proxy_on_response_headers: `${w.show("count", "(local.get 1)")} (i32.const 0)`,
          proxy_on_log: w.logValue(0, "nope"),
        }),
      },
    ],
    requests: [{ headers: { "x-a": "1" } }],
  },
  {
    name: "ABI 0.1.0: holds and continues",
    covers: ["ABI 0.1.0"],
    plugins: [
      {
        abi: "0.1.0",
        guest: (w) => ({
          proxy_on_request_body: `${w.show("body", "(local.get 1)")} (i32.const 1)`,
          proxy_on_request_trailers: `${w.show("continue", "(call $proxy_continue_request)")} (i32.const 1)`,
          proxy_on_response_body: `${w.show("body", "(local.get 1)")} (i32.const 1)`,
          proxy_on_response_trailers: `${w.show("continue", "(call $proxy_continue_response)")} (i32.const 1)`,
        }),
      },
    ],
    clusters: fullClusters,
    requests: [fullRequest],
  },
  {
    name: "ABI 0.2.0: a request",
    covers: ["ABI 0.2.0"],
    plugins: [
      {
        abi: "0.2.0",
        guest: (w) => ({
          proxy_on_request_headers: `${w.logValue(0, "nope")} ${w.logPairs(0)} ${w.show("end", "(local.get 2)")} (i32.const 0)`,
          proxy_on_response_body: `${w.logBuffer(1)} (i32.const 0)`,
        }),
      },
    ],
    requests: [fullRequest],
    clusters: fullClusters,
  },
];

function showConfiguration(w: GuestWriter): string {
  return `${w.show("configuration", w.call("proxy_get_configuration", 0, 4))}
    (call $log (i32.load (i32.const 0)) (i32.load (i32.const 4)))`;
}

const capabilities: Scenario[] = [
  whenRequested(
    "calls: a capability that is not allowed",
    ["calls: capability not allowed"],
    (w) =>
      [
        w.show("path", w.call("proxy_get_header_map_value", 0, [":path"], 0, 4)),
        w.show("time", w.call("clock_time_get", 0, 0n, 8)),
        w.show("yield", "(call $sched_yield)"),
        w.show("get", w.call("proxy_get_property", ["plugin_name"], 0, 4)),
      ].join("\n"),
    { plugin: { allowedCapabilities: ["proxy_log", "proxy_on_request_headers", "proxy_get_property", "sched_yield"] } },
  ),
  {
    name: "calls: a callback that is not allowed",
    covers: ["callbacks: not allowed"],
    plugins: [
      {
        guest: (w) => ({
          proxy_on_configure: `${w.log("configure")} (i32.const 0)`,
          proxy_on_request_headers: `${w.log("request")} (i32.const 0)`,
          proxy_on_response_headers: `${w.log("response")} (i32.const 0)`,
          proxy_on_log: w.log("log"),
        }),
        allowedCapabilities: ["proxy_log", "proxy_on_response_headers"],
      },
    ],
  },
];

export const calls: readonly Scenario[] = [
  ...logging,
  ...checks,
  ...allocators,
  ...contexts,
  ...older,
  ...capabilities,
];
