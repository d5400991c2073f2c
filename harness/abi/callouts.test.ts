import { describe, expect, it } from "vitest";
import type { MockCluster } from "../host.ts";
import type { GuestWriter } from "../testing/guest.ts";
import { runGuest } from "../testing/run.ts";

const go = "(i32.const 0)";
const required = { ":method": "GET", ":path": "/call", ":authority": "auth" };

function httpCall(
  w: GuestWriter,
  cluster: string,
  headers: Record<string, string>,
  body = "",
  timeoutMs = 1000,
): string {
  return `(call $proxy_http_call ${w.text(cluster)} ${w.pairs(headers)} ${w.text(body)}
    (i32.const 0) (i32.const 0) (i32.const ${timeoutMs}) (i32.const 8))`;
}

/** Pauses each request for a callout, shows the answer, and goes on. */
const asking = (cluster: MockCluster, body = "", headers = {}) =>
  runGuest(
    (w) => ({
      proxy_on_request_headers: `${w.show("call", httpCall(w, "up", { ...required, ...headers }, body))} (i32.const 1)`,
      proxy_on_http_call_response: `${w.show("token", "(local.get $token)")} ${w.logPairs(6)} ${w.logBuffer(4)} ${w.logPairs(7)}
        (drop ${w.call("proxy_get_status", 16, 20, 24)}) ${w.show("status", "(i32.load (i32.const 16))")}
        (drop ${w.call("proxy_set_effective_context", 2)}) ${w.add(0, "x-after", "1")}
        ${w.show("continue", w.call("proxy_continue_stream", 0))} ${w.logValue(0, ":path")}`,
    }),
    { up: (request) => (request.path === "/call" ? cluster(request) : { body: "ok" }) },
  );

describe("proxy_http_call", () => {
  it("brings the answer to the plugin, which lets the request go on", async () => {
    await using host = await asking(() => ({ body: "yes", headers: { "x-u": "1" }, trailers: { "x-t": "2" } }), "data");
    expect((await host.fetch("/")).status).toBe(200);
    const [call, request] = host.requests("up");
    expect(call!.text()).toBe("data");
    expect(call!.headers).toEqual([
      ["content-length", "4"],
      ["x-envoy-internal", "true"],
      ["x-envoy-expected-rq-timeout-ms", "1000"],
    ]);
    expect(request!.header("x-after")).toBe("1");
    expect(host.messages).toEqual([
      "call=0",
      "token=4",
      "[:status: 200][x-u: 1][transfer-encoding: chunked][x-envoy-upstream-service-time: 0]",
      "body=yes",
      "[x-t: 2]",
      "status=0",
      "continue=0",
      ":path!2",
    ]);
  });

  it("times out with an answer of 504", async () => {
    await using host = await asking(() => ({ delayMs: 5000 }));
    const response = host.fetch("/");
    host.advance(999);
    expect(host.messages).toEqual(["call=0"]);
    host.advance(1);
    expect((await response).status).toBe(200);
    expect(host.messages.slice(1, 4)).toEqual([
      "token=4",
      "[:status: 504][content-length: 24][content-type: text/plain]",
      "body=upstream request timeout",
    ]);
  });

  it("answers 503 when the connection breaks before an answer, and nothing when it breaks within one", async () => {
    await using before = await asking(() => ({ reset: true }));
    await before.fetch("/");
    expect(before.messages[2]).toContain(":status: 503");
    await using within = await asking(() => ({ body: "half", reset: true }));
    await within.fetch("/");
    expect(within.messages.slice(1, 6)).toEqual(["token=4", "-", "body!1", "-", "status=11"]);
  });

  it("is answered by the proxy when a header is none", async () => {
    await using host = await asking(() => ({}), "", { "x a": "1" });
    await host.fetch("/");
    expect(host.messages.slice(0, 4)).toEqual([
      "call=0",
      "token=4",
      "[:status: 503][content-length: 24][content-type: text/plain]",
      "body=invalid header name: x a",
    ]);
  });

  it("is refused for what Envoy refuses", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `${[
        httpCall(w, "nope", required),
        httpCall(w, "up", { ":method": "GET", ":path": "/" }),
        httpCall(w, "up", { ":method": "GET", ":authority": "a" }),
        httpCall(w, "up", required, "", -1),
        httpCall(w, "up", { ":method": "GET", ":path": "/", host: "a" }),
      ]
        .map((call) => w.show("call", call))
        .join("")} ${w.show("token", "(i32.load (i32.const 8))")} ${go}`,
    }));
    await host.fetch("/");
    expect(host.messages).toEqual(["call=2", "call=2", "call=2", "call=2", "call=0", "token=4"]);
  });

  it("answers a plugin whose stream is gone", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `(drop ${httpCall(w, "up", required)}) ${w.reply(200)} ${go}`,
      proxy_on_http_call_response: `${w.show("effective", w.call("proxy_set_effective_context", 2))}`,
    }));
    await host.fetch("/");
    expect(host.messages).toEqual(["effective=2"]);
  });

  it("can end a paused request with a local reply", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `(drop ${httpCall(w, "up", required)}) (i32.const 1)`,
      proxy_on_http_call_response: `(drop ${w.call("proxy_set_effective_context", 2)}) ${w.reply(403, { body: "denied" })}`,
    }));
    const response = await host.fetch("/");
    expect([response.status, response.text()]).toEqual([403, "denied"]);
  });
});
