import type { GuestWriter } from "../../../harness/testing/guest.ts";
import type { Scenario } from "../scenario.ts";
import { goOn, only, whenRequested } from "./callbacks.ts";

/** The guest's memory ends here. */
const end = 131072;

const version = "(i32.load (i32.const 8))";
const logText = "(call $log (i32.load (i32.const 0)) (i32.load (i32.const 4)))";

const get = (w: GuestWriter, key: string) =>
  `${w.show(`get ${key}`, w.call("proxy_get_shared_data", [key], 0, 4, 8))} ${logText}`;
const set = (w: GuestWriter, key: string, value: string, cas = "(i32.const 0)") =>
  w.show(`set ${key}`, `(call $proxy_set_shared_data ${w.text(key)} ${w.text(value)} ${cas})`);

const data: Scenario[] = [
  whenRequested(
    "shared data: versions",
    ["shared data: compare and swap"],
    (w) =>
      [
        set(w, "k", "one"),
        get(w, "k"),
        `(global.set $first ${version})`,
        set(w, "k", "two", version),
        get(w, "k"),
        w.show("a step", `(i32.sub ${version} (global.get $first))`),
        set(w, "k", "three", "(global.get $first)"),
        get(w, "k"),
        set(w, "other", "x"),
        set(w, "k", "four"),
        get(w, "k"),
        w.show("steps of all keys", `(i32.sub ${version} (global.get $first))`),
      ].join("\n"),
    { plugin: { wat: "(global $first (mut i32) (i32.const 0))" } },
  ),
  whenRequested("shared data: empty keys and values", ["shared data: empty keys and values"], (w) =>
    [set(w, "", "of nothing"), get(w, ""), set(w, "e", ""), get(w, "e"), get(w, "nope")].join("\n"),
  ),
  whenRequested("shared data: pointers into nowhere", ["calls: memory validity", "shared data: get"], (w) =>
    [
      set(w, "p", "value"),
      w.show("key", w.call("proxy_get_shared_data", end, 1, 0, 4, 8)),
      w.show("value", w.call("proxy_get_shared_data", ["p"], -1, 4, 8)),
      w.show("size", w.call("proxy_get_shared_data", ["p"], 0, -1, 8)),
      w.show("version", w.call("proxy_get_shared_data", ["p"], 0, 4, -1)),
      logText,
      w.show("set key", w.call("proxy_set_shared_data", end, 1, ["v"], 0)),
      w.show("set value", w.call("proxy_set_shared_data", ["p"], end, 1, 0)),
      get(w, "p"),
    ].join("\n"),
  ),
  {
    name: "shared data: one space for each VM id",
    covers: ["shared data: namespaces"],
    plugins: (["a", "a", "b", ""] as const).map((vmId, i) => ({
      name: `p${i}`,
      vmId,
      vmConfiguration: `${i}`,
      guest: only("proxy_on_request_headers", (w) => `${get(w, "space")} ${set(w, "space", `p${i}`)}`),
    })),
  },
  {
    name: "shared data: written while a plugin starts, in every VM",
    covers: ["lifecycle: the trial plugin"],
    plugins: [
      {
        guest: (w) => ({
          proxy_on_vm_start: `${set(w, "seen", "1", "(i32.const 7)")}
            ${w.show("get", w.call("proxy_get_shared_data", ["seen"], 0, 4, 8))} (i32.const 1)`,
          proxy_on_request_headers: `${get(w, "seen")} (i32.const 0)`,
        }),
      },
    ],
  },
];

const token = "(i32.load (i32.const 16))";
const register = (w: GuestWriter, name: string) =>
  w.show("register", w.call("proxy_register_shared_queue", [name], 16));
const enqueue = (w: GuestWriter, item: string, queue = token) =>
  w.show("enqueue", `(call $proxy_enqueue_shared_queue ${queue} ${w.text(item)})`);
const dequeue = (w: GuestWriter, queue = token) =>
  `${w.show("dequeue", `(call $proxy_dequeue_shared_queue ${queue} (i32.const 0) (i32.const 4))`)} ${logText}`;

