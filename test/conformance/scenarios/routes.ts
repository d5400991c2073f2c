import type { MockCluster, Redirect, Route, UpstreamResponse } from "@attache/harness";
import type { GuestWriter } from "../../../harness/testing/guest.ts";
import type { Scenario, ScenarioRequest } from "../scenario.ts";

/** Logs what the proxy made of the request. */
const plugin = {
  guest: (w: GuestWriter) => ({
    proxy_on_request_headers: "(i32.const 0)",
    proxy_on_response_headers: `${logged(w)} (i32.const 0)`,
    proxy_on_log: logged(w),
  }),
};

function logged(w: GuestWriter): string {
  const paths = [
    "response.code",
    "response.code_details",
    "response.flags",
    "upstream.request_attempt_count",
    "xds.cluster_name",
    "xds.route_name",
  ];
  return paths.map((path) => w.logProperty(path)).join(" ");
}

/** A filter that sets request headers. */
function setting(headers: Readonly<Record<string, string>>) {
  return {
    guest: (w: GuestWriter) => ({
      proxy_on_request_headers: `${Object.entries(headers)
        .map(([name, value]) => w.replace(0, name, value))
        .join(" ")} (i32.const 0)`,
    }),
  };
}

const redirects: readonly [what: string, redirect: Redirect, requests: readonly ScenarioRequest[]][] = [
  ["to nothing else", {}, [{}, { path: "/a/b?c=d" }]],
  [
    "to https",
    { httpsRedirect: true },
    [{ path: "/a?b" }, { headers: { host: "a:80" } }, { headers: { host: "a:8080" } }],
  ],
  ["to a scheme", { schemeRedirect: "ftp" }, [{ headers: { host: "[::1]:80" } }, { headers: { host: "[::1]" } }]],
  ["to a host", { hostRedirect: "other.example" }, [{ path: "/a?b", headers: { host: "a:80" } }]],
  ["to a port", { portRedirect: 8443 }, [{ headers: { host: "a:80" } }, { headers: { host: "a" } }]],
  ["to a path", { pathRedirect: "/new" }, [{ path: "/a?b" }, { path: "/a" }]],
  ["to a path with a query", { pathRedirect: "/new?x=y" }, [{ path: "/a?b" }]],
  ["to another prefix", { prefixRewrite: "/new/" }, [{ path: "/old/a?b" }, { path: "/old/" }]],
  ["without the query", { stripQuery: true }, [{ path: "/a?b" }]],
  ["to a path, without the query", { pathRedirect: "/new", stripQuery: true }, [{ path: "/a?b" }]],
  ["to a prefix, without the query", { prefixRewrite: "/", stripQuery: true }, [{ path: "/old/a?b" }]],
  ...([302, 303, 307, 308] as const).map((responseCode): [string, Redirect, ScenarioRequest[]] => [
    `as ${responseCode}`,
    { responseCode },
    [{}],
  ]),
  [
    "to all at once",
    { schemeRedirect: "https", hostRedirect: "b", portRedirect: 1, pathRedirect: "/c", responseCode: 308 },
    [{ method: "POST", body: "x" }, { method: "HEAD" }],
  ],
];

const redirecting = redirects.map(([what, redirect, requests]): Scenario => {
  const prefix = redirect.prefixRewrite === undefined ? "/" : "/old/";
  return {
    covers: ["routes: redirects"],
    name: `routes: a redirect ${what}`,
    plugins: [plugin],
    routes: [{ name: "away", match: { prefix }, redirect }],
    requests,
    statuses: requests.map(() => redirect.responseCode ?? 301),
  };
});

const weighted: readonly Scenario[] = [
  { weightedClusters: [{ name: "up", weight: 1 }] },
  {
    weightedClusters: [
      { name: "up", weight: 0 },
      { name: "second", weight: 7 },
    ],
  },
  {
    weightedClusters: [
      { name: "second", weight: 100 },
      { name: "up", weight: 0 },
    ],
  },
  { weightedClusters: [{ name: "missing", weight: 1 }] },
].map(({ weightedClusters }) => ({
  covers: ["routes: weighted clusters"],
  name: `routes: weights ${weightedClusters.map(({ name, weight }) => `${name} ${weight}`).join(", ")}`,
  plugins: [plugin],
  clusters: { up: () => ({ body: "first" }), second: () => ({ body: "second" }) },
  routes: [{ match: { prefix: "/" }, weightedClusters }],
}));

