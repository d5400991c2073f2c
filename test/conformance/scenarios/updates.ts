import type { GuestWriter } from "../../../harness/testing/guest.ts";
import type { Scenario } from "../scenario.ts";

const named = (name: string) => (w: GuestWriter) => ({
  proxy_on_request_headers: `${w.log(`${name} request`)} (i32.const 0)`,
});
const ending = (name: string, done: number) => (w: GuestWriter) => ({
  ...named(name)(w),
  proxy_on_done: `(if (result i32) (i32.eq (local.get 0) (i32.const 1)) (then ${w.log(`${name} done`)} (i32.const ${done})) (else (i32.const 1)))`,
  proxy_on_delete: `(if (i32.eq (local.get 0) (i32.const 1)) (then ${w.log(`${name} delete`)}))`,
});

const replaced: Scenario[] = [
  {
    name: "update: other filters take the next request",
    covers: ["lifecycle: update"],
    plugins: [{ guest: named("old") }],
    updates: [{ plugins: [{ guest: named("new") }, { guest: named("newer"), name: "second" }], requests: [{}, {}] }],
    isTranscriptLoose: true,
    logs: ["old request", "newer request"],
  },
  {
    name: "update: a refused configuration leaves the old filters",
    covers: ["refused configurations"],
    plugins: [{ guest: named("old") }],
    updates: [
      {
        plugins: [{ name: "new", guest: (w) => ({ ...named("new")(w), proxy_on_configure: "(i32.const 0)" }) }],
        requests: [{}],
      },
      {
        plugins: [{ name: "new", guest: (w) => ({ ...named("new")(w), proxy_on_vm_start: "(i32.const 0)" }) }],
        requests: [{}],
      },
    ],
    isTranscriptLoose: true,
  },
  {
    name: "update: the same module keeps its VM when only the plugin's configuration changes",
    covers: ["sharing: VM key", "lifecycle: update"],
    plugins: [{ guest: counting, configuration: "1" }],
    requests: [{}, {}],
    updates: [{ plugins: [{ guest: counting, configuration: "2" }], requests: [{}] }],
    isTranscriptLoose: true,
  },
  {
    name: "update: what no filter uses any more ends",
    covers: ["lifecycle: end of a plugin"],
    plugins: [{ name: "old", guest: ending("old", 1) }],
    updates: [{ plugins: [], requests: [{}] }],
    isTranscriptLoose: true,
    logs: ["old delete"],
  },
  {
    name: "update: an end that is put off",
    covers: ["lifecycle: end of a plugin"],
    plugins: [{ name: "old", guest: ending("old", 0) }],
    updates: [{ plugins: [], requests: [{}] }],
    isTranscriptLoose: true,
    logs: ["old done"],
  },
];

/** Its end is put off, and comes in a tick. */
const putOff: Scenario = {
  name: "update: an end that comes later",
  covers: ["lifecycle: end of a plugin", "proxy_done"],
  plugins: [
    { name: "old", vmId: "one", guest: endingLater, configuration: "old" },
    { name: "stays", vmId: "one", guest: endingLater },
  ],
  updates: [{ plugins: [{ name: "stays", vmId: "one", guest: endingLater }], requests: [{}] }],
  advanceMs: 50,
  isTranscriptLoose: true,
  logs: ["deleted=1"],
};

function endingLater(w: GuestWriter) {
  return {
    proxy_on_request_headers: `${w.log("request")} (i32.const 0)`,
    proxy_on_done: `(if (result i32) (i32.le_u (local.get 0) (i32.const 2))
      (then (drop ${w.call("proxy_set_tick_period_milliseconds", 10)}) ${w.show("put off", "(local.get 0)")} (i32.const 0)) (else (i32.const 1)))`,
    proxy_on_tick: `(drop ${w.call("proxy_set_tick_period_milliseconds", 0)}) ${w.show("done", w.call("proxy_done"))} ${w.show("again", w.call("proxy_done"))}`,
    proxy_on_delete: `(if (i32.le_u (local.get 0) (i32.const 2)) (then ${w.show("deleted", "(local.get 0)")}))`,
  };
}

/** A module that counts requests in a global. */
function counting(w: GuestWriter) {
  return {
    proxy_on_context_create: `(if (i32.eqz (local.get 1)) (then (i32.store (i32.const 32) (local.get 0))))`,
    proxy_on_request_headers: `(i32.store (i32.const 36) (i32.add (i32.load (i32.const 36)) (i32.const 1)))
      ${w.show("requests", "(i32.load (i32.const 36))")} ${w.show("stream", "(local.get 0)")} ${w.show("plugin", "(i32.load (i32.const 32))")} (i32.const 0)`,
  };
}

const reloaded: Scenario = {
  name: "update: a failed VM is built anew",
  covers: ["failures: reload"],
  plugins: [
    {
      failurePolicy: "reload",
      guest: (w) => ({
        proxy_on_request_headers: `(if (i32.eqz ${w.call("proxy_get_header_map_value", 0, ["x-trap"], 0, 4)}) (then unreachable))
          (i32.store (i32.const 32) (i32.add (i32.load (i32.const 32)) (i32.const 1))) (i32.const 0)`,
        proxy_on_response_headers: `${w.show("count", "(i32.load (i32.const 32))")} ${w.show("stream", "(local.get 0)")} (i32.const 0)`,
      }),
    },
  ],
  requests: [{}, { headers: { "x-trap": "1" } }, { untilStatus: 200 }, {}],
  statuses: [200, 503, 200, 200],
  isTranscriptLoose: true,
};

/** The trial in the main thread goes well, and the filter's VMs refuse. */
const onceOnly: Scenario = {
  name: "update: a plugin that only its trial can start is left out",
  covers: ["failures: refused in a worker only"],
  plugins: [
    {
      guest: (w) => ({
        proxy_on_configure: `(drop ${w.call("proxy_get_shared_data", ["tried"], 0, 4, 8)})
          (if (result i32) (i32.load (i32.const 8)) (then (i32.const 0))
            (else (drop ${w.call("proxy_set_shared_data", ["tried"], ["1"], 0)}) (i32.const 1)))`,
        proxy_on_request_headers: `${w.log("request")} (i32.const 0)`,
      }),
    },
  ],
  requests: [{}, {}],
};

export const updates: readonly Scenario[] = [...replaced, putOff, reloaded, onceOnly];
