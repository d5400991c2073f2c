import type { GuestWriter } from "../../../harness/testing/guest.ts";
import type { Scenario, ScenarioRequest } from "../scenario.ts";
import { fullRequest, only } from "./callbacks.ts";

const chunked = { "transfer-encoding": "chunked" };
const post: ScenarioRequest = { method: "POST", headers: chunked, body: "question" };

/** Acts on requests with a body only, and tells what is seen afterwards. */
function withBody(act: (w: GuestWriter) => string) {
  return (w: GuestWriter) => ({
    proxy_on_request_headers: `(if (i32.eqz (local.get $end_of_stream)) (then ${act(w)})) (i32.const 0)`,
    proxy_on_request_body: `${w.show("body", "(local.get $body_size)")} (i32.const 0)`,
    proxy_on_request_trailers: `${w.log("trailers")} (i32.const 0)`,
    proxy_on_response_headers: `${w.logPairs(2)} (i32.const 0)`,
  });
}

/** How a request reaches its upstream: over a new or an idle connection, and what is not well-formed on the wire. */
export const upstreamScenarios: readonly Scenario[] = [
  ...[
    { what: "without :method", act: (w: GuestWriter) => w.call("proxy_remove_header_map_value", 0, [":method"]) },
    {
      what: "with CR in a header",
      act: (w: GuestWriter) => w.call("proxy_add_header_map_value", 0, ["x-a"], ["a\rb"]),
    },
    {
      what: "with another control character in a header",
      act: (w: GuestWriter) => w.call("proxy_add_header_map_value", 0, ["x-a"], ["a\tb\x7f"]),
    },
  ].flatMap(({ what, act }) =>
    [
      { connection: "a new", first: [] },
      { connection: "an idle", first: [{}] },
    ].map(({ connection, first }): Scenario => ({
      name: `upstream: a request ${what} is refused when it is written, over ${connection} connection`,
      covers: ["upstream: connections"],
      plugins: [{ guest: withBody((w) => w.show("change", act(w))) }],
      requests: [...first, post, post, { ...fullRequest, path: "/" }],
      logs: ["change=0"],
    })),
  ),
  ...[
    { what: "an unknown method", act: (w: GuestWriter) => w.replace(0, ":method", "NOPE") },
    { what: "a path that is none", act: (w: GuestWriter) => w.replace(0, ":path", "nope") },
    { what: "a header without a name", act: (w: GuestWriter) => w.add(0, "", "1") },
  ].flatMap(({ what, act }) =>
    [0, 1].map((status): Scenario => ({
      name: `upstream: refuses ${what} before it has the body, which is ${status === 0 ? "sent" : "held"}`,
      covers: ["upstream: early responses"],
      plugins: [
        { guest: withBody(act) },
        { guest: only("proxy_on_request_body", () => `(return (i32.const ${status}))`) },
      ],
      requests: [post, {}, post],
    })),
  ),
  ...[
    { what: "trailers", callback: "proxy_on_request_trailers", request: fullRequest },
    { what: "the end of the body", callback: "proxy_on_request_body", request: post },
  ].map(({ what, callback, request }): Scenario => ({
    name: `upstream: refuses what is sent twice over an idle connection: ${what}`,
    covers: ["upstream: connections"],
    plugins: [
      {
        guest: (w) => ({
          proxy_on_request_body: `(i32.const 1)`,
          [callback]: `(if ${callback.endsWith("body") ? "(local.get $end_of_stream)" : "(i32.const 1)"} (then
            ${w.show("continue", w.call("proxy_continue_stream", 0))} (return (i32.const 0)))) (i32.const 1)`,
          proxy_on_response_headers: `${w.logPairs(2)} (i32.const 0)`,
        }),
      },
    ],
    requests: [request, request, request],
    logs: ["continue=0"],
  })),
];
