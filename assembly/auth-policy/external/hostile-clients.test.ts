import type { Cluster } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { expect, it } from "vitest";
import { writeProtobuf } from "../../../harness/abi/protobuf.ts";
import { guest } from "../../../harness/testing/guest.ts";
import { leave } from "../leaving-client.ts";
import { ask, PASSED, proxy, send } from "./testing.ts";

const http = (more: object = {}) => ({
  name: "authz",
  envoyExtAuthzHttp: { cluster: "authz", timeout: "300ms", includeRequestHeadersInCheck: ["*"], ...more },
});
/** Has the proxy answer in gRPC's form, with the HTTP status 200, when the service does not. */
const GRPC = { "content-type": "application/grpc", te: "trailers" };
const late: Cluster = () => ({ delayMs: 800 });

eachHost("auth-policy and gRPC clients of a service that", (start) => {
  it.each<[string, Cluster, Record<string, string>]>([
    ["is late", late, {}],
    ["is late, told to answer 204 then", late, { "x-envoy-upstream-rq-timeout-alt-response": "1" }],
    ["takes longer than it may", late, { "x-envoy-upstream-stream-duration-ms": "100" }],
    ["breaks off", () => ({ reset: true }), {}],
    ["has no host", { hosts: [] }, {}],
    ["fails", () => ({ status: 503 }), {}],
  ])("%s does not let them in", async (_, authz, includeAdditionalHeadersInCheck) => {
    await using host = await start(proxy([http({ includeAdditionalHeadersInCheck })], { authz }));
    const response = await send(host, "/", { method: "POST", headers: GRPC, body: "x" });
    expect([response.status, response.header("grpc-status"), host.requests("app").length]).toEqual([200, "7", 0]);
    expect(await host.metric("auth_policy.ext_authz_error")).toBe(1);
  });
});

eachHost("auth-policy and clients that leave while a service", (start) => {
  const OK = writeProtobuf([[1, ""]]);
  it.each<[string, object, Cluster]>([
    ["over HTTP", http(), () => ({ delayMs: 100 })],
    ["over gRPC", { name: "authz", envoyExtAuthzGrpc: { cluster: "authz" } }, { grpc: () => ({ messages: [OK], delayMs: 100 }) }], // prettier-ignore
    ["of OPA", { name: "authz", opa: { cluster: "authz" } }, () => ({ body: '{"result":true}', delayMs: 100 })],
  ])("%s is asked are forgotten", async (_, provider, authz) => {
    await using host = await start(proxy([provider], { authz }));
    await leave(host);
    expect(await ask(host)).toEqual(PASSED);
    expect(host.requests("app")).toHaveLength(1);
    expect(host.logs.filter(({ level }) => level === "error" || level === "critical")).toEqual([]);
  });
});

eachHost("auth-policy and clients whom the proxy leaves headers that steer it", (start) => {
  it.each([
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-upstream-stream-duration-ms",
  ])("cannot have a service's time cut short by %s", async (name) => {
    // It stands for such a proxy: the harness's takes them out.
    const leaving = await guest((w) => ({ proxy_on_request_headers: `${w.add(0, name, "1")} (i32.const 0)` }));
    const options = proxy([http({ failOpen: true })], { authz: () => ({ status: 403, delayMs: 100 }) });
    await using host = await start({ ...options, plugins: [{ module: leaving }, ...options.plugins!] });
    expect(await ask(host)).toEqual([403, ""]);
    expect(await host.metric("auth_policy.ext_authz_denied")).toBe(1);
  });
});
