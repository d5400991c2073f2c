import { startEmulator, type HostOptions } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { describe, expect, it } from "vitest";
import { ScriptedStream } from "../../harness/testing/scripted-stream.ts";
import { series, standardLabels } from "../../test/metric-series.ts";

const module = new URL("build/plugin.wasm", import.meta.url);
const grpc = { method: "POST", headers: { host: "shop.example", "content-type": "application/grpc" } };

/** A message of gRPC as it is sent: with its prefix. */
function message(length: number, isCompressed = false): Uint8Array {
  const bytes = new Uint8Array(5 + length).fill(1);
  bytes[0] = Number(isCompressed);
  new DataView(bytes.buffer).setUint32(1, length);
  return bytes;
}
const joined = (...pieces: Uint8Array[]) => Buffer.concat(pieces);
/** In pieces of `size` bytes. */
const cut = (bytes: Uint8Array, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );

const proxy = (configuration: object, responseBody: readonly Uint8Array[] = []): HostOptions => ({
  plugins: [{ name: "metrics", module, configuration }],
  clusters: { app: () => ({ body: responseBody, trailers: { "grpc-status": "0" } }) },
});
const bare = { metrics: [{ tags_to_remove: Object.keys(standardLabels) }] };

const bodies: [what: string, body: readonly Uint8Array[], messages: number][] = [
  ["one message", [message(3)], 1],
  ["an empty message", [message(0)], 1],
  ["compressed ones", [message(3, true), message(0, true)], 2],
  ["several in one piece", [joined(message(0), message(7), message(300))], 3],
  ["a thousand in one piece", [joined(...Array.from({ length: 1000 }, (_, at) => message(at % 9)))], 1000],
  ["any cut into single bytes", cut(joined(message(3), message(0), message(260)), 1), 3],
  ["any cut into pieces of seven bytes", cut(joined(message(3), message(11), message(900), message(0)), 7), 4],
  ["long ones over many pieces", cut(joined(message(70_000), message(5)), 16_000), 2],
  ["one that has only begun", [message(3), message(1000).subarray(0, 30)], 2],
  ["no more once it is no gRPC", [message(2), new Uint8Array([7, 0, 0, 0, 0]), message(2)], 1],
  ["none", [], 0],
];

eachHost("messages of gRPC", (start) => {
  it.each(bodies)("are counted in both directions: %s", async (_, body, messages) => {
    await using host = await start(proxy(bare, body));
    await host.fetch("/shop.Cart/Add", { ...grpc, body });
    const counted = async (name: string) => (await host.metric(`istio_${name}_messages_total`)) ?? 0;
    expect([await counted("request"), await counted("response")]).toEqual([messages, messages]);
    expect(await host.metric("istio_requests_total")).toBe(1);
  });

  it("have Istio's labels but those that tell of the end", async () => {
    await using host = await start(proxy({}, [message(1), message(2)]));
    await host.fetch("/shop.Cart/Add", { ...grpc, body: message(1) });
    const labels = Object.fromEntries(Object.entries(standardLabels).slice(0, 20));
    expect(await host.metric(series("istio_request_messages_total", labels))).toBe(1);
    expect(await host.metric(series("istio_response_messages_total", labels))).toBe(2);
    const all = { ...standardLabels, request_protocol: "grpc", grpc_response_status: "0" };
    expect(await host.metric(series("istio_requests_total", all))).toBe(1);
  });

  it("can have others, and be left out", async () => {
    const configuration = {
      metrics: [
        ...bare.metrics,
        { name: "request_messages_total", dimensions: { path: "request.url_path" } },
        { name: "response_messages_total", drop: true },
      ],
    };
    await using host = await start(proxy(configuration, [message(1)]));
    await host.fetch("/shop.Cart/Add", { ...grpc, body: message(1) });
    expect(await host.metric("path=.=/shop.Cart/Add;.;istio_request_messages_total")).toBe(1);
    expect(await host.metric("istio_response_messages_total")).toBeNull();
  });

  it("are not looked for in other requests", async () => {
    await using host = await start({ ...proxy(bare, [message(1)]), logLevel: "trace" });
    await host.fetch("/", { method: "POST", body: [message(1), message(1)] });
    expect(await host.metric("istio_requests_total")).toBe(1);
    expect(await host.metric("istio_request_messages_total")).toBeNull();
    expect(host.transcript.join("\n")).not.toContain("proxy_get_buffer_bytes(1");
  });
});

describe("messages of a long stream [emulator]", () => {
  const open = async (configuration: object) => {
    const host = await startEmulator(proxy({ ...bare, ...configuration }));
    const stream = new ScriptedStream(host);
    stream.sendHeaders({ ":method": "POST", "content-type": "application/grpc" }, false);
    const send = () => void stream.sendData("\0\0\0\0\x02hi");
    return { host, stream, send, counted: () => host.metric("istio_request_messages_total") };
  };

  it("are reported while it goes on, every five seconds, and the others at its end", async () => {
    const { host, stream, send, counted } = await open({});
    for (let second = 0; second < 4; second++) {
      send();
      host.advance(1000);
    }
    expect(await counted()).toBeNull();
    host.advance(1000);
    send();
    expect(await counted()).toBe(5);
    send();
    expect(await counted()).toBe(5);
    host.advance(5000);
    send();
    expect(await counted()).toBe(7);
    stream.sendData("\0\0\0\0\0", true);
    expect(await counted()).toBe(8);
    expect(await host.metric("istio_requests_total")).toBe(1);
    await host.stop();
  });

  it.each([
    ["1s", 2],
    ["0s", null],
  ])("are reported as tcp_reporting_duration says: %s", async (duration, expected) => {
    const { host, send, counted } = await open({ tcp_reporting_duration: duration });
    send();
    host.advance(1000);
    send();
    expect(await counted()).toBe(expected);
    await host.stop();
  });
});
