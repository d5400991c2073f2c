import type { Cluster, UpstreamResponse } from "@attache/harness";
import type { GuestWriter } from "../../../harness/testing/guest.ts";
import { encodePairs } from "../../../harness/wasm/pairs.ts";
import type { RowName } from "../rows.ts";
import type { Scenario } from "../scenario.ts";
import { only, whenRequested } from "./callbacks.ts";

const required = [":method", "POST", ":path", "/ask?a=1", ":authority", "service"];

interface Call {
  cluster?: string;
  headers?: readonly string[];
  body?: string;
  trailers?: readonly string[];
  timeoutMs?: number;
  tokenOut?: number;
}

/** Calls and logs status and token. */
function call(
  w: GuestWriter,
  { cluster = "side", headers = required, body = "", trailers = [], timeoutMs = 1000, tokenOut = 8 }: Call = {},
): string {
  const made = w.call(
    "proxy_http_call",
    [cluster],
    [encodePairs([...headers])],
    [body],
    [encodePairs([...trailers])],
    timeoutMs,
    tokenOut,
  );
  return `(i32.store (i32.const 8) (i32.const 99)) ${w.show("call", made)} ${w.show("token", "(i32.load (i32.const 8))")}`;
}

/** Logs all that an answer brings. */
const told = (w: GuestWriter) => `
  ${w.show("token", "(local.get $token)")} ${w.show("headers", "(local.get 2)")} ${w.show("body", "(local.get 3)")}
  ${w.show("trailers", "(local.get 4)")} ${w.logPairs(6)} ${w.logBuffer(4, 0, 200)} ${w.logPairs(7)}
  ${w.logValue(6, ":status")} ${w.logValue(6, "nope")} ${w.logValue(7, "x-t")}
  ${w.show("size", w.call("proxy_get_header_map_size", 6, 0))}
  ${w.show("add", w.call("proxy_add_header_map_value", 6, ["x-new"], ["1"]))}
  ${w.show("write", w.call("proxy_set_buffer_bytes", 4, 0, 0, ["x"]))}
  ${w.show("status", w.call("proxy_get_status", 0, 4, 8))} ${w.show("code", "(i32.load (i32.const 0))")}
  ${w.log("answered")}`;

const routes = [{ match: { prefix: "/" }, directResponse: { status: 200 } }];

function asking(
  name: string,
  covers: readonly RowName[],
  act: (w: GuestWriter) => string,
  side: Cluster = () => ({}),
  more: Partial<Scenario> = {},
): Scenario {
  return {
    name: `callouts: ${name}`,
    covers,
    plugins: [
      { guest: (w) => ({ proxy_on_request_headers: `${act(w)} (i32.const 0)`, proxy_on_http_call_response: told(w) }) },
    ],
    clusters: { side },
    routes,
    advanceMs: 3000,
    ...more,
  };
}

const refused: Scenario[] = (
  [
    ["an unknown cluster", { cluster: "nope" }],
    ["a cluster without a name", { cluster: "" }],
    ["no :path", { headers: [":method", "GET", ":authority", "a"] }],
    ["no :method", { headers: [":path", "/", ":authority", "a"] }],
    ["no :authority", { headers: [":method", "GET", ":path", "/"] }],
    ["no headers", { headers: [] }],
    ["a timeout below zero", { timeoutMs: -1 }],
    ["the least number as timeout", { timeoutMs: -2147483648 }],
    ["a token into nowhere", { tokenOut: 131070 }],
  ] as [string, Call][]
).map(([what, options]) =>
  asking(`refused for ${what}`, ["http callouts: refusals", "calls: order of checks"], (w) => call(w, options)),
);

