import type { Scenario } from "../scenario.ts";

const go = "(i32.const 0)";

export const headers: readonly Scenario[] = [
  {
    name: "headers: all of a request",
    plugins: [{ guest: (w) => ({ proxy_on_request_headers: `${w.logPairs(0)} ${go}` }) }],
    requests: [{ path: "/a?b", headers: { Host: "x.com", "X-B": ["1", "2"], te: "gzip" } }],
    logs: ["[x-b: 1][x-b: 2]"],
  },
];
