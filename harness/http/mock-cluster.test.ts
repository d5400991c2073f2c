import { expect, it } from "vitest";
import { Emulator } from "../emulator/emulator.ts";
import type { RequestOptions, UpstreamResponse } from "../host.ts";
import { guest } from "../testing/guest.ts";
import { eachHost } from "../vitest/index.ts";

eachHost("an answer of a mocked cluster", (start) => {
  it.each<[string, UpstreamResponse, string]>([
    ["has its length", { body: "ok" }, "[content-length: 2]"],
    ["in pieces comes in chunks", { body: ["o", "k"] }, "[transfer-encoding: chunked]"],
    ["with trailers comes in chunks", { body: "ok", trailers: { "x-t": "1" } }, "[transfer-encoding: chunked]"],
    [
      "that says it comes in chunks has no length",
      { headers: { "transfer-encoding": "chunked" }, body: "ok" },
      "[transfer-encoding: chunked]",
    ],
    [
      "that says its length does not come in chunks",
      { headers: { "content-length": "2" }, body: ["o", "k"] },
      "[content-length: 2]",
    ],
    ["ends where its length says", { headers: { "content-length": "2" }, body: "okay" }, "[content-length: 2]"],
  ])("%s", async (_what, answer, framing) => {
    const module = await guest((w) => ({
      proxy_on_response_headers: `${w.remove(2, "x-envoy-upstream-service-time")} ${w.logPairs(2)} (i32.const 0)`,
    }));
    await using host = await start({ plugins: [{ module }], clusters: { app: () => answer } });
    expect((await host.fetch("/")).text()).toBe("ok");
    expect((await host.waitForLog("[:status")).message).toBe(`[:status: 200]${framing}`);
  });

  it("that breaks off comes in chunks", async () => {
    const module = await guest((w) => ({ proxy_on_response_headers: `${w.logPairs(2)} (i32.const 0)` }));
    await using host = await start({
      plugins: [{ module }],
      clusters: { app: () => ({ body: "half", reset: true }) },
    });
    await expect(host.fetch("/")).rejects.toMatchObject({ code: "STREAM_RESET" });
    expect((await host.waitForLog("[:status")).message).toMatch(/^\[:status: 200\]\[transfer-encoding: chunked\]/);
  });
});

eachHost("a request whose transfer-encoding a filter wrote", (start) => {
  const short = "x-envoy-upstream-rq-timeout-ms";

  it.each<[string, string, RequestOptions, string]>([
    ["chunked", "without a body", {}, "504 upstream request timeout"],
    ["chunked", "with a length", { method: "POST", body: "abc" }, "400 "],
    ["chunked", "in chunks", { method: "POST", body: ["abc", "def"] }, "400 "],
    ["gzip", "without a body", {}, "400 "],
    ["gzip", "with a length of 0", { method: "POST" }, "400 "],
    ["gzip", "in chunks", { method: "POST", body: ["abc", "def"] }, "200 abcdef"],
  ])("as %s, %s", async (coding, _what, request, expected) => {
    const module = await guest((w) => ({
      proxy_on_request_headers: `${w.add(0, "transfer-encoding", coding)} ${w.replace(0, short, "100")} (i32.const 0)`,
    }));
    await using host = await start({ plugins: [{ module }], clusters: { app: (up) => ({ body: up.text() }) } });
    const answer = host.fetch("/", request);
    if (host instanceof Emulator) host.advance(100);
    const response = await answer;
    expect(`${response.status} ${response.text()}`).toBe(expected);
  });
});

eachHost("the requests of a mocked cluster", (start) => {
  it("are remembered when the proxy changes", async () => {
    const options = (body: string) => ({ plugins: [], clusters: { app: () => ({ body }) } });
    await using host = await start(options("old"));
    await host.fetch("/a");
    await host.update(options("new"));
    expect((await host.fetch("/b")).text()).toBe("new");
    expect(host.requests("app").map((request) => request.path)).toEqual(["/a", "/b"]);
  });
});