const accepted: Scenario[] = (
  [
    ["host in place of :authority", { headers: [":method", "GET", ":path", "/", "host", "a"] }],
    ["empty pseudo headers", { headers: [":method", "GET", ":path", "", ":authority", ""] }],
    ["a body", { body: "question" }],
    ["a content-length of its own", { headers: [...required, "content-length", "3"], body: "question" }],
    [
      "a content-length and no body",
      { headers: [":method", "GET", ":path", "/", ":authority", "a", "content-length", "0"] },
    ],
    ["trailers, which are not sent", { body: "question", trailers: ["x-trailer", "1"] }],
    ["a name twice", { headers: [...required, "x-a", "1", "X-A", "2"] }],
    ["its own :scheme", { headers: [...required, ":scheme", "https"] }],
    ["no time limit", { timeoutMs: 0 }],
    ["the longest time limit", { timeoutMs: 2147483647 }],
    ["a long body", { body: "q".repeat(20_000) }],
    ["HEAD", { headers: [":method", "HEAD", ":path", "/", ":authority", "a"] }],
    ["x-envoy-internal of its own", { headers: [...required, "x-envoy-internal", "false"] }],
  ] as [string, Call][]
).map(([what, options]) =>
  asking(
    `sends ${what}`,
    ["http callouts: what is sent"],
    (w) => call(w, options),
    (request) => ({
      headers: { "x-got": String(request.body.length) },
      ...(request.method === "HEAD" ? {} : { body: "answer" }),
    }),
    { logs: ["answered"] },
  ),
);

const answers: [what: string, row: RowName, cluster: Cluster, options?: Call][] = [
  ["headers alone", "http callouts: answers", () => ({ headers: { "content-length": "0" } })],
  [
    "all parts",
    "http callouts: answers",
    () => ({ status: 201, headers: { "x-a": ["1", "2"] }, body: "text", trailers: { "x-t": "t" } }),
  ],
  ["a body in pieces", "http callouts: answers", () => ({ body: ["one", "two", "three"] })],
  ["a 204", "http callouts: answers", () => ({ status: 204 })],
  ["a 304", "http callouts: answers", () => ({ status: 304 })],
  ["a 404", "http callouts: answers", () => ({ status: 404, body: "no" })],
  ["a 503", "http callouts: answers", () => ({ status: 503, body: "later" })],
  ["a redirect, which is not followed", "http callouts: answers", () => ({ status: 302, headers: { location: "/" } })],
  ["bytes", "http callouts: answers", () => ({ body: new Uint8Array([0, 255, 10, 13, 128]) })],
  ["nothing in time", "http callouts: timeout", () => ({ delayMs: 2000 }), { timeoutMs: 100 }],
  ["a reset", "http callouts: connection failures", () => ({ reset: true })],
  [
    "a reset after headers",
    "http callouts: reset",
    () => ({ body: "half", headers: { "content-length": "10" }, reset: true }),
  ],
  [
    "a reset in a chunked body",
    "http callouts: reset",
    () => ({ body: "half", headers: { "transfer-encoding": "chunked" }, reset: true }),
  ],
  ["no host", "http callouts: no healthy host", { hosts: [] }],
];

const answered: Scenario[] = answers.map(([what, row, cluster, options]) =>
  asking(`gets ${what}`, [row], (w) => call(w, options), cluster),
);

const gRpcShaped: Scenario[] = [
  ["times out", () => ({ delayMs: 2000 }), { timeoutMs: 100 }],
  ["fails", () => ({ reset: true }), {}],
].map(([what, cluster, options]) =>
  asking(
    `a gRPC request over HTTP that ${what as string}`,
    ["http callouts: gRPC-shaped failures"],
    (w) => call(w, { headers: [...required, "content-type", "application/grpc"], ...(options as Call) }),
    cluster as Cluster,
  ),
);

