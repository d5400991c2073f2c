import { describe, expect, it } from "vitest";
import { PluginRejectedError } from "../errors.ts";
import { startEmulator } from "./emulator.ts";
import { guest } from "../testing/guest.ts";
import { run, runGuest } from "../testing/run.ts";
import { ScriptedStream } from "../testing/scripted-stream.ts";

const go = "(i32.const 0)";
const yes = "(i32.const 1)";
/** Traps in requests with the header `x-trap`; logs `fine` in others. */
const trapping = () =>
  guest((w) => {
    const read = w.call("proxy_get_header_map_value", 0, ["x-trap"], 0, 4);
    return { proxy_on_request_headers: `(if (i32.eqz ${read}) (then unreachable)) ${w.log("fine")} ${go}` };
  });

describe("starting", () => {
  it("configures a plugin once to try it, then on the main thread and on each worker", async () => {
    await using host = await runGuest(
      (w) => ({
        _initialize: w.log("initialize"),
        proxy_on_context_create: `${w.show("context", "(local.get $context_id)")}`,
        proxy_on_vm_start: `${w.log("start")} ${yes}`,
        proxy_on_configure: `${w.log("configure")} ${yes}`,
      }),
      { workers: 2 },
    );
    const once = ["initialize", "context=1", "start", "configure"];
    expect(host.messages).toEqual(["initialize", ...once, ...once, ...once, ...once]);
  });

  it("shares a VM between plugins of the same module, and everything between equal plugins", async () => {
    const module = await guest((w) => ({
      proxy_on_context_create: w.show("context", "(local.get $context_id)"),
      proxy_on_request_headers: `${w.log("request")} ${go}`,
    }));
    await using host = await run({
      plugins: [
        { module, name: "a" },
        { module, name: "b" },
        { module, name: "a" },
      ],
    });
    // Per plugin a try of its own; then both in one VM, on the main thread and on the worker.
    expect(host.messages).toEqual(["context=1", "context=1", "context=1", "context=2", "context=1", "context=2"]);
    await host.fetch("/");
    expect(host.messages.slice(6)).toEqual([3, 4, 5].flatMap((id) => [`context=${id}`, "request"]));
  });

  it("hands over both configurations, and JSON for what is not text", async () => {
    await using host = await runGuest(
      (w) => ({
        proxy_on_vm_start: `${w.logBuffer(6)} ${w.logBuffer(7)} ${yes}`,
        proxy_on_configure: `${w.logBuffer(6)} ${w.logBuffer(7)} ${yes}`,
      }),
      { plugin: { configuration: { a: ["ü"] }, vmConfiguration: "vm" } },
    );
    expect(host.messages.slice(0, 4)).toEqual(["body=vm", "body!1", "body=vm", `body={"a":["ü"]}`]);
  });

  it.each([
    ["returns false from proxy_on_configure", { proxy_on_configure: go }, /Failed to configure base Wasm plugin/],
    ["returns false from proxy_on_vm_start", { proxy_on_vm_start: go }, /Failed to start base Wasm/],
    ["traps in proxy_on_configure", { proxy_on_configure: "unreachable" }, /Uncaught RuntimeError: unreachable/],
    ["traps in _initialize", { _initialize: "unreachable" }, /Function: _initialize failed/],
    ["calls what it may not while it starts", { _initialize: "(drop (call $proxy_done))" }, /restricted_callback/],
  ])("refuses a plugin that %s", async (_what, callbacks, reason) => {
    const module = await guest(() => callbacks);
    const error = await startEmulator({ plugins: [{ module, name: "it" }] }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PluginRejectedError);
    expect((error as PluginRejectedError).message).toMatch(/^plugin "it" was rejected:\n/);
    expect((error as PluginRejectedError).message).toMatch(reason);
  });

  it("refuses a module whose data does not fit into its memory", async () => {
    const module = await guest(() => ({}), { module: `(data (i32.const 131071) "too long")` });
    await expect(run({ module })).rejects.toThrow("Failed to create new Wasm instance");
  });

  it("traps what the allocator may not do, and fails the VM", async () => {
    const module = await guest(
      (w) => ({
        proxy_on_request_headers: `${w.logPairs(0)} ${go}`,
        proxy_on_memory_allocate: "(drop (call $proxy_done)) (i32.const 0)",
      }),
      {
        allocator: "unused",
      },
    );
    await using host = await run({ module });
    expect((await host.fetch("/")).status).toBe(503);
    expect(host.messages[0]).toContain(
      "Function: proxy_on_memory_allocate failed: Uncaught Error: restricted_callback",
    );
  });

  it("names the option that is wrong", async () => {
    await expect(startEmulator({ plugins: [], workers: 0 })).rejects.toMatchObject({ code: "OPTION_INVALID" });
    await expect(startEmulator({ plugins: [], routes: [{ match: { prefix: "/", path: "/" } }] })).rejects.toThrow(
      "routes[0].match: needs exactly one of prefix, path; found prefix and path",
    );
    await expect(startEmulator({ plugins: [], clusters: { a: { host: "", port: 1 } } })).rejects.toThrow("clusters.a:");
  });

  it("leaves out what the allowed capabilities do not name", async () => {
    await using host = await runGuest(
      (w) => ({
        proxy_on_request_headers: `${w.show("set", w.call("proxy_set_shared_data", ["k"], ["v"], 0))} ${go}`,
        proxy_on_response_headers: `${w.log("never")} ${go}`,
      }),
      { plugin: { allowedCapabilities: ["proxy_log", "proxy_on_request_headers"] } },
    );
    await host.fetch("/");
    expect(host.messages).toEqual([
      "Attempted call to restricted proxy-wasm capability: proxy_set_shared_data",
      "set=10",
    ]);
  });
});

