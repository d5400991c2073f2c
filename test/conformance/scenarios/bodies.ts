import { encodePairs } from "../../../harness/wasm/pairs.ts";
import type { Scenario } from "../scenario.ts";
import { fullClusters } from "./callbacks.ts";

const limit = 1024 * 1024;

/** Envoy buffers 1 MiB of a stream. */
const limits: Scenario[] = ["request", "response"].flatMap((side) =>
  [limit, limit + 1].map((size): Scenario => ({
    name: `bodies: a ${side} of ${size} bytes that a filter buffers`,
    covers: ["body: over the limit"],
    isTranscriptLoose: true,
    plugins: [
      {
        guest: (w) => ({
          [`proxy_on_${side}_body`]: `(if (result i32) (local.get $end_of_stream)
            (then ${w.show("size", "(local.get $body_size)")} (i32.const 0)) (else (i32.const 1)))`,
          proxy_on_log: `${w.logProperty("response.code_details")} ${w.log("end")}`,
        }),
      },
    ],
    ...(side === "request"
      ? { requests: [{ method: "POST", body: "q".repeat(size) }] }
      : { clusters: { up: () => ({ body: "a".repeat(size) }) } }),
  })),
);

const callHeaders = encodePairs([":method", "GET", ":path", "/", ":authority", "a"]);
const held: Scenario[] = [
  ...([3, 4] as const).flatMap((status) =>
    [limit + 1].map((size): Scenario => ({
      name: `bodies: a request of ${size} bytes behind headers held with ${status}`,
      covers: ["body: held by headers, over the limit"],
      plugins: [
        {
          guest: (w) => ({
            proxy_on_request_headers: `(global.set $held (local.get $context_id))
                ${w.show("call", w.call("proxy_http_call", ["slow"], [callHeaders], [""], [""], 1000, 0))} (i32.const ${status})`,
            proxy_on_http_call_response: `${w.show("effective", "(call $proxy_set_effective_context (global.get $held))")}
                ${w.show("continue", w.call("proxy_continue_stream", 0))}`,
            proxy_on_log: w.logProperty("response.code_details"),
          }),
          wat: "(global $held (mut i32) (i32.const 0))",
        },
      ],
      clusters: { up: (request) => ({ body: String(request.body.length) }), slow: () => ({ delayMs: 200 }) },
      routes: [{ match: { prefix: "/" }, cluster: "up" }],
      advanceMs: 300,
      requests: [{ method: "POST", body: "q".repeat(size) }],
      isTranscriptLoose: true,
    })),
  ),
  ...(["request", "response"] as const).flatMap((side, i) =>
    // A request's body that is too long is what the upstream makes of it.
    (side === "request" ? [""] : ["", "longer than it was"]).map((text): Scenario => ({
      name: `bodies: a ${side} body of another length than its content-length (${text.length})`,
      covers: ["body: content-length is the filter's affair"],
      plugins: [
        {
          guest: (w) => ({
            [`proxy_on_${side}_body`]: `(if (local.get $body_size) (then ${w.setBuffer(i, 0, 1000, text)})) (i32.const 0)`,
          }),
        },
      ],
      clusters: { up: () => ({ headers: { "content-length": "6" }, body: "answer" }) },
      requests: [{ method: "POST", headers: { "content-length": "8" }, body: "question" }],
    })),
  ),
  {
    name: "bodies: a local reply while response headers are held",
    covers: ["local replies: while headers are held"],
    plugins: [
      {
        allowOnHeadersStopIteration: true,
        guest: (w) => ({
          proxy_on_response_headers: `${w.log("held")} (i32.const 1)`,
          proxy_on_response_body: `${w.reply(403, { body: "no" })} (i32.const 0)`,
          proxy_on_log: w.logProperty("response.code_details"),
        }),
      },
    ],
    clusters: fullClusters,
    statuses: [403],
  },
];

export const bodies: readonly Scenario[] = [...limits, ...held];
