import { encodePairs } from "../../../harness/wasm/pairs.ts";
import type { Scenario } from "../scenario.ts";
import { fullClusters, fullRequest, only } from "./callbacks.ts";

const callHeaders = encodePairs([":method", "GET", ":path", "/", ":authority", "a"]);
const hold = (status: number) => `(return (i32.const ${status}))`;
const untilTheEnd = "(i32.eqz (local.get $end_of_stream))";

/** WAT of a callback of a plugin that lets a held request go on. */
const letGoOn = `(drop (call $proxy_set_effective_context (global.get $held)))
  (drop (call $proxy_continue_stream (i32.const 0)))`;

/** Each settles one rule that no other scenario shows; `npm run sensitivity` found that they were missing. */
export const singleRules: readonly Scenario[] = [
  {
    name: "rule: continuing drops the request's headers at once",
    covers: ["continue"],
    plugins: [
      {
        guest: only(
          "proxy_on_request_headers",
          (w) => `${w.show("continue", w.call("proxy_continue_stream", 0))} ${w.logValue(0, ":path")} ${w.logPairs(0)}
            ${w.show("add", w.call("proxy_add_header_map_value", 0, ["x-a"], ["1"]))} ${hold(1)}`,
        ),
      },
    ],
    logs: ["continue=0"],
  },
  ...["request", "response"].map((side, i): Scenario => ({
    name: `rule: a ${side} body callback can create trailers at the end`,
    covers: ["trailers: created"],
    plugins: [
      {
        guest: only(`proxy_on_${side}_body`, (w) =>
          w.show("trailer", w.call("proxy_add_header_map_value", 2 * i + 1, ["x-created"], ["1"])),
        ),
      },
    ],
    clusters: { up: () => ({ headers: { "transfer-encoding": "chunked" }, body: "answer" }) },
    requests: [{ method: "POST", headers: { "transfer-encoding": "chunked" }, body: "question" }],
    logs: ["trailer=0"],
  })),
  ...["request", "response"].map((side, i): Scenario => ({
    name: `rule: a ${side} body that is buffered is shown whole`,
    covers: ["body: buffered view"],
    plugins: [
      {
        guest: only(
          `proxy_on_${side}_body`,
          (w) => `${w.show("size", "(local.get $body_size)")} ${w.logBuffer(i)}
            (if ${untilTheEnd} (then ${hold(1)}))`,
        ),
      },
    ],
    clusters: fullClusters,
    requests: [{ method: "POST", body: "question" }],
  })),
  ...["request", "response"].map((side, i): Scenario => ({
    name: `rule: a ${side} body that is not kept is empty afterwards`,
    covers: ["data statuses"],
    plugins: [
      {
        guest: (w) => {
          const look = `${w.show("status", w.call("proxy_get_buffer_status", i, 0, 4))} ${w.show("size", "(i32.load (i32.const 0))")}
            ${w.logBuffer(i)}`;
          return {
            [`proxy_on_${side}_body`]: `${look} (i32.const 3)`,
            [`proxy_on_${side}_trailers`]: `${look} (i32.const 0)`,
          };
        },
      },
    ],
    clusters: fullClusters,
    requests: [fullRequest],
    logs: ["size=0"],
  })),
  {
    name: "rule: a filter that the request never reached makes its context for the log",
    covers: ["end of stream: a filter that was not reached"],
    plugins: [
      { name: "replies", guest: only("proxy_on_request_headers", (w) => w.reply(403, { body: "no" })) },
      {
        name: "later",
        guest: (w) => ({
          proxy_on_context_create: w.show("create", "(local.get $context_id)"),
          proxy_on_request_headers: `${w.log("reached")} (i32.const 0)`,
          proxy_on_log: w.log("log"),
        }),
      },
    ],
    statuses: [403],
    logs: ["log"],
  },
  {
    name: "rule: an effective context must exist",
    covers: ["proxy_set_effective_context"],
    plugins: [
      {
        guest: only("proxy_on_request_headers", (w) =>
          [0, 1, 2, 3, 99].map((id) => w.show(`context ${id}`, w.call("proxy_set_effective_context", id))).join(" "),
        ),
      },
    ],
    logs: ["context 99=2"],
  },
  ...[1, 3, 4].flatMap((status) =>
    [false, true].map((allowOnHeadersStopIteration): Scenario => ({
      name: `rule: a request held with ${status} goes on when a callout is answered${allowOnHeadersStopIteration ? ", StopIteration allowed" : ""}`,
      covers: ["http callouts: holding a stream", "body: held by headers"],
      plugins: [
        {
          allowOnHeadersStopIteration,
          guest: (w) => ({
            proxy_on_request_headers: `(global.set $held (local.get $context_id))
              ${w.show("call", w.call("proxy_http_call", ["slow"], [callHeaders], [""], [""], 1000, 0))} (i32.const ${status})`,
            proxy_on_request_body: `${w.show("size", "(local.get $body_size)")} ${w.logBuffer(0)} (i32.const 0)`,
            proxy_on_request_trailers: `${w.logPairs(1)} (i32.const 0)`,
            proxy_on_http_call_response: `
              ${w.show("effective", "(call $proxy_set_effective_context (global.get $held))")}
              ${w.show("continue", w.call("proxy_continue_stream", 0))}`,
          }),
          wat: "(global $held (mut i32) (i32.const 0))",
        },
        { guest: only("proxy_on_request_body", (w) => w.show("next", "(local.get $body_size)")) },
      ],
      // The whole request is there before the answer.
      clusters: { up: () => ({ body: "ok" }), slow: () => ({ delayMs: 30 }) },
      routes: [{ match: { prefix: "/" }, cluster: "up" }],
      advanceMs: 50,
      requests: [fullRequest],
      statuses: [200],
      logs: ["continue=0"],
    })),
  ),
  ...[
    { what: "a body", request: { method: "POST", body: "question" } },
    { what: "a body and trailers", request: fullRequest },
    { what: "nothing more", request: {} },
  ].flatMap(({ what, request }) =>
    [0, 1].map((status): Scenario => ({
      name: `rule: a callout is answered when the whole request is read: ${what}, ${status === 0 ? "not held" : "held"}`,
      plugins: [
        {
          guest: (w) => ({
            proxy_on_request_headers: `(global.set $held (local.get $context_id))
              ${w.show("call", w.call("proxy_http_call", ["up"], [callHeaders], [""], [""], 1000, 0))} (i32.const ${status})`,
            proxy_on_request_body: `${w.logBuffer(0)} (i32.const 0)`,
            proxy_on_request_trailers: `${w.log("trailers")} (i32.const 0)`,
            proxy_on_http_call_response: `${w.log("answer")} ${status === 0 ? "" : letGoOn}`,
            proxy_on_response_headers: `${w.log("response")} (i32.const 0)`,
          }),
          wat: "(global $held (mut i32) (i32.const 0))",
        },
        { guest: only("proxy_on_request_body", (w) => w.show("next", "(local.get $body_size)")) },
      ],
      requests: [request],
      statuses: [200],
      logs: ["answer"],
    })),
  ),
  {
    name: "rule: shared data is set only at the version that was read",
    covers: ["shared data: compare and swap"],
    plugins: [
      {
        guest: only(
          "proxy_on_request_headers",
          (w) => `${w.show("set", w.call("proxy_set_shared_data", ["key"], ["1"], 0))}
            ${w.show("get", w.call("proxy_get_shared_data", ["key"], 0, 4, 8))}
            ${w.show("stale", w.call("proxy_set_shared_data", ["key"], ["2"], 1_000_000))}
            ${w.show("again", `(call $proxy_set_shared_data ${w.text("key")} ${w.text("3")} (i32.load (i32.const 8)))`)}
            ${w.show("missing", w.call("proxy_set_shared_data", ["other"], ["1"], 77))}`,
        ),
      },
    ],
    logs: ["stale=8", "again=0"],
  },
];