describe("a trap", () => {
  const bad = { headers: { "x-trap": "yes" } };
  const good = {};

  it("is answered 503, logged with a backtrace, and ends nothing but its own VM", async () => {
    await using host = await run({ module: await trapping(), workers: 2 });
    expect((await host.fetch("/", bad)).status).toBe(503);
    expect(host.logs[0]).toMatchObject({ level: "error", source: "proxy" });
    expect(host.messages[0]).toMatch(
      /^Function: proxy_on_request_headers failed: Uncaught RuntimeError: unreachable\nProxy-Wasm plugin in-VM backtrace:\n {2}0: {2}0x[0-9a-f]+ - proxy_on_request_headers$/,
    );
    const answers = [await host.fetch("/", good), await host.fetch("/", good)].map((response) => response.status);
    expect(answers).toEqual([200, 503]);
  });

  it.each([
    ["closed", [503, 503, 503]],
    ["open", [503, 200, 200]],
    ["reload", [503, 503, 200]],
  ] as const)("under failure policy %s", async (failurePolicy, statuses) => {
    await using host = await run({ module: await trapping(), plugin: { failurePolicy } });
    const first = await host.fetch("/", bad);
    const second = await host.fetch("/", good);
    host.advance(1500);
    const third = await host.fetch("/", good);
    expect([first, second, third].map((response) => response.status)).toEqual(statuses);
    expect(host.messages.slice(1)).toEqual(failurePolicy === "reload" ? ["fine"] : []);
  });

  it.each(["proxy_on_response_headers", "proxy_on_request_body"])("in %s is answered 503", async (callback) => {
    await using host = await runGuest(() => ({ [callback]: "unreachable" }));
    expect((await host.fetch("/", { method: "POST", body: "x" })).status).toBe(503);
  });

  it("in proxy_on_response_body resets the stream, since headers are out", async () => {
    await using host = await runGuest(() => ({ proxy_on_response_body: "unreachable" }));
    await expect(host.fetch("/")).rejects.toMatchObject({ code: "STREAM_RESET" });
  });
});

describe("time", () => {
  it("fires each VM's timer when it is let pass", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_configure: `(drop ${w.call("proxy_set_tick_period_milliseconds", 100)}) ${yes}`,
      proxy_on_tick: w.show("tick", "(local.get $context_id)"),
    }));
    host.advance(99);
    expect(host.messages).toEqual([]);
    host.advance(201);
    // The main thread's VM ticks too.
    expect(host.messages).toHaveLength(6);
  });

  it("replays identically from a seed", async () => {
    const module = await guest((w) => ({
      proxy_on_request_headers: `${w.logValue(0, "x-request-id")} (drop ${w.call("random_get", 8, 4)}) ${w.show("random", "(i32.load (i32.const 8))")} ${go}`,
    }));
    const replay = async (seed: number) => {
      await using host = await run({ module, seed });
      await host.fetch("/");
      await host.fetch("/");
      return host.messages.join(" ");
    };
    expect(await replay(7)).toBe(await replay(7));
    expect(await replay(7)).not.toBe(await replay(8));
  });
});

