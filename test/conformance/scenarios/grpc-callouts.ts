import type { Cluster, GrpcResponse } from "@attache/harness";
import type { GuestWriter } from "../../../harness/testing/guest.ts";
import type { RowName } from "../rows.ts";
import type { Scenario } from "../scenario.ts";

type Act = (w: GuestWriter) => string;

/** A unary call, its status and its token. */
function unary(
  w: GuestWriter,
  {
    target = "side",
    metadata = {},
    message = "hi",
    timeoutMs = 500,
    out = 8,
  }: { target?: string; metadata?: Record<string, string>; message?: string; timeoutMs?: number; out?: number } = {},
): string {
  return `(i32.store (i32.const 8) (i32.const 99)) ${w.show(
    "call",
    `(call $proxy_grpc_call ${w.text(target)} ${w.text("pkg.Svc")} ${w.text("Do")} ${w.pairs(metadata)} ${w.text(message)}
      (i32.const ${timeoutMs}) (i32.const ${out}))`,
  )} ${out === 8 ? w.show("token", "(i32.load (i32.const 8))") : ""}`;
}

function stream(
  w: GuestWriter,
  {
    target = "side",
    metadata = {},
    out = 8,
  }: { target?: string; metadata?: Record<string, string>; out?: number } = {},
): string {
  return `(i32.store (i32.const 8) (i32.const 99)) ${w.show(
    "stream",
    `(call $proxy_grpc_stream ${w.text(target)} ${w.text("pkg.Svc")} ${w.text("Do")} ${w.pairs(metadata)} (i32.const ${out}))`,
  )} ${out === 8 ? w.show("token", "(i32.load (i32.const 8))") : ""}`;
}

const send = (w: GuestWriter, token: number, message: string, end = 0) =>
  w.show("send", w.call("proxy_grpc_send", token, [message], end));
const close = (w: GuestWriter, token: number) => w.show("half-close", w.call("proxy_grpc_close", token));
const cancel = (w: GuestWriter, token: number) => w.show("cancel", w.call("proxy_grpc_cancel", token));

/** Logs what each callback is told, and does more in some. */
const telling = (w: GuestWriter, also: { initial?: string; receive?: string; close?: string } = {}) => ({
  proxy_on_grpc_receive_initial_metadata: `${w.show("initial", "(local.get $token)")} ${w.show("pairs", "(local.get 2)")} ${w.logPairs(4)} ${also.initial ?? ""}`,
  proxy_on_grpc_receive: `${w.show("receive", "(local.get $token)")} ${w.show("size", "(local.get 2)")} ${w.logBuffer(5, 0, 40)} ${also.receive ?? ""}`,
  proxy_on_grpc_receive_trailing_metadata: `${w.show("trailing", "(local.get $token)")} ${w.show("pairs", "(local.get 2)")} ${w.logPairs(5)}`,
  proxy_on_grpc_close: `${w.show("close", "(local.get $token)")} ${w.show("status", "(local.get 2)")}
    (drop ${w.call("proxy_get_status", 16, 0, 4)}) (call $log (i32.load (i32.const 0)) (i32.load (i32.const 4)))
    ${w.show("code", "(i32.load (i32.const 16))")} ${also.close ?? ""}`,
});

function scenario(
  name: string,
  covers: readonly RowName[],
  act: Act,
  side: Cluster,
  also: (w: GuestWriter) => { initial?: string; receive?: string; close?: string } = () => ({}),
): Scenario {
  return {
    name: `gRPC: ${name}`,
    covers,
    plugins: [{ guest: (w) => ({ proxy_on_request_headers: `${act(w)} (i32.const 0)`, ...telling(w, also(w)) }) }],
    clusters: { side, plain: () => ({ body: "plain" }), nobody: { hosts: [] } },
    routes: [{ match: { prefix: "/" }, directResponse: { status: 200 } }],
    advanceMs: 2000,
  };
}

const answers = (response: GrpcResponse): Cluster => ({ grpc: () => response });