/** Answers in turn, the last one for ever. */
function inTurn(...answers: UpstreamResponse[]): () => MockCluster {
  return () => {
    let count = 0;
    return () => answers[Math.min(count++, answers.length - 1)]!;
  };
}

interface RetryCase {
  what: string;
  policy?: Route["retryPolicy"];
  headers?: Readonly<Record<string, string>>;
  up: () => MockCluster;
  requests?: readonly ScenarioRequest[];
  timeoutMs?: number;
}

const failing = (status: number) => inTurn({ status, body: "failed" }, { body: "at last" });
const post: ScenarioRequest = { method: "POST", body: ["one", "two"], trailers: { "x-end": "1" } };

const retryCases: readonly RetryCase[] = [
  { what: "without a policy", up: failing(503) },
  ...[500, 501, 502, 503, 504, 505, 409, 404, 429].flatMap((status) =>
    ["5xx", "gateway-error", "retriable-4xx", "reset"].map((retryOn) => ({
      what: `${status} with ${retryOn}`,
      policy: { retryOn },
      up: failing(status),
    })),
  ),
  { what: "503 with two words", policy: { retryOn: "reset, 5xx" }, up: failing(503) },
  {
    what: "a status that is listed",
    policy: { retryOn: "retriable-status-codes", retriableStatusCodes: [418] },
    up: failing(418),
  },
  {
    what: "a status that is not listed",
    policy: { retryOn: "retriable-status-codes", retriableStatusCodes: [418] },
    up: failing(503),
  },
  ...["5xx", "gateway-error", "reset", "connect-failure", "retriable-4xx"].map((retryOn) => ({
    what: `a reset with ${retryOn}`,
    policy: { retryOn },
    up: inTurn({ reset: true }, { body: "at last" }),
  })),
  { what: "a reset again and again", policy: { retryOn: "reset", numRetries: 2 }, up: inTurn({ reset: true }) },
  { what: "503 again and again", policy: { retryOn: "5xx", numRetries: 3 }, up: inTurn({ status: 503, body: "no" }) },
  { what: "503, never", policy: { retryOn: "5xx", numRetries: 0 }, up: failing(503) },
  {
    what: "503, then another failure",
    policy: { retryOn: "5xx", numRetries: 2 },
    up: inTurn({ status: 503 }, { status: 404, body: "none" }),
  },
  { what: "503 with a body and trailers", policy: { retryOn: "5xx" }, up: failing(503), requests: [post] },
  {
    what: "a response that breaks off",
    policy: { retryOn: "5xx,reset" },
    up: inTurn({ body: ["half"], reset: true }, { body: "at last" }),
  },
  {
    what: "503 that breaks off",
    policy: { retryOn: "5xx" },
    up: inTurn({ status: 503, body: ["half"], reset: true }, { body: "at last" }),
  },
  {
    what: "two requests",
    policy: { retryOn: "5xx" },
    up: inTurn({ status: 503 }, {}, { status: 503 }, {}),
    requests: [{}, {}],
  },
  { what: "503, said by a filter", headers: { "x-envoy-retry-on": "5xx" }, up: failing(503) },
  { what: "nothing known, said by a filter", headers: { "x-envoy-retry-on": "nonsense" }, up: failing(503) },
  {
    what: "503, said by a filter with a number",
    headers: { "x-envoy-retry-on": "5xx", "x-envoy-max-retries": "2" },
    up: inTurn({ status: 503 }, { status: 503 }, {}),
  },
  { what: "503, a filter's number without a word", headers: { "x-envoy-max-retries": "2" }, up: failing(503) },
  {
    what: "503, a filter's number that is none",
    headers: { "x-envoy-retry-on": "5xx", "x-envoy-max-retries": "many" },
    up: failing(503),
  },
  {
    what: "a filter's statuses",
    headers: { "x-envoy-retry-on": "retriable-status-codes", "x-envoy-retriable-status-codes": "418, 419" },
    up: failing(419),
  },
  {
    what: "a filter's number beside a policy",
    policy: { retryOn: "5xx", numRetries: 1 },
    headers: { "x-envoy-max-retries": "3" },
    up: inTurn({ status: 503 }, { status: 503 }, { status: 503 }, {}),
  },
  {
    what: "a filter's word beside a policy",
    policy: { retryOn: "reset" },
    headers: { "x-envoy-retry-on": "5xx" },
    up: failing(503),
  },
  { what: "a gRPC status", policy: { retryOn: "unavailable" }, up: inTurn({ headers: { "grpc-status": "14" } }, {}) },
  {
    what: "a gRPC status, said by a filter",
    headers: { "x-envoy-retry-grpc-on": "cancelled" },
    up: inTurn({ headers: { "grpc-status": "1" } }, {}),
  },
  {
    what: "a slow attempt",
    policy: { retryOn: "5xx", perTryTimeoutMs: 60 },
    up: inTurn({ delayMs: 5000 }, { body: "at last" }),
  },
  { what: "slow attempts", policy: { retryOn: "5xx", perTryTimeoutMs: 60 }, up: inTurn({ delayMs: 5000 }) },
  {
    what: "a slow attempt without a word for it",
    policy: { retryOn: "retriable-4xx", perTryTimeoutMs: 60 },
    up: inTurn({ delayMs: 5000 }),
  },
  {
    what: "a slow attempt, said by a filter",
    headers: { "x-envoy-retry-on": "reset", "x-envoy-upstream-rq-per-try-timeout-ms": "60" },
    up: inTurn({ delayMs: 5000 }, {}),
  },
  {
    what: "a slow attempt for ever",
    headers: { "x-envoy-upstream-rq-per-try-timeout-ms": "60" },
    up: inTurn({ delayMs: 5000 }),
  },
  {
    what: "within a timeout that is shorter than an attempt's",
    policy: { retryOn: "5xx", perTryTimeoutMs: 300 },
    timeoutMs: 60,
    up: inTurn({ delayMs: 5000 }),
  },
  {
    what: "until the time is over",
    policy: { retryOn: "5xx", numRetries: 9, perTryTimeoutMs: 50 },
    timeoutMs: 120,
    up: inTurn({ delayMs: 5000 }),
  },
  {
    what: "with a wait that is given",
    policy: { retryOn: "5xx", backOff: { baseIntervalMs: 1, maxIntervalMs: 2 } },
    up: failing(503),
  },
];