const queues: Scenario[] = [
  whenRequested("queues: in order, then empty", ["queues: order"], (w) =>
    [
      register(w, "q"),
      ...["one", "", "three"].map((item) => enqueue(w, item)),
      ...[1, 2, 3, 4].map(() => dequeue(w)),
    ].join("\n"),
  ),
  whenRequested(
    "queues: found by name",
    ["queues: names"],
    (w) =>
      [
        w.show("before", w.call("proxy_resolve_shared_queue", [""], ["later"], 20)),
        register(w, "later"),
        w.show("after", w.call("proxy_resolve_shared_queue", [""], ["later"], 20)),
        w.show("the same", `(i32.eq ${token} (i32.load (i32.const 20)))`),
        w.show("of another VM id", w.call("proxy_resolve_shared_queue", ["other"], ["later"], 20)),
        w.show("of its own VM id", w.call("proxy_resolve_shared_queue", ["mine"], ["later"], 20)),
        w.show("again", w.call("proxy_register_shared_queue", ["later"], 24)),
        w.show("the same", `(i32.eq ${token} (i32.load (i32.const 24)))`),
        w.show("no name", w.call("proxy_register_shared_queue", [""], 24)),
        w.show("another", `(i32.ne ${token} (i32.load (i32.const 24)))`),
      ].join("\n"),
    { plugin: { vmId: "mine" } },
  ),
  whenRequested(
    "queues: tokens that are none, pointers into nowhere",
    ["queues: unknown tokens", "queues: lost items"],
    (w) =>
      [
        enqueue(w, "x", "(i32.const 777777)"),
        dequeue(w, "(i32.const 777777)"),
        enqueue(w, "x", "(i32.const 0)"),
        register(w, "n"),
        w.show("name", w.call("proxy_register_shared_queue", end, 1, 16)),
        w.show("token", w.call("proxy_register_shared_queue", ["n"], -1)),
        w.show("resolve", w.call("proxy_resolve_shared_queue", [""], ["n"], -1)),
        w.show("item", `(call $proxy_enqueue_shared_queue ${token} (i32.const ${end}) (i32.const 1))`),
        dequeue(w),
        enqueue(w, "lost"),
        w.show("out", `(call $proxy_dequeue_shared_queue ${token} (i32.const -1) (i32.const 4))`),
        dequeue(w),
      ].join("\n"),
  ),
  ...[false, true].map((taken): Scenario => ({
    name: `queues: told of each item, ${taken ? "taken before" : "which is there"}`,
    covers: ["queues: notification"],
    plugins: [
      {
        guest: (w: GuestWriter) => ({
          proxy_on_request_headers: `${register(w, "jobs")} ${enqueue(w, "one")} ${enqueue(w, "two")}
            ${taken ? dequeue(w) + dequeue(w) : ""} ${w.log("sent")} ${goOn("headers")}`,
          proxy_on_queue_ready: `${w.log("ready")} ${w.show("context", "(local.get 0)")} ${dequeue(w, "(local.get 1)")}`,
        }),
      },
    ],
    logs: ["ready"],
  })),
];

const owners: Scenario = {
  name: "queues: one belongs to the last that registered it",
  covers: ["queues: notification"],
  plugins: ["one", "two"].map((name) => ({
    name,
    guest: (w: GuestWriter) => ({
      proxy_on_request_headers: `${w.show("register", w.call("proxy_register_shared_queue", ["shared"], 16))} (i32.const 0)`,
      proxy_on_response_headers: `${w.show("enqueue", `(call $proxy_enqueue_shared_queue (i32.load (i32.const 16)) ${w.text("item")})`)} (i32.const 0)`,
      proxy_on_queue_ready: w.log(`${name} is told`),
    }),
  })),
  logs: ["two is told"],
};

const define = (w: GuestWriter, type: number, name: string, out = 16) =>
  `${w.show(`define ${name}`, w.call("proxy_define_metric", type, [name], out))} ${w.show("id", `(i32.load (i32.const ${out}))`)}`;