const together: Scenario[] = [
  asking(
    "several at once, in the order they are answered",
    ["http callouts: concurrency", "ids: call tokens"],
    (w) =>
      [
        call(w, { headers: [":method", "GET", ":path", "/200", ":authority", "a"] }),
        call(w, { headers: [":method", "GET", ":path", "/40", ":authority", "a"] }),
        call(w, { cluster: "nope" }),
        call(w, { headers: [":method", "GET", ":path", "/100", ":authority", "a"] }),
      ].join("\n"),
    (request): UpstreamResponse => ({ delayMs: Number(request.path.slice(1)), body: request.path }),
  ),
  {
    name: "callouts: the answer comes when the stream is gone",
    covers: ["http callouts: the stream is gone"],
    plugins: [
      {
        guest: (w) => ({
          proxy_on_request_headers: `(global.set $asked (local.get $context_id)) ${call(w)} (i32.const 0)`,
          proxy_on_http_call_response: `${w.show("stream", "(call $proxy_set_effective_context (global.get $asked))")}
            ${w.logValue(0, ":path")} ${w.show("continue", w.call("proxy_continue_stream", 0))} ${told(w)}`,
          proxy_on_delete: w.log("deleted"),
        }),
        wat: "(global $asked (mut i32) (i32.const 0))",
      },
    ],
    clusters: { side: () => ({ delayMs: 50 }) },
    routes,
    advanceMs: 100,
    logs: ["stream=2"],
  },
  {
    name: "callouts: made when a stream is done",
    covers: ["end of stream: callouts"],
    plugins: [
      {
        guest: (w) => ({
          proxy_on_done: `${call(w)} (i32.const 1)`,
          proxy_on_log: call(w),
          proxy_on_delete: call(w),
          proxy_on_http_call_response: told(w),
        }),
      },
    ],
    clusters: { side: () => ({}) },
    routes,
    advanceMs: 100,
  },
  {
    name: "callouts: a local reply from an answer",
    covers: ["local replies: from a callout's answer"],
    plugins: [
      {
        guest: (w) => ({
          proxy_on_request_headers: `(global.set $asked (local.get $context_id)) ${call(w)} (i32.const 1)`,
          proxy_on_http_call_response: `(drop (call $proxy_set_effective_context (global.get $asked)))
            ${w.logValue(0, ":path")} ${w.reply(403, { body: "no", headers: { "x-why": "asked" }, details: "the service said no" })}`,
          proxy_on_response_headers: `${w.logPairs(2)} (i32.const 0)`,
          proxy_on_log: w.logProperty("response.code_details"),
        }),
        wat: "(global $asked (mut i32) (i32.const 0))",
      },
    ],
    clusters: { side: () => ({}), up: () => ({}) },
    routes: [{ match: { prefix: "/" }, cluster: "up" }],
    advanceMs: 100,
    statuses: [403],
  },
  {
    name: "callouts: what is read before the answer, and after",
    covers: ["maps available"],
    plugins: [
      {
        guest: only(
          "proxy_on_request_headers",
          (w) => `${call(w)} ${w.logPairs(6)} ${w.logBuffer(4)} ${w.logValue(6, ":status")}`,
        ),
      },
    ],
    clusters: { side: () => ({}) },
    routes,
    advanceMs: 100,
  },
  {
    name: "callouts: without a callback for the answer",
    covers: ["load: missing callbacks"],
    plugins: [{ guest: only("proxy_on_request_headers", (w) => call(w)) }],
    clusters: { side: () => ({ body: "nobody listens" }) },
    routes,
    advanceMs: 100,
  },
  {
    name: "callouts: a trap in the answer's callback",
    covers: ["failures: a trap in a plugin's callback"],
    plugins: [
      {
        guest: (w) => ({
          proxy_on_request_headers: `${call(w)} (i32.const 1)`,
          proxy_on_http_call_response: `${w.log("before")} unreachable`,
        }),
      },
    ],
    clusters: { side: () => ({}) },
    routes,
    advanceMs: 100,
  },
];

/** Fails each first request and answers each second one, in every run alike. */
function everyOther(failure: UpstreamResponse): Cluster {
  let count = 0;
  return () => (count++ % 2 === 0 ? failure : { body: "at last" });
}