/** Clusters count their answers, so each run begins with new ones. */
const retrying = retryCases.map(({ what, policy, headers, up, requests, timeoutMs = 0 }): Scenario => ({
  covers: ["routes: retries"],
  name: `routes: retries: ${what}`,
  plugins: [plugin, ...(headers === undefined ? [] : [setting(headers)])],
  get clusters() {
    return { up: up() };
  },
  routes: [
    {
      name: "again",
      match: { prefix: "/" },
      cluster: "up",
      timeoutMs,
      ...(policy === undefined ? {} : { retryPolicy: policy }),
    },
  ],
  ...(requests === undefined ? {} : { requests }),
  advanceMs: 2000,
}));

const timeouts: readonly Scenario[] = [
  { what: "of a route", timeoutMs: 60, headers: {} },
  { what: "of a filter", timeoutMs: 5000, headers: { "x-envoy-upstream-rq-timeout-ms": "60" } },
  { what: "of a filter, that is none", timeoutMs: 60, headers: { "x-envoy-upstream-rq-timeout-ms": "soon" } },
  { what: "of an attempt alone", timeoutMs: 0, headers: { "x-envoy-upstream-rq-per-try-timeout-ms": "60" } },
].map(({ what, timeoutMs, headers }) => ({
  covers: ["routes: timeouts"],
  name: `routes: a timeout ${what}`,
  plugins: [plugin, setting(headers)],
  clusters: { up: () => ({ delayMs: 3000 }) },
  routes: [{ match: { prefix: "/" }, cluster: "up", timeoutMs }],
  advanceMs: 200,
  statuses: [504],
}));

/** Upstreams are told which attempt it is, whatever else the request says. */
const counted = [{}, { "x-envoy-attempt-count": "7" }].flatMap((headers): Scenario[] => [
  {
    name: `routes: attempts are counted: ${JSON.stringify(headers)}`,
    plugins: [plugin, setting(headers)],
    includeRequestAttemptCount: true,
    get clusters() {
      return { up: failing(503)() };
    },
    routes: [{ match: { prefix: "/" }, cluster: "up", timeoutMs: 0, retryPolicy: { retryOn: "5xx" } }],
    requests: [{ headers: { "x-envoy-attempt-count": "5" } }],
    advanceMs: 1000,
  },
]);

export const routes: readonly Scenario[] = [...redirecting, ...weighted, ...timeouts, ...counted, ...retrying];
