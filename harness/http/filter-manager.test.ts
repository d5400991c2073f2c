import { describe, expect, it } from "vitest";
import { guest, type GuestWriter } from "../testing/guest.ts";
import { run, runGuest } from "../testing/run.ts";
import { ScriptedStream } from "../testing/scripted-stream.ts";

const go = "(i32.const 0)";
const post = { method: "POST", body: "hello" };

describe("a request passing a filter", () => {
  it.each([
    [0, "goes on"],
    [1, "waits"],
    [2, "goes on"],
    [3, "waits"],
    [4, "waits"],
    [99, "waits"],
  ])("%s from its headers: %s", async (status, outcome) => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `(i32.const ${status})`,
      proxy_on_request_body: `${w.log("body")} ${go}`,
    }));
    const stream = new ScriptedStream(host).sendHeaders({ ":method": "POST" }, false).sendData("hello", true);
    expect(stream.events).toEqual(outcome === "waits" ? [] : ["headers 200", "data ok", "end"]);
    expect(host.messages).toEqual(outcome === "waits" ? [] : ["body"]);
  });

  it("waits for its body's callbacks with StopIteration, where the plugin allows that", async () => {
    await using host = await runGuest(
      (w) => ({
        proxy_on_request_headers: "(i32.const 1)",
        proxy_on_request_body: `${w.add(0, "x-late", "1")} ${w.logBuffer(0)} ${go}`,
      }),
      { plugin: { allowOnHeadersStopIteration: true } },
    );
    expect((await host.fetch("/", post)).status).toBe(200);
    expect(host.requests("up")[0]!.header("x-late")).toBe("1");
    expect(host.requests("up")[0]!.text()).toBe("hello");
  });

  it.each([
    [0, ["aa", "bb", ""], "aabb"],
    [1, ["aa", "aabb", "aabb"], "aabb"],
    [2, ["aa", "bb", ""], "aabb"],
    [3, ["aa", "bb", ""], ""],
  ])("shows its body by the last status: %s", async (status, views, received) => {
    await using host = await runGuest((w) => ({
      proxy_on_request_body: `${w.logBuffer(0)} (select ${go} (i32.const ${status}) (local.get $end_of_stream))`,
    }));
    await host.fetch("/", { method: "POST", body: ["aa", "bb"] });
    expect(host.messages).toEqual(views.map((view) => `body=${view}`));
    expect(host.requests("up")[0]!.text()).toBe(received);
  });

  it("is answered 413 when a filter holds back more than the buffer limit", async () => {
    await using host = await runGuest(
      (w) => ({ proxy_on_request_body: "(i32.const 1)", proxy_on_log: w.logProperty("response.code_details") }),
      { bufferLimit: 10 },
    );
    const response = await host.fetch("/", { method: "POST", body: ["12345678", "12345678"] });
    expect([response.status, response.text()]).toEqual([413, "Payload Too Large"]);
    const details = Buffer.from("request_payload_too_large").toString("hex");
    expect(host.messages).toEqual([`response.code_details=${details}`]);
  });

  it("is paused at the client when a filter holds it with a watermark status", async () => {
    await using host = await runGuest(
      (w) => ({
        proxy_on_request_headers: "(i32.const 4)",
        proxy_on_configure: `(drop ${w.call("proxy_set_tick_period_milliseconds", 100)}) (i32.const 1)`,
        proxy_on_tick: `(drop ${w.call("proxy_set_effective_context", 2)}) (drop ${w.call("proxy_continue_stream", 0)})`,
      }),
      { bufferLimit: 10 },
    );
    const stream = new ScriptedStream(host).sendHeaders({ ":method": "POST" }, false).sendData("x".repeat(11));
    expect(stream.events).toEqual(["pause"]);
    host.advance(100);
    expect(stream.events).toEqual(["pause", "resume"]);
    stream.sendData("y", true);
    expect(stream.events.slice(2)).toEqual(["headers 200", "data ok", "end"]);
    expect(host.requests("up")[0]!.body).toHaveLength(12);
  });

  it("can be changed in its buffered body", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `${w.remove(0, "content-length")} ${go}`,
      proxy_on_request_body: `(if (i32.eqz (local.get $end_of_stream)) (then (return (i32.const 1))))
        ${w.setBuffer(0, 0, 0, "<")} ${w.setBuffer(0, 99, 0, ">")} ${w.setBuffer(0, 0, 2, "[H")}
        ${w.show("middle", w.call("proxy_set_buffer_bytes", 0, 2, 1, ["x"]))} ${go}`,
    }));
    await host.fetch("/", post);
    expect(host.requests("up")[0]!.text()).toBe("[Hello>");
    expect(host.messages).toEqual(["middle=2"]);
  });

  it("keeps its trailers, and can be given some", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `${w.remove(0, "content-length")} ${go}`,
      proxy_on_request_body: `${w.show("add", w.call("proxy_add_header_map_value", 1, ["x-new"], ["1"]))} ${go}`,
      proxy_on_request_trailers: `${w.logPairs(1)} ${w.add(1, "x-u", "2")} ${go}`,
    }));
    await host.fetch("/", { ...post, trailers: { "x-t": "1" } });
    await host.fetch("/", post);
    const [first, second] = host.requests("up");
    expect(first!.trailers).toEqual([
      ["x-t", "1"],
      ["x-u", "2"],
    ]);
    // Only with the end of the stream, and without a callback of its own.
    expect(second!.trailers).toEqual([["x-new", "1"]]);
    expect(host.messages).toEqual(["add=2", "[x-t: 1]", "add=2", "add=0"]);
  });
});