const retried: Scenario[] = (
  [
    ["after an answer 503", everyOther({ status: 503 }), ["x-envoy-retry-on", "5xx"]],
    ["after a reset", everyOther({ reset: true }), ["x-envoy-retry-on", "reset"]],
    [
      "after a status in gRPC's form",
      everyOther({ headers: { "grpc-status": "14" } }),
      ["x-envoy-retry-grpc-on", "unavailable"],
    ],
    [
      "after a status of a list",
      everyOther({ status: 418 }),
      [...["x-envoy-retry-on", "retriable-status-codes"], ...["x-envoy-retriable-status-codes", "418"]],
    ],
    ["not after another status", () => ({ status: 404 }), ["x-envoy-retry-on", "5xx"]],
    ["until the retries are used up", () => ({ status: 500 }), ["x-envoy-retry-on", "5xx", "x-envoy-max-retries", "2"]],
    [
      "until they are used up by resets",
      () => ({ reset: true }),
      ["x-envoy-retry-on", "5xx", "x-envoy-max-retries", "1"],
    ],
    ["never when their number is 0", () => ({ status: 500 }), ["x-envoy-retry-on", "5xx", "x-envoy-max-retries", "0"]],
    [
      "after an attempt that took too long",
      () => ({ delayMs: 400 }),
      [...["x-envoy-retry-on", "5xx"], ...["x-envoy-upstream-rq-per-try-timeout-ms", "50"]],
    ],
    [
      "not after the whole time is over",
      () => ({ delayMs: 900 }),
      [...["x-envoy-retry-on", "5xx"], ...["x-envoy-upstream-rq-timeout-ms", "60"]],
    ],
  ] as [string, Cluster, string[]][]
).flatMap(([when, side, headers]) =>
  ["", "the body"].map((body): Scenario => ({
    name: `callouts: retried ${when}${body === "" ? "" : ", with its body"}`,
    covers: ["http callouts: retries"],
    plugins: [
      {
        guest: (w) => ({
          // Without a timeout: what is left of one would be told to each attempt.
          proxy_on_request_headers: `${call(w, { headers: [...required, ...headers], body, timeoutMs: 0 })} (i32.const 0)`,
          proxy_on_http_call_response: `${w.logValue(6, ":status")} ${w.logBuffer(4, 0, 200)} ${w.log("answered")}`,
        }),
      },
    ],
    clusters: { side },
    routes,
    advanceMs: 3000,
    logs: ["answered"],
  })),
);

const dns: Scenario[] = [
  {
    name: "callouts: an address resolved",
    covers: ["envoy_resolve_dns"],
    plugins: [
      {
        guest: (w) => ({
          proxy_on_request_headers: `${w.show("resolve", w.call("envoy_resolve_dns", ["127.0.0.1"], 8))} ${w.show("token", "(i32.load (i32.const 8))")}
            ${w.show("nowhere", w.call("envoy_resolve_dns", ["127.0.0.1"], -1))}
            ${w.show("again", w.call("envoy_resolve_dns", ["::1"], 8))} ${w.show("token", "(i32.load (i32.const 8))")} (i32.const 0)`,
          envoy_on_resolve_dns: `${w.show("token", "(local.get 1)")} ${w.show("size", "(local.get 2)")} ${w.log("resolved")}`,
        }),
      },
    ],
    routes,
    clusters: {},
    advanceMs: 100,
    logs: ["resolved"],
  },
  whenRequested("callouts: pairs of odd sizes", ["pairs: limits"], (w) => {
    const many = (count: number) =>
      encodePairs([...required, ...Array.from({ length: count }, () => ["x-m", "1"]).flat()]);
    const made = (label: string, blob: string) =>
      w.show(label, w.call("proxy_http_call", ["nope"], [blob], [""], [""], 1000, 8));
    const blob = encodePairs(required);
    return [
      made("1024 pairs", many(1021)),
      made("1025 pairs", many(1022)),
      made("a byte too many", `${blob}\0`),
      made("a byte too few", blob.slice(0, -1)),
    ].join("\n");
  }),
];

export const httpCallouts: readonly Scenario[] = [
  ...refused,
  ...accepted,
  ...answered,
  ...gRpcShaped,
  ...together,
  ...retried,
  ...dns,
];