const value = (w: GuestWriter, id: number) =>
  `${w.show(`get ${id}`, w.call("proxy_get_metric", id, 24))} ${w.show("is", "(i32.load (i32.const 24))")} ${w.show("high", "(i32.load (i32.const 28))")}`;
const increment = (w: GuestWriter, id: number, delta: bigint) =>
  w.show(`add ${delta}`, w.call("proxy_increment_metric", id, delta));
const record = (w: GuestWriter, id: number, number: bigint) =>
  w.show(`record ${number}`, w.call("proxy_record_metric", id, number));

const deltas = [1n, 0n, -1n, 5n, 4294967296n];

const metrics: Scenario[] = [
  whenRequested(
    "metrics: a counter",
    ["metrics: counters"],
    (w) =>
      [
        define(w, 0, "c1"),
        ...deltas.map((delta) => increment(w, 4, delta) + value(w, 4)),
        record(w, 4, 7n),
        record(w, 4, 0n),
        value(w, 4),
      ].join("\n"),
    { metrics: ["c1"] },
  ),
  whenRequested(
    "metrics: a gauge",
    ["metrics: gauges"],
    (w) =>
      [
        define(w, 1, "g1"),
        record(w, 5, 9n),
        ...deltas.map((delta) => increment(w, 5, delta) + value(w, 5)),
        record(w, 5, 7n),
        increment(w, 5, -3n),
        value(w, 5),
        record(w, 5, 0n),
        value(w, 5),
      ].join("\n"),
    { metrics: ["g1"] },
  ),
  whenRequested("metrics: a gauge below zero", ["metrics: gauges"], (w) =>
    [define(w, 1, "g2"), record(w, 5, 2n), increment(w, 5, -3n), value(w, 5), record(w, 5, 0n)].join("\n"),
  ),
  whenRequested("metrics: a histogram", ["metrics: histograms"], (w) =>
    [define(w, 2, "h1"), record(w, 6, 7n), increment(w, 6, 1n), value(w, 6), record(w, 6, 0n)].join("\n"),
  ),
  whenRequested("metrics: ids that are none", ["metrics: unknown ids"], (w) =>
    [3, 7, 400, 401, 402, 403, 0, 1, 2]
      .map(
        (id) =>
          increment(w, id, 1n) +
          increment(w, id, -1n) +
          record(w, id, 1n) +
          w.show("get", w.call("proxy_get_metric", id, 24)),
      )
      .join("\n"),
  ),
  whenRequested("metrics: ids count by kind", ["ids: metrics", "metrics: defined again"], (w) =>
    (
      [
        [0, "i0"],
        [0, "i1"],
        [1, "i2"],
        [2, "i3"],
        [1, "i4"],
        [0, "i0"],
        [2, "i3"],
      ] as const
    )
      .map(([type, name]) => define(w, type, name))
      .join("\n"),
  ),
  whenRequested(
    "metrics: a counter that is defined twice",
    ["metrics: defined again"],
    (w) =>
      [define(w, 0, "twice"), increment(w, 4, 1n), define(w, 0, "twice", 20), increment(w, 4, 1n), value(w, 4)].join(
        "\n",
      ),
    { metrics: ["twice"] },
  ),
  whenRequested(
    "metrics: odd names",
    ["metrics: names"],
    (w) =>
      ["dots.in.it", "with spaces", "", "label{a=b}", "x".repeat(300)].map((name) => define(w, 0, name)).join("\n") +
      increment(w, 4, 2n),
    { metrics: ["dots.in.it"] },
  ),
  whenRequested(
    "metrics: pointers and types that are none",
    ["calls: memory validity", "metrics: unknown types"],
    (w) =>
      [
        w.show("type", w.call("proxy_define_metric", 3, ["t"], 16)),
        w.show("type", w.call("proxy_define_metric", -1, ["t"], 16)),
        w.show("name", w.call("proxy_define_metric", 0, end, 1, 16)),
        w.show("id", w.call("proxy_define_metric", 0, ["t2"], -1)),
        define(w, 0, "t3"),
        w.show("get", w.call("proxy_get_metric", 4, -1)),
      ].join("\n"),
  ),
  {
    name: "metrics: of two plugins by one name",
    covers: ["metrics: one value in the process"],
    plugins: ["one", "two"].map((name) => ({
      name,
      guest: only("proxy_on_request_headers", (w) => `${define(w, 0, "common")} ${increment(w, 4, 1n)} ${value(w, 4)}`),
    })),
    metrics: ["common"],
  },
];