describe("a chain of filters", () => {
  const spoken = (tag: string, w: GuestWriter) => ({
    proxy_on_request_headers: `${w.log(`${tag} request`)} ${go}`,
    proxy_on_response_headers: `${w.log(`${tag} response`)} ${go}`,
    proxy_on_log: w.log(`${tag} log`),
    proxy_on_done: `${w.log(`${tag} done`)} (i32.const 1)`,
    proxy_on_delete: w.log(`${tag} delete`),
  });
  const chain = async (a: object, b: object) => {
    const first = await guest((w) => ({ ...spoken("a", w), ...a }));
    const second = await guest((w) => ({ ...spoken("b", w), ...b }));
    return await run({
      plugins: [
        { module: first, name: "a" },
        { module: second, name: "b" },
      ],
    });
  };
  const ends = ["a log", "b log", "a done", "a delete", "b done", "b delete"];

  it("is passed by requests in order, by responses in reverse, and logs before it ends", async () => {
    await using host = await chain({}, {});
    await host.fetch("/");
    expect(host.messages).toEqual(["a request", "b request", "b response", "a response", ...ends]);
  });

  it("shows a filter's reply to those that saw the request", async () => {
    const w = await replying();
    await using first = await run({
      plugins: [
        { module: w, name: "a" },
        { module: await plain("b"), name: "b" },
      ],
    });
    expect((await first.fetch("/")).status).toBe(403);
    expect(first.messages).toEqual(["b log", "b done", "b delete"]);
    await using second = await run({
      plugins: [
        { module: await plain("b"), name: "b" },
        { module: w, name: "a" },
      ],
    });
    expect((await second.fetch("/")).status).toBe(403);
    expect(second.messages).toEqual(["b request", "b response", "b log", "b done", "b delete"]);
  });

  it("buffers for each filter in turn", async () => {
    const collecting = (tag: string) =>
      guest((w) => ({
        proxy_on_request_body: `${w.log(tag)} ${w.logBuffer(0)} (select ${go} (i32.const 1) (local.get $end_of_stream))`,
      }));
    await using host = await run({
      plugins: [
        { module: await collecting("a"), name: "a" },
        { module: await collecting("b"), name: "b" },
      ],
    });
    await host.fetch("/", { method: "POST", body: ["1", "2"] });
    expect(host.messages.join(" ")).toBe("a body=1 a body=12 a body=12 b body=12");
    expect(host.requests("up")[0]!.text()).toBe("12");
  });

  const plain = (tag: string) => guest((w) => spoken(tag, w));
  const replying = () => guest((w) => ({ proxy_on_request_headers: `${w.reply(403)} ${go}` }));
});

describe("a response passing a filter", () => {
  it("is answered 500 when a filter holds back more than the buffer limit before its headers are out", async () => {
    await using host = await runGuest(() => ({ proxy_on_response_headers: "(i32.const 3)" }), {
      bufferLimit: 10,
      up: () => ({ body: "x".repeat(11) }),
    });
    const response = await host.fetch("/");
    expect([response.status, response.text()]).toEqual([500, "Internal Server Error"]);
  });

  it("can be replaced whole", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_response_headers: `${w.remove(2, "content-length")} ${go}`,
      proxy_on_response_body: `(if (i32.eqz (local.get $end_of_stream)) (then (return (i32.const 1))))
        ${w.setBuffer(1, 0, 0xffffffff, "new")} ${go}`,
    }));
    expect((await host.fetch("/")).text()).toBe("new");
  });
});

describe("a stream", () => {
  it("is reset when closed trailers go on, where Envoy would crash", async () => {
    await using host = await runGuest(
      (w) => ({ proxy_on_response_trailers: `${w.show("close", w.call("proxy_close_stream", 1))} ${go}` }),
      { clusters: { up: () => ({ body: "ok", trailers: { "x-end": "1" } }) } },
    );
    await expect(host.fetch("/")).rejects.toMatchObject({ code: "STREAM_RESET" });
    expect(host.diagnostics.map(({ code }) => code)).toEqual(["CLOSED_AND_CONTINUED"]);
  });

  it.each([0, 1])("is reset by proxy_close_stream(%s)", async (type) => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `${w.show("close", w.call("proxy_close_stream", type))} ${go}`,
      proxy_on_log: w.logProperty("response.code_details"),
    }));
    await expect(host.fetch("/")).rejects.toMatchObject({ code: "STREAM_RESET" });
    const details = Buffer.from("wasm_close_stream").toString("hex");
    expect(host.messages).toEqual(["close=0", `response.code_details=${details}`]);
  });

  it("ends in the guest when the client goes away", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_log: w.log("log"),
      proxy_on_done: `${w.log("done")} (i32.const 1)`,
      proxy_on_delete: w.log("delete"),
    }));
    const stream = new ScriptedStream(host).sendHeaders({ ":method": "POST" }, false);
    stream.stream.clientReset();
    stream.sendData("late", true);
    expect(host.messages).toEqual(["log", "done", "delete"]);
    expect(stream.events).toEqual([]);
  });
});