const endings: [what: string, cluster: Cluster][] = [
  ["a message", answers({ messages: ["hello"], trailers: { "x-t": "1" }, metadata: { "x-m": "1" } })],
  ["an empty message", answers({ messages: [""] })],
  ["two messages", answers({ messages: ["a", "b"] })],
  ["no message", answers({ metadata: { "x-m": "1" } })],
  ["an error at once", answers({ status: 7, statusMessage: "no %41" })],
  ["an error after a message", answers({ messages: ["a"], status: 5, statusMessage: "gone" })],
  ["no status", answers({ messages: ["a"], status: null })],
  ["a status that is none", answers({ status: 99 })],
  ["HTTP's 404", answers({ httpStatus: 404, status: null })],
  ["HTTP's 503 with a status", answers({ httpStatus: 503, status: 3 })],
  ["a reset", answers({ reset: true })],
  ["a reset after headers", answers({ messages: ["a"], reset: true })],
  ["nothing in time", answers({ delayMs: 900 })],
  ["what is no gRPC", () => ({ body: "plain" })],
];

const unaryCalls: Scenario[] = endings.map(([what, cluster]) =>
  scenario(
    `a call is answered with ${what}`,
    ["grpc: unary calls", "grpc: status and message"],
    (w) => unary(w),
    cluster,
  ),
);

const streams: Scenario[] = endings
  .filter(([what]) => what !== "nothing in time")
  .map(([what, cluster]) =>
    scenario(
      `a stream is answered with ${what}`,
      ["grpc: streams"],
      (w) => `${stream(w)} ${send(w, 6, "one", 1)}`,
      cluster,
    ),
  );

const echo: Cluster = {
  grpc: () => ({ status: 0, trailers: { "x-end": "1" } }),
  grpcMessage: (message) => ({ messages: [`re: ${Buffer.from(message).toString()}`] }),
};

const refusals: Scenario[] = (
  [
    ["an unknown target", (w) => unary(w, { target: "\x0a\x06\x0a\x04nope" }) + stream(w, { target: "nope" })],
    ["a call to a cluster without hosts", (w) => unary(w, { target: "nobody" })],
    ["a stream to a cluster without hosts", (w) => stream(w, { target: "nobody" })],
    ["tokens into nowhere", (w) => unary(w, { out: 131070 }) + stream(w, { out: 131070 })],
    [
      "tokens that are none",
      (w) =>
        [99999, 10000, 9999, 10001, 10002, 0]
          .map((token) => send(w, token, "x") + cancel(w, token) + close(w, token))
          .join("\n"),
    ],
    [
      "a message from nowhere",
      (w) => stream(w) + w.show("send", w.call("proxy_grpc_send", 6, 131070, 9, 0)) + cancel(w, 6),
    ],
    [
      "pointers into nowhere",
      (w) => w.show("call", w.call("proxy_grpc_call", 131070, 9, ["s"], ["m"], [""], [""], 0, 8)),
    ],
  ] as [string, Act][]
).map(([what, act]) => scenario(`refused: ${what}`, ["grpc: refusals", "grpc: tokens"], act, echo));

const targets: Scenario[] = (
  [
    ["a GrpcService message", "\x0a\x06\x0a\x04side"],
    ["a GrpcService with an authority", "\x0a\x0b\x0a\x04side\x12\x03a.b"],
    ["a GrpcService with metadata", "\x0a\x06\x0a\x04side\x2a\x06\x0a\x01c\x12\x01d"],
    ["a GrpcService of an unknown cluster", "\x0a\x06\x0a\x04nope"],
    ["bytes that are no message", "\xff\xff\xff"],
  ] as const
).map(([what, target]) =>
  scenario(`the target is ${what}`, ["grpc: targets"], (w) => unary(w, { target }), answers({ messages: ["a"] })),
);

const withoutCallbacks: Scenario = {
  name: "gRPC: without callbacks",
  covers: ["load: missing callbacks"],
  plugins: [
    {
      guest: (w) => ({ proxy_on_request_headers: `${unary(w)} ${stream(w)} ${send(w, 6, "one", 1)} (i32.const 0)` }),
    },
  ],
  clusters: { side: answers({ messages: ["a"] }) },
  routes: [{ match: { prefix: "/" }, directResponse: { status: 200 } }],
  advanceMs: 100,
};

const sent = "(global $sent (mut i32) (i32.const 0))";

