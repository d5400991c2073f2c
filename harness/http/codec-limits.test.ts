import { expect, it } from "vitest";
import type { UpstreamResponse } from "../host.ts";
import { guest } from "../testing/guest.ts";
import { eachHost } from "../vitest/index.ts";

const headers = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, "1"]));
const plugins = async () => [
  {
    module: await guest((w) => ({
      proxy_on_response_headers: `${w.logValue(2, ":status")} (i32.const 0)`,
      proxy_on_log: `${w.logProperty("response.code_details")} ${w.logProperty("response.flags")}`,
    })),
  },
];
const hex = (text: string) => Buffer.from(text).toString("hex");
const protocolError = "response.flags=0000040000000000";

eachHost("headers of a request", (start) => {
  const tooLarge = "431 Request Header Fields Too Large";
  const head = "GET / HTTP/1.1\r\nhost: localhost\r\nx-b: \r\nconnection: close\r\n\r\n".length;

  it("that are too many get an answer with a body even to HEAD, which no client can read", async () => {
    await using host = await start({ plugins: [], clusters: { app: () => ({}) } });
    const response = host.fetch("/", { method: "HEAD", headers: headers(101) });
    await expect(response).rejects.toMatchObject({ code: "STREAM_RESET" });
  });

  // Beside those given there are host and connection.
  it.each([
    ["100 of them", headers(98), "200 "],
    ["101 of them", headers(99), tooLarge],
    ["150 that are joined", { "cache-control": Array<string>(150).fill("a") }, "200 "],
    ["60 KiB", { "x-b": "b".repeat(60 * 1024 - head) }, "200 "],
    ["60 KiB and a byte", { "x-b": "b".repeat(60 * 1024 + 1 - head) }, tooLarge],
  ])("%s: %s", async (_what, given, expected) => {
    await using host = await start({ plugins: [], clusters: { app: () => ({}) } });
    const response = await host.fetch("/", { headers: given });
    expect(`${response.status} ${response.text()}`).toBe(expected);
  });

  it.each([
    ["too many", headers(101), "http1.too_many_headers"],
    ["too large", { "x-b": "b".repeat(70_000) }, "http1.headers_too_large"],
  ])("that are %s pass no filter, and are told apart in the access log", async (_what, given, details) => {
    await using host = await start({ plugins: await plugins(), clusters: { app: () => ({}) } });
    expect((await host.fetch("/", { headers: given })).status).toBe(431);
    await host.waitForLog("response.flags");
    expect(host.logs.map((line) => line.message)).toEqual([`response.code_details=${hex(details)}`, protocolError]);
  });

  it.each([
    ["100 trailers", headers(100), 200],
    ["101 trailers", headers(101), 431],
    ["60 KiB of trailers", { "x-t": "t".repeat(60 * 1024 - 9) }, 200],
    ["60 KiB of trailers and a byte", { "x-t": "t".repeat(60 * 1024 - 8) }, 431],
  ])("and %s, through the filters", async (_what, trailers, status) => {
    await using host = await start({ plugins: await plugins(), clusters: { app: () => ({}) } });
    const response = await host.fetch("/", { method: "POST", body: "hello", trailers });
    expect(response.status).toBe(status);
    await host.waitForLog(`:status=${status}`);
  });
});

eachHost("headers of a response", (start) => {
  const head = "HTTP/1.1 200 OK\r\nx-b: \r\ncontent-length: 2\r\n\r\n".length;
  const given = (answer: UpstreamResponse): UpstreamResponse => ({ body: "ok", ...answer });

  it.each<[string, UpstreamResponse, number]>([
    ["100 of them", { headers: headers(99) }, 200],
    ["101 of them", { headers: headers(100) }, 502],
    ["80 KiB", { headers: { "x-b": "b".repeat(80 * 1024 - head) } }, 200],
    ["80 KiB and a byte", { headers: { "x-b": "b".repeat(80 * 1024 + 1 - head) } }, 502],
    ["a 204 with a body", { status: 204 }, 502],
    ["a 204 in chunks", { status: 204, body: "", headers: { "transfer-encoding": "chunked" } }, 502],
    ["a 204 with neither", { status: 204, body: "" }, 204],
  ])("%s", async (_what, answer, status) => {
    await using host = await start({ plugins: [], clusters: { app: () => given(answer) } });
    const response = await host.fetch("/");
    expect([response.status, response.text().replace(/^.*reset reason: /, "")]).toEqual([
      status,
      { 200: "ok", 204: "", 502: "protocol error" }[status],
    ]);
  });

  it.each([
    ["100 trailers", headers(100), true],
    ["101 trailers", headers(101), false],
    ["80 KiB of trailers", { "x-t": "t".repeat(80 * 1024 - 9) }, true],
    ["80 KiB of trailers and a byte", { "x-t": "t".repeat(80 * 1024 - 8) }, false],
  ])("and %s", async (_what, trailers, areTaken) => {
    await using host = await start({ plugins: [], clusters: { app: () => given({ trailers }) } });
    const response = host.fetch("/");
    if (areTaken) expect((await response).trailers).toEqual(Object.entries(trailers));
    else await expect(response).rejects.toMatchObject({ code: "STREAM_RESET" });
  });
});
