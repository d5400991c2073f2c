import type { GuestWriter } from "../../../harness/testing/guest.ts";
import type { RowName } from "../rows.ts";
import type { Scenario, ScenarioPlugin } from "../scenario.ts";
import { fullClusters, fullRequest, goOn } from "./callbacks.ts";

/** Logs every callback of a plugin and of its streams, with the contexts. */
const told = (w: GuestWriter) => ({
  proxy_on_context_create: `${w.show("create", "(local.get 0)")} ${w.show("parent", "(local.get 1)")}`,
  proxy_on_vm_start: `${w.show("vm_start", "(local.get 0)")} ${w.show("size", "(local.get 1)")} (i32.const 1)`,
  proxy_on_configure: `${w.show("configure", "(local.get 0)")} ${w.show("size", "(local.get 1)")} ${w.logBuffer(7)} (i32.const 1)`,
  proxy_on_request_headers: `${w.show("request", "(local.get 0)")} ${w.logProperty("plugin_name")} ${w.logProperty("plugin_root_id")} (i32.const 0)`,
  proxy_on_log: w.show("log", "(local.get 0)"),
  proxy_on_done: `${w.show("done", "(local.get 0)")} (i32.const 1)`,
  proxy_on_delete: w.show("delete", "(local.get 0)"),
});

/** What {@link told} needs, all but `proxy_on_log`. */
const toldCapabilities = [
  ...["proxy_log", "proxy_get_buffer_bytes", "proxy_get_property", "proxy_on_context_create", "proxy_on_vm_start"],
  ...["proxy_on_configure", "proxy_on_request_headers", "proxy_on_done", "proxy_on_delete"],
];

/** The same module more than once: what the plugins have in common decides what they share. */
const sharing: [what: string, row: RowName, plugins: Omit<ScenarioPlugin, "guest">[]][] = [
  ["one plugin", "lifecycle: order", [{ name: "a", configuration: "c", vmConfiguration: "v", rootId: "r", vmId: "i" }]],
  ["two names", "sharing: plugin key", [{ name: "a" }, { name: "b" }]],
  [
    "two root ids",
    "sharing: plugin key",
    [
      { name: "a", rootId: "1" },
      { name: "a", rootId: "2" },
    ],
  ],
  [
    "two configurations",
    "sharing: plugin key",
    [
      { name: "a", configuration: "1" },
      { name: "a", configuration: "2" },
    ],
  ],
  [
    "all the same",
    "sharing: plugin key",
    [
      { name: "a", configuration: "1" },
      { name: "a", configuration: "1" },
    ],
  ],
  [
    "two VM ids",
    "sharing: VM key",
    [
      { name: "a", vmId: "1" },
      { name: "a", vmId: "2" },
    ],
  ],
  [
    "two VM configurations",
    "sharing: VM key",
    [
      { name: "a", vmConfiguration: "1" },
      { name: "a", vmConfiguration: "2" },
    ],
  ],
  [
    "two environments",
    "sharing: VM key",
    [
      { name: "a", environment: { A: "1", B: "2" } },
      { name: "b", environment: { A: "1" } },
    ],
  ],
  [
    "the same environment",
    "sharing: VM key",
    [
      { name: "a", environment: { A: "1", B: "2" } },
      { name: "b", environment: { B: "2", A: "1" } },
    ],
  ],
  [
    "two sets of capabilities",
    "sharing: VM key",
    [{ name: "a" }, { name: "b", allowedCapabilities: toldCapabilities }],
  ],
  ["two failure policies", "sharing: VM key", [{ name: "a" }, { name: "b", failurePolicy: "open" }]],
];

const shared: Scenario[] = sharing.map(([what, row, plugins]) => ({
  name: `lifecycle: ${what}`,
  covers: [row],
  plugins: plugins.map((plugin) => ({ guest: told, ...plugin })),
  requests: [{}, {}],
}));

const configurations: [what: string, value: unknown][] = [
  ["text", "text"],
  ["nothing", ""],
  ["bytes", new Uint8Array([0, 255, 10])],
  ["JSON", { b: [1, 2.5, "x"], a: { c: null } }],
  ["a long one", "x".repeat(5000)],
];

const configured: Scenario[] = configurations.map(([what, configuration]) => ({
  name: `lifecycle: a configuration that is ${what}`,
  covers: ["configuration bytes"],
  plugins: [
    {
      configuration,
      vmConfiguration: configuration,
      guest: (w) => ({
        proxy_on_vm_start: `${w.show("size", "(local.get 1)")} ${w.logBuffer(6, 0, 100)} ${w.logBuffer(7)} (i32.const 1)`,
        proxy_on_configure: `${w.show("size", "(local.get 1)")} ${w.logBuffer(7, 0, 100)} ${w.logBuffer(6, 1, 3)}
          ${w.show("status", w.call("proxy_get_buffer_status", 7, 0, 4))} ${w.show("is", "(i32.load (i32.const 0))")}
          ${w.show("write", w.call("proxy_set_buffer_bytes", 7, 0, 0, ["x"]))} (i32.const 1)`,
        proxy_on_request_headers: `${w.logBuffer(7)} ${w.logBuffer(6, 0, 20)} (i32.const 0)`,
      }),
    },
  ],
}));