const lives: Scenario[] = [
  scenario(
    "a conversation",
    ["grpc: streams", "grpc: order of a stream's events"],
    (w) => `${stream(w)} ${send(w, 6, "one")}`,
    echo,
    (w) => ({
      receive: `(if (i32.eqz (global.get $sent)) (then (global.set $sent (i32.const 1)) ${send(w, 6, "two", 1)}))`,
    }),
  ),
  scenario(
    "a stream that is half-closed at once",
    ["grpc: closing"],
    (w) => stream(w) + close(w, 6) + send(w, 6, "late"),
    echo,
  ),
  scenario("a stream that is closed twice", ["grpc: closing"], (w) => stream(w) + close(w, 6) + close(w, 6), echo),
  scenario(
    "a stream that is cancelled",
    ["grpc: cancelling"],
    (w) => stream(w) + send(w, 6, "one") + cancel(w, 6) + send(w, 6, "two") + cancel(w, 6),
    echo,
  ),
  scenario(
    "a call that is cancelled",
    ["grpc: cancelling"],
    (w) => unary(w) + cancel(w, 5) + cancel(w, 5),
    answers({ messages: ["a"] }),
  ),
  scenario(
    "a call that is closed",
    ["grpc: closing"],
    (w) => unary(w) + close(w, 5) + close(w, 5),
    answers({ messages: ["a"] }),
  ),
  scenario("sending on a call", ["grpc: tokens"], (w) => unary(w) + send(w, 5, "x"), answers({ messages: ["a"] })),
  scenario(
    "closing after the other side did",
    ["grpc: closing"],
    (w) => stream(w) + send(w, 6, "one"),
    {
      grpc: () => ({}),
      grpcMessage: () => ({ status: 0 }),
    },
    (w) => ({ close: close(w, 6) + close(w, 6) }),
  ),
  scenario(
    "using a call's token after its answer",
    ["grpc: tokens"],
    (w) => unary(w),
    answers({ messages: ["a"] }),
    (w) => ({ receive: cancel(w, 5) + close(w, 5) }),
  ),
  scenario(
    "several calls and streams",
    ["ids: call tokens"],
    (w) =>
      unary(w) +
      stream(w) +
      unary(w, { target: "\x0a\x06\x0a\x04nope" }) +
      unary(w) +
      stream(w, { target: "nope" }) +
      stream(w) +
      [5, 6, 9, 10, 13, 14, 18].map((token) => cancel(w, token)).join(" "),
    answers({ messages: ["a"] }),
  ),
  scenario(
    "metadata of a call",
    ["grpc: initial metadata"],
    (w) => unary(w, { metadata: { "x-md": "1", "x-md-bin": "\x01\x02", ":path": "/other/Path", te: "x" } }),
    answers({ messages: ["a"] }),
  ),
  scenario(
    "metadata of a stream",
    ["grpc: initial metadata"],
    (w) => stream(w, { metadata: { "x-md": "1", ":authority": "other" } }) + send(w, 6, "x", 1),
    answers({ messages: ["a"] }),
  ),
  scenario(
    "a call with no time to answer",
    ["grpc: timeouts"],
    (w) => unary(w, { timeoutMs: 0 }),
    answers({ messages: ["a"] }),
  ),
  scenario(
    "a call whose time is below zero",
    ["grpc: timeouts"],
    (w) => unary(w, { timeoutMs: -1 }),
    answers({ messages: ["a"] }),
  ),
].map((entry) => ({ ...entry, plugins: entry.plugins.map((plugin) => ({ ...plugin, wat: sent })) }));

/** The status of a call that has failed, in a later callback. */
const remembered: Scenario[] = [true, false].map((isTold): Scenario => ({
  name: `grpc: the status afterwards, ${isTold ? "told before" : "without proxy_on_grpc_close"}`,
  covers: ["proxy_get_status"],
  plugins: [
    {
      guest: (w) => ({
        ...(isTold ? { proxy_on_grpc_close: w.log("closed") } : {}),
        proxy_on_request_headers: `${unary(w, { target: "\x0a\x06\x0a\x04nope" })} (i32.const 0)`,
        proxy_on_response_headers: `${w.show("status", w.call("proxy_get_status", 16, 0, 4))}
          ${w.show("code", "(i32.load (i32.const 16))")} ${w.show("size", "(i32.load (i32.const 4))")} (i32.const 0)`,
      }),
    },
  ],
  logs: ["status=0"],
}));

export const grpcCallouts: readonly Scenario[] = [
  ...unaryCalls,
  ...streams,
  ...refusals,
  ...targets,
  ...lives,
  withoutCallbacks,
  ...remembered,
];