describe("update", () => {
  const speaking = (text: string) =>
    guest((w) => ({
      proxy_on_request_headers: `${w.add(0, "x-v", text)} ${go}`,
      proxy_on_response_headers: `${w.log(`response ${text}`)} ${go}`,
      proxy_on_done: `${w.show(`done ${text}`, "(local.get $context_id)")} ${yes}`,
      proxy_on_delete: w.show(`delete ${text}`, "(local.get $context_id)"),
    }));

  it("puts new plugins in place, and ends the old ones when their last stream has", async () => {
    const clusters = { up: () => ({ body: "ok" }) };
    await using host = await startEmulator({ plugins: [{ module: await speaking("one") }], clusters });
    const open = new ScriptedStream(host).sendHeaders({ ":method": "POST" }, false);
    await host.update({ plugins: [{ module: await speaking("two") }], clusters });
    expect(host.logs.map((line) => line.message)).toEqual(["done one=1", "delete one=1"]);
    open.sendData("", true);
    expect(open.events).toEqual(["headers 200", "data ok", "end"]);
    expect(host.logs.map((line) => line.message).slice(2)).toEqual([
      "response one",
      "done one=2",
      "delete one=2",
      "done one=1",
      "delete one=1",
    ]);
    await host.fetch("/");
    expect(host.logs.at(-3)!.message).toBe("response two");
  });

  it("keeps the old side when the new one is refused", async () => {
    const clusters = { up: () => ({ body: "ok" }) };
    await using host = await startEmulator({ plugins: [{ module: await speaking("one") }], clusters });
    const refusing = await guest(() => ({ proxy_on_configure: go }));
    await expect(host.update({ plugins: [{ module: refusing }] })).rejects.toBeInstanceOf(PluginRejectedError);
    await expect(host.update({ plugins: [{ module: "/nowhere.wasm" }] })).rejects.toMatchObject({
      code: "MODULE_NOT_FOUND",
    });
    expect((await host.fetch("/")).status).toBe(200);
    expect(host.requests("up")[0]!.header("x-v")).toBe("one");
  });

  describe("lets a plugin that asks for time", () => {
    const lingering = async () =>
      await guest((w) => ({
        proxy_on_configure: `(drop ${w.call("proxy_set_tick_period_milliseconds", 100)}) ${yes}`,
        proxy_on_done: `${w.log("not yet")} ${go}`,
        proxy_on_tick: `${w.show("proxy_done", w.call("proxy_done"))}`,
        proxy_on_delete: w.log("delete"),
      }));

    it("live on until it calls proxy_done, if another plugin keeps the VM", async () => {
      const stays = { module: await lingering(), name: "stays" };
      await using host = await startEmulator({ plugins: [stays, { ...stays, name: "goes" }] });
      await host.update({ plugins: [stays] });
      host.advance(100);
      const messages = host.logs.map(({ message }) => message);
      const count = (text: string) => messages.filter((message) => message === text).length;
      // On the main thread and on one worker.
      expect([count("not yet"), count("proxy_done=0"), count("delete")]).toEqual([2, 2, 2]);
    });

    it("end with its VM, as in Envoy, if none does", async () => {
      await using host = await startEmulator({ plugins: [{ module: await lingering() }] });
      await host.update({ plugins: [] });
      host.advance(200);
      expect(host.logs.map(({ message }) => message)).toEqual(["not yet", "not yet"]);
    });
  });
});

it("waits for a log line, past or coming, and says what was logged when none comes", async () => {
  await using host = await runGuest((w) => ({ proxy_on_request_headers: `${w.log("hello world")} ${go}` }));
  const coming = host.waitForLog(/^hello/);
  await host.fetch("/");
  expect((await coming).message).toBe("hello world");
  expect((await host.waitForLog("world")).level).toBe("info");
});
