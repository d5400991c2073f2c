import type { GrpcCluster, MockCluster } from "@attache/harness";
import { rustGuest } from "../rust/guests.ts";
import type { Scenario, ScenarioRequest } from "../scenario.ts";
import { fullClusters, fullRequest } from "./callbacks.ts";

/** Guests written with the Rust SDK, so that no one SDK's habits hide a difference. Their modules must be built. */
export function rustScenarios(): Scenario[] {
  return [
    rust("headers", {
      clusters: fullClusters,
      requests: [
        { ...fullRequest, headers: { "x-raw": "\xc3\xa9", "x-removed": "1", "transfer-encoding": "chunked" } },
        { headers: { "x-deny": "1" } },
        { method: "HEAD" },
      ],
      statuses: [201, 201, 201],
      logs: ['Some("/path?query=1")', "log "],
    }),
    rust("body", {
      plugins: [{ guest: rustGuest("body"), allowOnHeadersStopIteration: true }],
      clusters: { up: (request) => ({ body: `got ${request.text()}` }) },
      requests: [{ method: "POST", body: "question" }, {}, { method: "POST", body: "q".repeat(100_000) }],
      logs: ["question"],
    }),
    ...["authz", "unhappy", "broken", "slow", "empty"].map((cluster) =>
      rust("callout", {
        title: `callout to ${cluster}`,
        clusters: { ...calloutClusters, empty: { hosts: [] } },
        requests: [{ headers: { "x-ask": cluster } }],
        routes: [{ match: { prefix: "/" }, cluster: "app" }],
        // A callout that nobody answers is over in 300 ms.
        advanceMs: 400,
      }),
    ),
    ...Object.entries(grpcClusters).flatMap(([name, grpc]) =>
      [{}, { "x-stream": "1" }].map((headers) =>
        rust("grpc", {
          title: `gRPC ${"x-stream" in headers ? "stream" : "call"} to a service that ${name}`,
          clusters: { app: () => ({}), grpc },
          routes: [{ match: { prefix: "/" }, cluster: "app" }],
          requests: [{ headers }],
        }),
      ),
    ),
    rust("shared-data", { requests: [{}, {}, {}], logs: ["Some([2]) true"] }),
    rust("queue", { requests: [{}, {}], logs: ["job one", "queue empty"] }),
    rust("metrics", { requests: [{}, {}], metrics: ["rust_counter", "rust_gauge"], logs: ["Ok(6)"] }),
    rust("tick", { advanceMs: 50, logs: ["tick 3"], statuses: [200] }),
    rust("properties", { requests: [{ path: "/a?b", headers: { "x-a": "1" } }], logs: ['mine=Some("value")'] }),
    rust("panic", {
      requests: ["1", "-1", "2"].map((number): ScenarioRequest => ({ headers: { "x-number": number } })),
      statuses: [200, 503, 503],
      logs: ["panicked"],
    }),
  ];
}

const calloutClusters: Record<string, MockCluster> = {
  app: (request) => ({ body: `hello ${request.header("x-user")}` }),
  authz: (request) => ({ headers: { "x-up": "1" }, body: `re: ${request.text()}`, trailers: { "x-t": "1" } }),
  unhappy: () => ({ status: 500, body: "oops" }),
  broken: () => ({ reset: true }),
  slow: () => ({ delayMs: 5000 }),
};

const grpcClusters: Record<string, GrpcCluster> = {
  answers: {
    grpc: () => ({
      metadata: { "x-begin": "1" },
      messages: ["yes"],
      trailers: { "x-end": "1" },
      statusMessage: "fine",
    }),
  },
  refuses: { grpc: () => ({ status: 7, statusMessage: "no" }) },
  "breaks off": { grpc: () => ({ messages: ["half"], reset: true }) },
  "answers each message": {
    grpc: () => ({ status: 0 }),
    grpcMessage: (message) => ({ messages: [`re: ${Buffer.from(message).toString()}`] }),
  },
};

function rust(guest: string, { title = guest, ...scenario }: Partial<Scenario> & { title?: string }): Scenario {
  return { name: `Rust SDK: ${title}`, plugins: [{ guest: rustGuest(guest) }], ...scenario };
}