const ticking: Scenario = {
  name: "timers: those of all VMs, the main thread's too",
  covers: ["timers: every VM"],
  plugins: [
    {
      guest: (w) => ({
        proxy_on_configure: `(drop ${w.call("proxy_set_tick_period_milliseconds", 20)}) (i32.const 1)`,
        proxy_on_tick: `(drop ${w.call("proxy_set_tick_period_milliseconds", 0)}) ${w.log("tick")}`,
      }),
    },
  ],
  advanceMs: 50,
  isTranscriptLoose: true,
  logs: ["tick"],
};

const ticks = (period: string) => `(drop (call $proxy_set_tick_period_milliseconds ${period}))`;
const count = `(global.set $ticks (i32.add (global.get $ticks) (i32.const 1)))`;
const counting = "(global $ticks (mut i32) (i32.const 0))";

/** A stream starts the timer: then one VM ticks, and not the main thread's as well. */
const timers: Scenario[] = [
  {
    name: "timers: three ticks, then none",
    covers: ["timers: period", "timers: set inside a tick"],
    plugins: [
      {
        wat: counting,
        guest: (w) => ({
          proxy_on_request_headers: `${ticks("(i32.const 10)")} (i32.const 0)`,
          proxy_on_tick: `${count} ${w.show("tick", "(global.get $ticks)")} ${w.show("context", "(local.get 0)")}
            (if (i32.eq (global.get $ticks) (i32.const 3)) (then ${ticks("(i32.const 0)")} ${w.log("stopped")}))`,
        }),
      },
    ],
    advanceMs: 100,
    logs: ["stopped"],
  },
  {
    name: "timers: a tick sets the next",
    covers: ["timers: set inside a tick"],
    plugins: [
      {
        wat: counting,
        guest: (w) => ({
          proxy_on_request_headers: `${ticks("(i32.const 5)")} (i32.const 0)`,
          proxy_on_tick: `${count} ${w.show("tick", "(global.get $ticks)")}
            ${ticks("(select (i32.const 15) (i32.const 0) (i32.lt_u (global.get $ticks) (i32.const 3)))")}`,
        }),
      },
    ],
    advanceMs: 100,
    logs: ["tick=3"],
  },
  {
    name: "timers: a stream held until a tick",
    covers: ["timers: continuing a stream", "continue"],
    plugins: [
      {
        wat: "(global $held (mut i32) (i32.const 0))",
        guest: (w) => ({
          proxy_on_request_headers: `(global.set $held (local.get $context_id)) ${ticks("(i32.const 10)")} (i32.const 1)`,
          proxy_on_tick: `${ticks("(i32.const 0)")}
            ${w.show("effective", "(call $proxy_set_effective_context (global.get $held))")}
            ${w.add(0, "x-ticked", "1")} ${w.logPairs(0)} ${w.show("continue", w.call("proxy_continue_stream", 0))}`,
        }),
      },
    ],
    advanceMs: 100,
    statuses: [200],
    logs: ["continue=0"],
  },
  {
    name: "timers: without a callback",
    covers: ["load: missing callbacks"],
    plugins: [{ guest: only("proxy_on_request_headers", () => ticks("(i32.const 5)")) }],
    advanceMs: 50,
  },
  {
    name: "timers: a trap in a tick",
    covers: ["failures: a trap in a plugin's callback"],
    plugins: [
      {
        guest: (w) => ({
          proxy_on_request_headers: `${w.log("request")} ${ticks("(i32.const 5)")} (i32.const 0)`,
          proxy_on_tick: "unreachable",
        }),
      },
    ],
    advanceMs: 50,
    logs: ["proxy_on_tick failed"],
  },
];

export const sharedState: readonly Scenario[] = [...data, ...queues, owners, ...metrics, ...timers, ticking];