/** Where it traps or refuses, and what the failure policy makes of it; the second request comes to a failed VM. */
const policies = ["closed", "open", "reload"] as const;
const failing: Scenario[] = policies.flatMap((failurePolicy) => [
  ...["proxy_on_request_headers", "proxy_on_response_headers", "proxy_on_response_body", "proxy_on_log"].map(
    (callback): Scenario => ({
      name: `lifecycle: a trap in ${callback} of the second filter, failing ${failurePolicy}`,
      covers: [`failures: ${failurePolicy}`, "failures: other filters"],
      plugins: [
        { name: "first", guest: told },
        {
          name: "second",
          failurePolicy,
          vmId: "own",
          guest: (w) => ({ ...told(w), [callback]: `${w.log("before")} unreachable` }),
        },
      ],
      clusters: fullClusters,
      requests: [fullRequest, {}, {}],
    }),
  ),
  {
    name: `lifecycle: a trap while a plugin's context is created, failing ${failurePolicy}`,
    covers: ["failures: trap while a context is created", `failures: ${failurePolicy}`],
    plugins: [{ failurePolicy, guest: (w) => ({ ...told(w), proxy_on_context_create: "unreachable" }) }],
    requests: [{}, {}],
  },
]);

const isRoot = "(i32.eqz (local.get 1))";
const contexts: Scenario[] = [
  {
    name: "lifecycle: a trap while a stream's context is created",
    covers: ["failures: trap while a context is created"],
    plugins: [
      {
        guest: (w) => ({
          ...told(w),
          proxy_on_context_create: `(if ${isRoot} (then ${w.log("root")}) (else unreachable))`,
        }),
      },
    ],
    requests: [{}, {}],
  },
  {
    name: "lifecycle: ids of streams",
    covers: ["ids: contexts"],
    plugins: [{ guest: told }, { name: "second", guest: told }],
    requests: [{}, {}, {}],
  },
  {
    name: "lifecycle: ids count streams that never reach a filter",
    covers: ["ids: contexts"],
    plugins: [
      { name: "replies", guest: (w) => ({ proxy_on_request_headers: `${w.reply(403)} (i32.const 0)` }) },
      { name: "later", guest: told },
    ],
    requests: [{}, {}],
  },
  {
    name: "lifecycle: no filter at all",
    covers: ["filter chains"],
    plugins: [],
    requests: [{}, fullRequest],
  },
  {
    name: "lifecycle: a plugin whose first callback is the body's",
    covers: ["load: missing callbacks"],
    plugins: [{ guest: (w) => ({ proxy_on_response_body: `${w.logBuffer(1)} ${goOn("body")}` }) }],
    clusters: fullClusters,
    requests: [fullRequest],
  },
];

const never: Scenario = {
  name: "lifecycle: callbacks that nobody calls",
  covers: ["callbacks: never called"],
  plugins: [
    {
      guest: (w) => ({
        proxy_validate_configuration: `${w.log("validate")} (i32.const 0)`,
        proxy_on_grpc_create_initial_metadata: `unreachable`,
        proxy_on_foreign_function: `${w.log("foreign")}`,
        proxy_on_request_metadata: `${w.log("metadata")} (i32.const 0)`,
        envoy_on_stats_update: w.log("stats"),
      }),
    },
  ],
  requests: [fullRequest],
};

const guestFaults = [
  ["divides by zero", "(drop (i32.div_u (i32.const 1) (i32.const 0)))"],
  ["overflows a division", "(drop (i32.div_s (i32.const -2147483648) (i32.const -1)))"],
  ["loads from outside", "(drop (i32.load (i32.const 131070)))"],
  ["stores outside", "(i32.store (i32.const -1) (i32.const 0))"],
  ["makes a number of NaN", "(drop (i32.trunc_f32_u (f32.const nan)))"],
  ["copies from outside", "(memory.copy (i32.const 0) (i32.const 131070) (i32.const 100))"],
  ["calls nothing", "(call_indirect (type $t) (i32.const 0))"],
  ["calls past the table", "(call_indirect (type $t) (i32.const 9))"],
].map(([what, code]): Scenario => ({
  name: `lifecycle: a guest that ${what}`,
  covers: ["traps"],
  plugins: [
    {
      wat: "(type $t (func)) (table 2 funcref)",
      guest: (w) => ({ proxy_on_request_headers: `${w.log("before")} ${code} (i32.const 0)` }),
    },
  ],
}));

export const lifecycle: readonly Scenario[] = [
  ...shared,
  ...configured,
  ...failing,
  ...contexts,
  never,
  ...guestFaults,
];
