import type { MockCluster } from "@attache/harness";
import type { GuestWriter } from "../../../harness/testing/guest.ts";
import type { Scenario } from "../scenario.ts";
import { fullClusters } from "./callbacks.ts";

const gone: Scenario[] = [
  ["the request is held", { proxy_on_request_headers: 1 }],
  ["the request's body is held", { proxy_on_request_body: 1 }],
  ["the response is held", { proxy_on_response_headers: 1 }],
  ["the response's body is held", { proxy_on_response_body: 1 }],
].map(([what, held]) => ({
  name: `ends: the client goes while ${what as string}`,
  covers: ["end of stream: the client is gone"],
  plugins: [
    {
      guest: (w: GuestWriter) => ({
        ...Object.fromEntries(
          Object.entries(held as Record<string, number>).map(([callback, status]) => [
            callback,
            `${w.log("held")} (i32.const ${status})`,
          ]),
        ),
        proxy_on_log: `${w.logProperty("response.code_details")} ${w.logProperty("response.flags")} ${w.logProperty("response.code")} ${w.log("log")}`,
        proxy_on_done: `${w.log("done")} (i32.const 1)`,
        proxy_on_delete: w.log("delete"),
      }),
    },
  ],
  clusters: fullClusters,
  requests: [{ method: "POST", body: "question", abortAtLog: "held" }],
  logs: ["delete"],
}));

const upstreamGone: Scenario[] = [
  ["at once", () => ({ reset: true })],
  ["after headers", () => ({ headers: { "content-length": "10" }, body: "half", reset: true })],
  ["in a chunked body", () => ({ headers: { "transfer-encoding": "chunked" }, body: "half", reset: true })],
].map(([what, up]) => ({
  name: `ends: the upstream breaks off ${what as string}`,
  covers: ["end of stream: the upstream is gone"],
  plugins: [
    {
      guest: (w: GuestWriter) => ({
        proxy_on_response_headers: `${w.logPairs(2)} (i32.const 0)`,
        proxy_on_response_body: `${w.logBuffer(1)} (i32.const 0)`,
        proxy_on_log: `${w.logProperty("response.code_details")} ${w.logProperty("response.flags")} ${w.log("log")}`,
        proxy_on_delete: w.log("delete"),
      }),
    },
  ],
  clusters: { up: up as MockCluster },
  logs: ["delete"],
}));

export const ends: readonly Scenario[] = [...gone, ...upstreamGone];
