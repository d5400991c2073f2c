import type { GuestWriter } from "../../../harness/testing/guest.ts";
import { encodePairs } from "../../../harness/wasm/pairs.ts";
import type { Scenario } from "../scenario.ts";
import { fullClusters, fullRequest, goOn, only, shortName, whenRequested } from "./callbacks.ts";

const twoRoutes: Partial<Scenario> = {
  clusters: { one: () => ({ body: "one" }), two: () => ({ body: "two" }) },
  routes: [
    { name: "to-two", match: { prefix: "/", headers: [{ name: "x-to", exact: "two" }] }, cluster: "two" },
    { name: "by-path", match: { prefix: "/two" }, cluster: "two" },
    { name: "to-one", match: { prefix: "/" }, cluster: "one" },
  ],
};

/** What a filter does to a request before the router, and where it goes then. */
const rerouting: [what: string, act: (w: GuestWriter) => string][] = [
  ["adds the header of another route", (w) => w.add(0, "x-to", "two")],
  ["replaces the path", (w) => w.replace(0, ":path", "/two/x")],
  ["removes the header", (w) => w.remove(0, "x-to")],
  [
    "sets all headers",
    (w) =>
      `(drop ${w.call("proxy_set_header_map_pairs", 0, [encodePairs([":method", "GET", ":path", "/two", ":authority", "a", ":scheme", "http", "x-forwarded-proto", "http"])])})`,
  ],
  ["only looks at the route", (w) => w.logProperty("xds.route_name")],
  [
    "looks, changes, looks",
    (w) =>
      `${w.logProperty("xds.route_name")} ${w.logProperty("xds.cluster_name")} ${w.add(0, "x-to", "two")} ${w.logProperty("xds.route_name")} ${w.logProperty("xds.cluster_name")}`,
  ],
  ["changes another header", (w) => w.add(0, "x-other", "1")],
  ["drops the scheme's header", (w) => w.remove(0, "x-forwarded-proto")],
];

const routeCache: Scenario[] = rerouting.flatMap(([what, act]) =>
  [{}, { headers: { "x-to": "two" } }].map((request) => ({
    name: `http: a filter ${what}${"headers" in request ? ", of a request to the other" : ""}`,
    covers: ["route cache"],
    plugins: [
      { guest: only("proxy_on_request_headers", act) },
      { name: "next", guest: only("proxy_on_request_headers", (w) => w.logProperty("xds.route_name")) },
    ],
    ...twoRoutes,
    requests: [request],
  })),
);

const late: Scenario = {
  name: "http: a route is not chosen anew once the router has it",
  covers: ["route cache"],
  plugins: [
    {
      guest: only(
        "proxy_on_response_headers",
        (w) => `${w.add(0, "x-to", "two")}
        (drop ${w.call("proxy_call_foreign_function", ["clear_route_cache"], [""], 0, 0)}) ${w.logProperty("xds.route_name")}`,
      ),
    },
  ],
  ...twoRoutes,
};

const creators: [what: string, call: (w: GuestWriter, map: number) => string][] = [
  ["adding", (w, map) => w.show("add", w.call("proxy_add_header_map_value", map, ["x-created"], ["1"]))],
  ["replacing", (w, map) => w.show("replace", w.call("proxy_replace_header_map_value", map, ["x-created"], ["1"]))],
  ["removing", (w, map) => w.show("remove", w.call("proxy_remove_header_map_value", map, ["nope"]))],
  ["asking for the size", (w, map) => w.show("size", w.call("proxy_get_header_map_size", map, 0))],
  ["reading", (w, map) => w.logValue(map, "nope") + w.logPairs(map)],
  [
    "setting all",
    (w, map) => w.show("set", w.call("proxy_set_header_map_pairs", map, [encodePairs(["x-created", "1"])])),
  ],
];

const createdTrailers: Scenario[] = creators.flatMap(([what, call]) =>
  (["request", "response"] as const).map((side, i) => ({
    name: `http: ${side} trailers, ${what} at the end of a body`,
    covers: ["trailers: created"],
    plugins: [
      {
        guest: (w: GuestWriter) => ({
          [`proxy_on_${side}_body`]: `${w.show("end", "(local.get $end_of_stream)")} ${call(w, 2 * i + 1)} (i32.const 0)`,
          [`proxy_on_${side}_trailers`]: `${w.log("own trailers")} (i32.const 0)`,
        }),
      },
      {
        name: "next",
        guest: (w: GuestWriter) => ({ [`proxy_on_${side}_trailers`]: `${w.logPairs(2 * i + 1)} (i32.const 0)` }),
      },
    ],
    clusters: { up: () => ({ headers: { "transfer-encoding": "chunked" }, body: "answer" }) },
    requests: [{ method: "POST", headers: { "transfer-encoding": "chunked" }, body: "question" }],
  })),
);

