import { describe, expect, it } from "vitest";
import { encodePairs } from "../wasm/pairs.ts";
import { runGuest } from "../testing/run.ts";

const go = "(i32.const 0)";

describe("header maps", () => {
  it("show the request as Envoy's filters see it", async () => {
    await using host = await runGuest((w) => ({ proxy_on_request_headers: `${w.logPairs(0)} ${go}` }));
    await host.fetch("/a?b", { headers: { Host: "x.com", "X-B": ["1", "2"], "x-envoy-retry-on": "5xx", te: "gzip" } });
    expect(host.messages[0]).toMatch(
      /^\[:authority: x.com\]\[:path: \/a\?b\]\[:method: GET\]\[:scheme: http\]\[x-b: 1\]\[x-b: 2\]\[x-forwarded-proto: http\]\[x-request-id: [0-9a-f-]{36}\]$/,
    );
  });

  it("join the second value of a header that Envoy keeps in a fixed place, and of no other", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `${w.add(0, "user-agent", "two")} ${w.add(0, "Cookie", "b")} ${w.logPairs(0)} ${go}`,
    }));
    await host.fetch("/", { headers: { "user-agent": "one", cookie: "a" } });
    expect(host.messages[0]).toContain("[user-agent: one,two][cookie: a]");
    expect(host.messages[0]).toContain("[cookie: b]");
  });

  it("take host for :authority, and put what is replaced last", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `${w.replace(0, "host", "new")} ${w.logValue(0, "HOST")} ${w.replace(0, "x-a", "9")} ${w.logPairs(0)} ${go}`,
    }));
    await host.fetch("/", { headers: { "x-a": ["1", "2"], "x-b": "3" } });
    expect(host.messages[0]).toBe("HOST=new");
    expect(host.messages[1]).toMatch(
      /^\[:path: \/\]\[:method: GET\]\[:scheme: http\]\[:authority: new\]\[x-b: 3\].*\[x-a: 9\]$/,
    );
    expect(host.requests("up")[0]!.authority).toBe("new");
  });

  it("are out of reach once a callback has returned Continue", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: go,
      proxy_on_response_headers: `${w.logValue(0, ":path")} ${w.show("add", w.call("proxy_add_header_map_value", 0, ["a"], ["b"]))} ${w.logPairs(0)} ${go}`,
      proxy_on_log: `${w.logValue(0, ":path")} ${w.logValue(1, "a")} ${w.logValue(2, ":status")}`,
    }));
    await host.fetch("/");
    expect(host.messages).toEqual([":path!2", "add=2", "-", ":path=/", "a!1", ":status=200"]);
    expect(host.diagnostics.map((entry) => entry.code)).toContain("MAP_UNAVAILABLE");
  });

  it("check the map's type before pointers, and pointers before the operation", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `${[
        w.call("proxy_get_header_map_value", 8, -1, 9, 0, 4),
        w.call("proxy_get_header_map_value", 1, -1, 9, 0, 4),
        w.call("proxy_get_header_map_value", 0, ["nope"], -1, 4),
        w.call("proxy_get_header_map_value", 0, [":path"], -1, 4),
        w.call("proxy_get_header_map_value", 0, 131072, 0, 0, 4),
        w.call("proxy_get_header_map_value", 0, 131073, 0, 0, 4),
        w.call("proxy_get_header_map_size", 4, 0),
      ]
        .map((call) => w.show("r", call))
        .join("")} ${go}`,
    }));
    await host.fetch("/");
    expect(host.messages).toEqual(["r=2", "r=6", "r=1", "r=6", "r=1", "r=6", "r=2"]);
  });

  it("are cleared by a malformed blob, which is reported", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `${w.show("set", w.call("proxy_set_header_map_pairs", 0, [encodePairs(["a", "b"]).slice(0, -1)]))} ${w.logPairs(0)} ${go}`,
    }));
    const response = await host.fetch("/");
    expect(host.messages).toEqual(["set=0", "-"]);
    expect(response.status).toBe(404);
    expect(host.diagnostics.map((entry) => entry.code)).toEqual(["BAD_PAIRS"]);
  });

  it.each([
    [":path", 404, ""],
    ["x-forwarded-proto", 404, ""],
    [":method", 503, "missing required header: :method"],
  ])("answer for a filter that removes %s", async (name, status, body) => {
    await using host = await runGuest((w) => ({ proxy_on_request_headers: `${w.remove(0, name)} ${go}` }));
    const response = await host.fetch("/");
    expect([response.status, response.text()]).toEqual([status, body]);
  });

  it("answer 502 for a filter that removes :status", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_response_headers: `${w.remove(2, ":status")} ${go}`,
      proxy_on_log: w.logProperty("response.code_details"),
    }));
    expect((await host.fetch("/")).status).toBe(502);
    const details = "filter_removed_required_response_headers{missing_required_header:_:status}";
    expect(host.messages).toEqual([`response.code_details=${Buffer.from(details).toString("hex")}`]);
  });

  it("answer 503 for a header no request can carry, and reset a response with one", async () => {
    await using host = await runGuest(
      (w) => ({
        proxy_on_request_headers: `(if (i32.eqz ${w.call("proxy_get_header_map_value", 0, ["x-bad"], 0, 4)}) (then ${w.add(0, "x-a", "1\r\nb: 2")})) ${go}`,
        proxy_on_response_headers: `(if (i32.eqz ${w.call("proxy_get_header_map_value", 2, ["x-up"], 0, 4)}) (then ${w.add(2, "x-a", "1\r\nb: 2")})) ${go}`,
      }),
      { up: () => ({ headers: { "x-up": "1" } }) },
    );
    expect((await host.fetch("/", { headers: { "x-bad": "1" } })).text()).toBe("invalid header value for: x-a");
    await expect(host.fetch("/")).rejects.toMatchObject({ code: "STREAM_RESET" });
  });
});
