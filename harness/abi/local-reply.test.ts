import { describe, expect, it } from "vitest";
import { runGuest } from "../testing/run.ts";

const go = "(i32.const 0)";

describe("proxy_send_local_response", () => {
  it("goes back through the response callbacks of the filter that makes it", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `${w.reply(403, { body: "no", headers: { "x-a": "1" } })} ${go}`,
      proxy_on_request_body: `${w.log("never")} ${go}`,
      proxy_on_response_headers: `${w.logPairs(2)} ${w.add(2, "x-b", "2")} ${go}`,
      proxy_on_response_body: `${w.show("size", "(local.get $body_size)")} ${w.show("end", "(local.get $end_of_stream)")} ${go}`,
      proxy_on_log: w.log("log"),
      proxy_on_done: `${w.log("done")} (i32.const 1)`,
      proxy_on_delete: w.log("delete"),
    }));
    const response = await host.fetch("/", { method: "POST", body: "hello" });
    expect(response.status).toBe(403);
    expect(response.text()).toBe("no");
    expect(response.headers.map(([name]) => name)).toEqual([
      "x-a",
      "content-length",
      "content-type",
      "x-b",
      "date",
      "server",
    ]);
    expect(host.messages).toEqual([
      "[:status: 403][x-a: 1][content-length: 2][content-type: text/plain]",
      "size=2",
      "end=1",
      "log",
      "done",
      "delete",
    ]);
    expect(host.requests("up")).toEqual([]);
  });

  it("loses content-type and length when its body is empty, and :status pairs always", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `${w.reply(401, { headers: { "content-type": "a/b", ":status": "299" } })} ${go}`,
    }));
    const response = await host.fetch("/");
    expect(response.status).toBe(401);
    expect(response.headers.map(([name]) => name)).toEqual(["date", "server", "content-length"]);
  });

  it.each([
    ["the argument", { body: "50% off", grpcStatus: 7 }, "7"],
    ["its own header", { headers: { "grpc-status": "9" }, grpcStatus: 7 }, "9"],
    ["the HTTP status", {}, "16"],
  ])("has gRPC's shape for gRPC requests, with the status of %s", async (_which, options, status) => {
    await using host = await runGuest((w) => ({ proxy_on_request_headers: `${w.reply(401, options)} ${go}` }));
    const response = await host.fetch("/", { headers: { "content-type": "application/grpc" } });
    expect(response.status).toBe(200);
    expect(response.header("content-type")).toBe("application/grpc");
    expect(response.header("grpc-status")).toBe(status);
    expect(response.header("grpc-message")).toBe("body" in options ? "50%25 off" : null);
  });

  it("sends a HEAD request the length without the body", async () => {
    await using host = await runGuest((w) => ({ proxy_on_request_headers: `${w.reply(403, { body: "no" })} ${go}` }));
    const response = await host.fetch("/", { method: "HEAD" });
    expect([response.header("content-length"), response.text()]).toEqual(["2", ""]);
  });

  it("replaces the upstream's response when made in its headers, without further callbacks", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_response_headers: `${w.reply(418, { body: "tea" })} ${go}`,
      proxy_on_response_body: `${w.log("never")} ${go}`,
    }));
    const response = await host.fetch("/");
    expect([response.status, response.text()]).toEqual([418, "tea"]);
    expect(host.messages).toEqual([]);
  });

  it("resets the stream once the response's headers are out", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_response_body: `${w.reply(500, { body: "late" })} ${go}`,
      proxy_on_log: w.log("log"),
    }));
    await expect(host.fetch("/")).rejects.toMatchObject({ code: "STREAM_RESET" });
    expect(host.messages).toEqual(["log"]);
  });

  it("counts once, and a second one is reported", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `${w.reply(403, { body: "first" })} ${w.reply(404, { body: "second" })} ${go}`,
    }));
    expect((await host.fetch("/")).text()).toBe("first");
    expect(host.diagnostics.map((entry) => entry.code)).toEqual(["LOCAL_REPLY_TWICE"]);
  });

  it("does nothing when the stream is over, where Envoy would crash", async () => {
    await using host = await runGuest((w) => ({ proxy_on_log: w.reply(500) }));
    expect((await host.fetch("/")).status).toBe(200);
    expect(host.diagnostics.map((entry) => entry.code)).toEqual(["LOCAL_REPLY_TOO_LATE"]);
  });

  it("keeps its details, without white space", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `${w.reply(403, { details: "a b\tc" })} ${go}`,
      proxy_on_log: w.logProperty("response.code_details"),
    }));
    await host.fetch("/");
    expect(host.messages).toEqual([`response.code_details=${Buffer.from("a_b_c").toString("hex")}`]);
  });
});
