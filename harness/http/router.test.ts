import { describe, expect, it } from "vitest";
import type { Route } from "../host.ts";
import { run, runGuest } from "../testing/run.ts";

const go = "(i32.const 0)";
const routes: Route[] = [
  { name: "vip", match: { prefix: "/", headers: [{ name: "X-User", exact: "vip" }] }, cluster: "v2" },
  { name: "any", match: { prefix: "/user", headers: [{ name: "x-user" }] }, cluster: "v1" },
  { name: "exact", match: { path: "/exact" }, directResponse: { status: 201, body: "é" } },
  { name: "named", match: { prefix: "/named" }, clusterHeader: "x-cluster" },
  { name: "v1", match: { prefix: "/app" }, cluster: "v1" },
];
const clusters = { v1: () => ({ body: "v1" }), v2: () => ({ body: "v2" }) };

describe("routes", () => {
  it.each([
    ["/app", {}, "200 v1"],
    ["/app", { "x-user": "vip" }, "200 v2"],
    ["/app", { "x-user": ["other", "vip"] }, "200 v2"],
    ["/user", { "x-user": "other" }, "200 v1"],
    ["/user", {}, "404 "],
    ["/exact?q", {}, "201 é"],
    ["/exactly", {}, "404 "],
    ["/named", { "x-cluster": "v2" }, "200 v2"],
    ["/named", { "x-cluster": "v3" }, "503 "],
    ["/named", {}, "503 "],
  ])("send %s with %o: %s", async (path, headers, expected) => {
    await using host = await run({ routes, clusters });
    const response = await host.fetch(path, { headers });
    expect(`${response.status} ${response.text()}`).toBe(expected);
  });

  it("are selected anew when a filter changes the request", async () => {
    await using host = await runGuest(
      (w) => ({ proxy_on_request_headers: `${w.add(0, "x-user", "vip")} ${w.replace(0, ":path", "/app")} ${go}` }),
      { routes, clusters },
    );
    expect((await host.fetch("/nowhere")).text()).toBe("v2");
  });

  it("are not needed with one cluster or none, but with several", async () => {
    await using host = await run({ clusters: {} });
    expect((await host.fetch("/")).status).toBe(200);
    await expect(run({ clusters })).rejects.toThrow("routes: needed when there are several clusters");
  });
});

describe("the upstream", () => {
  it("gets the request in Envoy's order, and the client the response", async () => {
    await using host = await run({ up: () => ({ headers: { "x-u": ["1", "2"], connection: "close" }, body: "ok" }) });
    const response = await host.fetch("/", { headers: { "X-A": "1", "x-envoy-max-retries": "3" } });
    expect(host.requests("up")[0]!.headers.map(([name]) => name)).toEqual([
      "x-a",
      "x-forwarded-proto",
      "x-request-id",
      "x-envoy-expected-rq-timeout-ms",
    ]);
    expect(response.headers).toEqual([
      ["x-u", "1"],
      ["x-u", "2"],
      ["content-length", "2"],
      ["x-envoy-upstream-service-time", "0"],
      ["date", "Wed, 01 Jan 2025 00:00:00 GMT"],
      ["server", "envoy"],
    ]);
  });

  it("is given 15 seconds, or what a filter says", async () => {
    await using host = await runGuest(
      (w) => ({
        proxy_on_request_headers: `(if (i32.eqz ${w.call("proxy_get_header_map_value", 0, ["x-ms"], 0, 4)}) (then
          ${w.replace(0, "x-envoy-upstream-rq-timeout-ms", "700")})) ${go}`,
      }),
      { up: () => ({ delayMs: 60_000 }) },
    );
    const slow = host.fetch("/");
    const fast = host.fetch("/", { headers: { "x-ms": "1" } });
    host.advance(700);
    expect((await fast).text()).toBe("upstream request timeout");
    host.advance(14_300);
    expect((await slow).status).toBe(504);
    const told = host.requests("up").map((request) => request.header("x-envoy-expected-rq-timeout-ms"));
    expect(told).toEqual(["15000", "700"]);
  });

  it.each([
    [
      { reset: true },
      "503 upstream connect error or disconnect/reset before headers. reset reason: connection termination",
    ],
    [{ body: "half", reset: true }, "STREAM_RESET"],
  ])("that answers %o", async (answer, expected) => {
    await using host = await run({ up: () => answer });
    const outcome = await host.fetch("/").then(
      (response) => `${response.status} ${response.text()}`,
      (error: { code: string }) => error.code,
    );
    expect(outcome).toBe(expected);
  });

  it("waits for the body that content-length promises, which is reported", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_request_body: `(if (i32.eqz (local.get $end_of_stream)) (then (return (i32.const 1)))) ${w.setBuffer(0, 0, 9, "abc")} ${go}`,
    }));
    const response = host.fetch("/", { method: "POST", body: "hello" });
    host.advance(15_000);
    expect((await response).status).toBe(504);
    expect(host.diagnostics.map((entry) => entry.code)).toEqual(["CONTENT_LENGTH_MISMATCH"]);
  });
});