/** Trailers that no client can read, behind bodies with which they are sent and others. */
const unreadableTrailers: Scenario[] = [":path", ""].flatMap((name) =>
  (["sent in chunks", "with content-length", "of a local reply"] as const).map((body) => ({
    name: `http: a response trailer named ${JSON.stringify(name)}, behind a body ${body}`,
    covers: ["trailers: created"],
    plugins: [
      {
        guest: (w: GuestWriter) => ({
          proxy_on_request_body: `${body === "of a local reply" ? w.reply(503, { body: "reply" }) : ""} (i32.const 0)`,
          proxy_on_response_body: `
            (if (local.get $end_of_stream) (then ${w.show("add", w.call("proxy_add_header_map_value", 3, [name], ["1"]))}))
            (i32.const 0)`,
        }),
      },
    ],
    clusters: {
      up: () => ({
        headers: body === "sent in chunks" ? { "transfer-encoding": "chunked" } : { "content-length": "6" },
        body: "answer",
      }),
    },
    requests: [{ method: "POST", headers: { "transfer-encoding": "chunked" }, body: "question" }],
  })),
);

/** A client that cannot read a response goes, and a stream whose rest is held ends with that. */
const unreadableHeaders: Scenario[] = ["the body", "nothing"].map((held) => ({
  name: `http: a response header without a name, and ${held} held`,
  covers: ["data statuses"],
  plugins: [
    {
      guest: (w: GuestWriter) => ({
        proxy_on_response_headers: `${w.show("add", w.call("proxy_add_header_map_value", 2, [""], ["1"]))} (i32.const 0)`,
        proxy_on_response_body: `(i32.const ${held === "nothing" ? 0 : 1})`,
        proxy_on_log: `${w.logProperty("response.code_details")} ${w.logProperty("response.flags")}`,
      }),
    },
  ],
  clusters: { up: () => ({ body: "answer" }) },
}));

const request = "proxy_on_request_headers";
const response = "proxy_on_response_headers";

const replies: Scenario[] = [
  ["twice", (w: GuestWriter) => `${w.reply(403, { body: "one" })} ${w.reply(404, { body: "two" })} (i32.const 0)`],
  [
    "and continues",
    (w: GuestWriter) =>
      `${w.reply(403, { body: "no" })} ${w.show("continue", w.call("proxy_continue_stream", 0))} (i32.const 0)`,
  ],
  [
    "and closes",
    (w: GuestWriter) =>
      `${w.reply(403, { body: "no" })} ${w.show("close", w.call("proxy_close_stream", 0))} (i32.const 0)`,
  ],
  [
    "after closing",
    (w: GuestWriter) =>
      `${w.show("close", w.call("proxy_close_stream", 0))} ${w.reply(403, { body: "no" })} (i32.const 0)`,
  ],
  ["and holds", (w: GuestWriter) => `${w.reply(403, { body: "no" })} (i32.const 1)`],
  [
    "with a content-length of its own",
    (w: GuestWriter) =>
      `${w.reply(200, { headers: { "content-length": "99", "content-type": "text/css" } })} (i32.const 0)`,
  ],
  [
    "with a content-type of its own",
    (w: GuestWriter) =>
      `${w.reply(200, { body: "{}", headers: { "content-type": "application/json" } })} (i32.const 0)`,
  ],
  [
    "with details of many words",
    (w: GuestWriter) => `${w.reply(418, { details: " a  detail\twith\nspace " })} (i32.const 0)`,
  ],
  ["with a long body", (w: GuestWriter) => `${w.reply(200, { body: "long ".repeat(1000) })} (i32.const 0)`],
  [
    "with headers that repeat",
    (w: GuestWriter) =>
      `(drop (call $proxy_send_local_response (i32.const 200) ${w.text("")} ${w.text("")} ${w.pairs([
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
        ["X-Upper", "1"],
        ["x-upper", "2"],
      ])} (i32.const -1))) (i32.const 0)`,
  ],
  [
    "with pairs that are none",
    (w: GuestWriter) =>
      `(drop (call $proxy_send_local_response (i32.const 200) ${w.text("")} ${w.text("b")} ${w.text("bad")} (i32.const -1))) (i32.const 0)`,
  ],
  [
    "with pointers into nowhere",
    (
      w: GuestWriter,
    ) => `${w.show("details", "(call $proxy_send_local_response (i32.const 200) (i32.const -1) (i32.const 9) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1))")}
    ${w.show("body", "(call $proxy_send_local_response (i32.const 200) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 9) (i32.const 0) (i32.const 0) (i32.const -1))")}
    ${w.show("headers", "(call $proxy_send_local_response (i32.const 200) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 9) (i32.const -1))")} (i32.const 0)`,
  ],
].flatMap(([what, act]) =>
  // More than one end of a response crashes Envoy.
  (["twice", "and closes", "after closing"].includes(what as string) ? [request] : [request, response]).map(
    (callback): Scenario => ({
      name: `http: a local reply in ${shortName(callback)} ${what as string}`,
      covers: ["local replies: composition", "local replies: once"],
      plugins: [
        {
          guest: (w) => ({
            [callback]: (act as (w: GuestWriter) => string)(w),
            proxy_on_log: `${w.logProperty("response.code_details")} ${w.logPairs(2)}`,
          }),
        },
      ],
      clusters: fullClusters,
    }),
  ),
);

