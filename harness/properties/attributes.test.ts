import { describe, expect, it } from "vitest";
import type { GuestWriter } from "../testing/guest.ts";
import { runGuest } from "../testing/run.ts";

const go = "(i32.const 0)";
const hex = (text: string) => Buffer.from(text, "latin1").toString("hex");
const number = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes.toString("hex");
};
const all = (w: GuestWriter, paths: readonly string[]) => paths.map((path) => w.logProperty(path)).join("");

describe("attributes", () => {
  it.each([
    ["request.path", hex("/a/b?c=d")],
    ["request.url_path", hex("/a/b")],
    ["request.query", hex("c=d")],
    ["request.host", hex("x.com")],
    ["request.scheme", hex("http")],
    ["request.method", hex("POST")],
    ["request.headers.x-a", hex("1,2")],
    ["request.protocol", hex("HTTP/1.1")],
    ["request.size", number(5)],
    ["request.nope", null],
    ["source.port", number(50_000)],
    ["connection.mtls", "00"],
    ["connection.requested_server_name", ""],
    ["response.flags", number(0)],
    ["response.code", null],
    ["xds.route_name", hex("main")],
    ["xds.cluster_name", hex("up")],
    ["xds.node.id", hex("attache")],
    ["plugin_name", hex("it")],
    ["plugin_root_id", hex("root")],
    ["plugin_vm_id", hex("vm")],
    ["node.id", null],
    ["metadata.filter_metadata", "00000000"],
  ])("%s in request headers", async (path, value) => {
    await using host = await runGuest((w) => ({ proxy_on_request_headers: `${w.logProperty(path)} ${go}` }), {
      plugin: { name: "it", rootId: "root", vmId: "vm" },
      routes: [{ name: "main", match: { prefix: "/" }, cluster: "up" }],
    });
    await host.fetch("/a/b?c=d", { method: "POST", body: "hello", headers: { host: "x.com", "x-a": ["1", "2"] } });
    expect(host.messages).toEqual([value === null ? `${path}!1` : `${path}=${value}`]);
  });

  it.each<[path: string, value: string | null]>([
    ["connection.mtls", "01"],
    ["connection.requested_server_name", hex("shop.example")],
    ["connection.uri_san_peer_certificate", hex("spiffe://a/b")],
    ["connection.dns_san_peer_certificate", null],
    ["connection.subject_peer_certificate", hex("CN=x")],
    ["metadata.filter_metadata.envoy.a", null],
    ["metadata\0filter_metadata\0envoy.a\0k", hex("\u00c3\u00a4")],
    ["metadata\0filter_metadata\0envoy.a\0l", null],
  ])("%s of a connection with TLS, and what other filters wrote", async (path, value) => {
    await using host = await runGuest((w) => ({ proxy_on_request_headers: `${w.logProperty(path)} ${go}` }));
    const peerCertificate = { uriSan: "spiffe://a/b", subject: "CN=x" };
    const connection = { ...host.connect(), tls: { requestedServerName: "shop.example", peerCertificate } };
    await host.fetch("/", { connection, dynamicMetadata: { "envoy.a": { k: "ä" } } });
    const name = path.replaceAll("\0", ".");
    expect(host.messages).toEqual([value === null ? `${name}!1` : `${name}=${value}`]);
  });

  it("of the request are gone once its headers are, until the log", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_response_headers: `${all(w, ["request.path", "response.code", "response.code_details"])} ${go}`,
      proxy_on_log: all(w, ["request.path", "request.duration", "response.size"]),
    }));
    await host.fetch("/a");
    expect(host.messages).toEqual([
      "request.path!1",
      `response.code=${number(200)}`,
      `response.code_details=${hex("via_upstream")}`,
      `request.path=${hex("/a")}`,
      `request.duration=${number(0)}`,
      `response.size=${number(2)}`,
    ]);
  });

  it("of the upstream's connection come after its address", async () => {
    const paths = ["upstream.address", "upstream.local_address", "upstream.cx_pool_ready_duration"];
    await using host = await runGuest((w) => ({
      proxy_on_request_body: `${all(w, paths)} ${go}`,
      proxy_on_response_headers: `${all(w, paths)} ${go}`,
    }));
    await host.fetch("/a", { method: "POST", body: ["hello"] });
    const address = `upstream.address=${hex("127.0.0.1:20000")}`;
    expect(host.messages.slice(-6)).toEqual([
      address,
      "upstream.local_address!1",
      "upstream.cx_pool_ready_duration!1",
      address,
      `upstream.local_address=${hex("127.0.0.1:40000")}`,
      `upstream.cx_pool_ready_duration=${number(0)}`,
    ]);
  });

  it("that are groups are no values", async () => {
    await using host = await runGuest((w) => ({ proxy_on_request_headers: `${all(w, ["request", "xds", ""])} ${go}` }));
    await host.fetch("/");
    expect(host.messages).toEqual(["request!3", "xds!3", "!3"]);
  });

  it("take the client's address from x-forwarded-for", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `${w.logProperty("source.address")} ${go}`,
    }));
    await host.fetch("/", { headers: { "x-forwarded-for": "8.8.8.8, 10.0.0.1" } });
    expect(host.messages).toEqual([`source.address=${hex("10.0.0.1:0")}`]);
  });
});

describe("proxy_set_property", () => {
  it("keeps values on the stream under names of one segment", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_configure: `${w.show("root", w.call("proxy_set_property", ["a"], ["1"]))} (i32.const 1)`,
      proxy_on_request_headers: `(drop ${w.call("proxy_set_property", ["a"], ["1"])}) (drop ${w.call("proxy_set_property", ["b\0c"], ["2"])})
        ${all(w, ["a", "b.c", "filter_state\0wasm.a"])} ${go}`,
      proxy_on_response_headers: `${w.logProperty("a")} ${go}`,
    }));
    await host.fetch("/");
    expect(host.messages.slice(3)).toEqual(["a=31", "b.c!1", "filter_state.wasm.a=31", "a=31"]);
    expect(new Set(host.messages.slice(0, 3))).toEqual(new Set(["root=1"]));
  });
});
