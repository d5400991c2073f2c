import type { GuestWriter } from "../../../harness/testing/guest.ts";
import type { Scenario } from "../scenario.ts";
import { fullClusters, fullRequest, goOn, only, shortName, streamCallbacks } from "./callbacks.ts";

const sides = ["request", "response"] as const;

/** Every status a headers callback can return, with and without a body behind, read by both settings. */
const headersStatuses: Scenario[] = sides.flatMap((side) =>
  [0, 1, 2, 3, 4, 5].flatMap((status) =>
    [true, false].flatMap((hasBody) =>
      [true, false].map((allows) => ({
        name: `flow: ${side} headers return ${status}${hasBody ? " with a body" : ""}${allows ? ", StopIteration allowed" : ""}`,
        covers: ["headers statuses"],
        plugins: [
          {
            allowOnHeadersStopIteration: allows,
            guest: (w: GuestWriter) => ({
              [`proxy_on_${side}_headers`]: `${w.log("headers")} (i32.const ${status})`,
              [`proxy_on_${side}_body`]: `${w.log("body")} ${w.logBuffer(side === "request" ? 0 : 1)} (i32.const 0)`,
              proxy_on_log: w.log("end"),
            }),
          },
        ],
        ...(hasBody ? { clusters: fullClusters, requests: [fullRequest] } : {}),
        logs: ["headers"],
      })),
    ),
  ),
);

const dataStatuses: Scenario[] = sides.flatMap((side) =>
  [0, 1, 2, 3, 4].flatMap((status) =>
    ["body", "trailers"].map((part) => ({
      name: `flow: ${side} ${part} returns ${status}`,
      covers: ["data statuses", "trailers statuses"],
      plugins: [
        {
          guest: (w: GuestWriter) => ({
            [`proxy_on_${side}_body`]: `${w.logBuffer(side === "request" ? 0 : 1)} (i32.const ${part === "body" ? status : 0})`,
            [`proxy_on_${side}_trailers`]: `${w.log("trailers")} (i32.const ${part === "trailers" ? status : 0})`,
            proxy_on_log: w.log("end"),
          }),
        },
        { name: "next", guest: only(`proxy_on_${side}_body`, (w) => w.log("next")) },
      ],
      clusters: fullClusters,
      requests: [fullRequest],
      logs: ["body="],
    })),
  ),
);

/** A stream that is held and let go by a later callback of the same filter. */
const heldAndContinued: Scenario[] = sides.flatMap((side) =>
  (
    [
      ["headers", 1, "body"],
      ["headers", 1, "trailers"],
      ["headers", 3, "body"],
      ["body", 1, "trailers"],
      ["body", 3, "trailers"],
    ] as const
  ).map(([first, status, then]) => ({
    name: `flow: ${side} ${first} return ${status}, ${then} continue`,
    covers: ["continue"],
    plugins: [
      {
        guest: (w: GuestWriter) => ({
          [`proxy_on_${side}_${first}`]: `${w.log(`${first} stop`)} (i32.const ${status})`,
          [`proxy_on_${side}_${then}`]: `${w.log(`${then} go on`)}
            ${w.show("continue", w.call("proxy_continue_stream", side === "request" ? 0 : 1))} (i32.const 1)`,
        }),
      },
      {
        name: "next",
        guest: (w: GuestWriter) => ({
          [`proxy_on_${side}_headers`]: `${w.log("next headers")} (i32.const 0)`,
          [`proxy_on_${side}_body`]: `${w.logBuffer(side === "request" ? 0 : 1)} (i32.const 0)`,
        }),
      },
    ],
    clusters: fullClusters,
    requests: [fullRequest],
    logs: [`${first} stop`],
  })),
);

/** Local replies and resets from every callback that may make them. */
const interruptions: Scenario[] = streamCallbacks
  .filter((callback) => /headers|body|trailers/.test(callback))
  .flatMap((callback) => [
    ...[
      {
        name: "a local reply",
        call: (w: GuestWriter) => w.reply(403, { body: "no", headers: { "x-local": "1" }, details: "why not" }),
      },
      { name: "a local reply without a body", call: (w: GuestWriter) => w.reply(429) },
      {
        name: "a local reply with a gRPC status",
        call: (w: GuestWriter) => w.reply(503, { body: "gone", grpcStatus: 14 }),
      },
    ].map(({ name, call }): Scenario => ({
      name: `flow: ${name} in ${shortName(callback)}`,
      covers: ["local replies"],
      plugins: [
        {
          guest: (w: GuestWriter) => ({
            [callback]: `${call(w)} (i32.const 0)`,
            proxy_on_log: `${w.logValue(2, ":status")} ${w.logProperty("response.code_details")} ${w.logProperty("response.flags")}`,
          }),
        },
        {
          name: "other",
          guest: (w: GuestWriter) => ({
            proxy_on_response_headers: `${w.logPairs(2)} (i32.const 0)`,
            proxy_on_response_body: `${w.logBuffer(1)} (i32.const 0)`,
          }),
        },
      ],
      clusters: fullClusters,
      requests: [fullRequest],
    })),
    ...[0, 1].map((stream): Scenario => ({
      name: `flow: close_stream(${stream}) in ${shortName(callback)}`,
      covers: ["close_stream"],
      plugins: [
        {
          guest: (w: GuestWriter) => ({
            [callback]: `${w.show("close", w.call("proxy_close_stream", stream))} ${afterClose(callback)}`,
            proxy_on_log: `${w.logProperty("response.code_details")} ${w.log("end")}`,
          }),
        },
      ],
      clusters: fullClusters,
      requests: [fullRequest],
      logs: ["close=0"],
    })),
  ]);