/** A reply is itself passed to the filters that saw the request, the one that made it too. */
const replyCallbacks: Scenario[] = [
  {
    name: "http: which filters see a local reply",
    covers: ["local replies: which filters see them"],
    plugins: ["first", "second", "third"].map((name) => ({
      name,
      guest: (w: GuestWriter) => ({
        proxy_on_request_headers: `${w.log(`${name} request`)} ${name === "second" ? w.reply(403, { body: "no" }) : ""} (i32.const 0)`,
        proxy_on_response_headers: `${w.log(`${name} response`)} ${w.show("end", "(local.get 2)")} ${w.logValue(2, ":status")} ${w.add(2, `x-${name}`, "1")} (i32.const 0)`,
        proxy_on_response_body: `${w.log(`${name} body`)} ${w.show("end", "(local.get 2)")} (i32.const 0)`,
        proxy_on_log: w.log(`${name} log`),
      }),
    })),
    statuses: [403],
  },
  {
    name: "http: the proxy's own reply passes the filters",
    covers: ["local replies: the proxy's own"],
    plugins: [
      {
        guest: (w) => ({
          proxy_on_response_headers: `${w.logPairs(2)} ${w.logProperty("response.code_details")} (i32.const 0)`,
          proxy_on_response_body: `${w.logBuffer(1)} (i32.const 0)`,
        }),
      },
    ],
    clusters: { up: { hosts: [] } },
    routes: [{ match: { prefix: "/" }, cluster: "up" }],
    statuses: [503],
  },
  {
    name: "http: a local reply that a filter holds",
    covers: ["local replies: held"],
    plugins: [
      {
        guest: (w) => ({
          proxy_on_request_headers: `${w.reply(403, { body: "no" })} (i32.const 0)`,
          proxy_on_response_headers: `${w.log("held")} (i32.const 1)`,
        }),
      },
    ],
    statuses: ["none"],
  },
  whenRequested("http: no route", ["local replies: the proxy's own"], (w) => w.logProperty("xds.route_name"), {
    clusters: { up: () => ({}) },
    routes: [{ match: { path: "/only" }, cluster: "up" }],
    statuses: [404],
  }),
  ...[
    { match: { prefix: "/" }, directResponse: { status: 204 } },
    { match: { prefix: "/" }, directResponse: { status: 200, body: "direct" } },
    { match: { prefix: "/" }, clusterHeader: "x-cluster" },
  ].map((route, i): Scenario => ({
    name: `http: a route that is not to a cluster by name (${i})`,
    covers: ["routes"],
    plugins: [
      {
        guest: (w) => ({
          proxy_on_request_headers: `${w.add(0, "x-cluster", "up")} (i32.const 0)`,
          proxy_on_response_headers: `${w.logPairs(2)} ${w.logProperty("xds.cluster_name")} (i32.const 0)`,
        }),
      },
    ],
    clusters: { up: () => ({ body: "up" }) },
    routes: [route],
  })),
];

const callbackArguments: Scenario[] = [
  {
    name: "http: what each callback is told",
    covers: ["callbacks: arguments"],
    plugins: [
      {
        guest: (w) =>
          Object.fromEntries(
            [
              "request_headers",
              "request_body",
              "request_trailers",
              "response_headers",
              "response_body",
              "response_trailers",
            ].map((name) => [
              `proxy_on_${name}`,
              `${w.show(`${name} context`, "(local.get 0)")} ${w.show("size", "(local.get 1)")}
               ${name.endsWith("trailers") ? "" : w.show("end", "(local.get 2)")} (i32.const 0)`,
            ]),
          ),
      },
    ],
    clusters: fullClusters,
    requests: [fullRequest, {}, { method: "HEAD" }, { method: "POST", headers: { "content-length": "0" } }],
  },
  {
    name: "http: an upstream's 100-continue is not shown",
    covers: ["callbacks: 1xx"],
    plugins: [{ guest: (w) => ({ proxy_on_response_headers: `${w.logValue(2, ":status")} ${goOn("headers")}` }) }],
    requests: [{ method: "POST", headers: { expect: "100-continue" }, body: "question" }],
  },
];

export const http: readonly Scenario[] = [
  ...routeCache,
  late,
  ...createdTrailers,
  ...unreadableTrailers,
  ...unreadableHeaders,
  ...replies,
  ...replyCallbacks,
  ...callbackArguments,
];