/** Response trailers that go on then crash Envoy. */
function afterClose(callback: string): string {
  return callback === "proxy_on_response_trailers" ? "(i32.const 1)" : "(i32.const 0)";
}

const grpcReplies: Scenario[] = [0, 5, 16, 17, -1].map((grpcStatus) => ({
  name: `flow: a local reply with gRPC status ${grpcStatus} to a gRPC request`,
  covers: ["local replies"],
  plugins: [
    { guest: only("proxy_on_request_headers", (w) => w.reply(403, { body: "no entry", details: "x", grpcStatus })) },
  ],
  requests: [
    { method: "POST", headers: { "content-type": "application/grpc", "transfer-encoding": "chunked" }, body: "" },
  ],
}));

const likeGrpc: Scenario = {
  name: "flow: a local reply to requests with types like that of gRPC",
  covers: ["local replies"],
  plugins: [{ guest: only("proxy_on_request_headers", (w) => w.reply(403, { body: "no entry" })) }],
  requests: ["+proto", ";charset=utf-8", " ; v=1", "-web", "x"].map((end) => ({
    headers: { "content-type": `application/grpc${end}` },
  })),
  statuses: [200, 403, 403, 403, 403],
};

const statuses: Scenario[] = [200, 204, 302, 304, 418, 599].map((code) => ({
  name: `flow: a local reply ${code} to GET and HEAD`,
  covers: ["local replies"],
  plugins: [
    {
      guest: only("proxy_on_request_headers", (w) =>
        w.reply(code, code === 204 || code === 304 ? {} : { body: "text" }),
      ),
    },
  ],
  requests: [{}, { method: "HEAD" }],
  statuses: [code, code],
}));

const traps: Scenario[] = [...streamCallbacks, "proxy_on_configure" as const, "proxy_on_vm_start" as const].flatMap(
  (callback) =>
    (["closed", "open", "reload"] as const).map((failurePolicy) => ({
      name: `flow: a trap in ${shortName(callback)}, failing ${failurePolicy}`,
      covers: ["failure policies"],
      plugins: [
        {
          name: "trapping",
          failurePolicy,
          guest: (w: GuestWriter) => ({ [callback]: `${w.log("before")} unreachable` }),
        },
        { name: "other", guest: only("proxy_on_response_headers", (w) => w.logPairs(2)) },
      ],
      clusters: fullClusters,
      requests: [fullRequest, {}],
    })),
);

/** A trap at the bottom of calls, each of its own function, and one at the bottom of a recursion. */
const backtraces: Scenario[] = [
  ...[8, 9, 40, 49, 50, 120].map((depth): Scenario => ({
    name: `flow: a trap below ${depth} calls`,
    covers: ["traps"],
    plugins: [
      {
        guest: only("proxy_on_request_headers", () => "(call $f0)"),
        wat: Array.from(
          { length: depth },
          (_, i) => `(func $f${i} ${i + 1 === depth ? "unreachable" : `(call $f${i + 1})`})`,
        ).join("\n"),
      },
    ],
  })),
  ...["_ZN3app3runE", "_ZN3appE", "_ZN9app3runE", "_ZNE", "_Z", "_RNvC3app3run"].map((symbol): Scenario => ({
    name: `flow: a trap in a function called ${symbol}`,
    covers: ["traps"],
    plugins: [
      { guest: only("proxy_on_request_headers", () => `(call $${symbol})`), wat: `(func $${symbol} unreachable)` },
    ],
  })),
  {
    name: "flow: a recursion without end",
    covers: ["traps"],
    plugins: [{ guest: only("proxy_on_request_headers", () => "(call $again)"), wat: "(func $again (call $again))" }],
  },
];

const refusals: Scenario[] = ["proxy_on_vm_start", "proxy_on_configure"].map((callback) => ({
  name: `flow: ${shortName(callback)} answers 0`,
  covers: ["refused configurations"],
  plugins: [{ name: "refusing", guest: (w: GuestWriter) => ({ [callback]: `${w.log("no")} (i32.const 0)` }) }],
  logs: ["no"],
}));

const endings: Scenario[] = [
  {
    name: "flow: log, done and delete of a chain",
    covers: ["end of stream"],
    plugins: ["one", "two"].map((name) => ({
      name,
      guest: (w: GuestWriter) => ({
        proxy_on_log: w.log(`${name} log`),
        proxy_on_done: `${w.log(`${name} done`)} ${goOn("proxy_on_done")}`,
        proxy_on_delete: w.log(`${name} delete`),
      }),
    })),
    logs: ["one log", "two delete"],
  },
  {
    name: "flow: a stream whose done answers 0",
    covers: ["end of stream"],
    plugins: [
      {
        guest: (w: GuestWriter) => ({
          proxy_on_done: `${w.log("done")} (i32.const 0)`,
          proxy_on_log: `${w.log("log")} ${w.show("proxy_done", w.call("proxy_done"))}`,
          proxy_on_delete: w.log("delete"),
        }),
      },
    ],
    logs: ["done"],
  },
];

export const flow: readonly Scenario[] = [
  ...headersStatuses,
  ...dataStatuses,
  ...heldAndContinued,
  ...interruptions,
  ...grpcReplies,
  likeGrpc,
  ...statuses,
  ...traps,
  ...backtraces,
  ...refusals,
  ...endings,
];
