import { Worker } from "node:worker_threads";
import { HarnessError, PluginRejectedError } from "@attache/harness";
import { describe, expect, it } from "vitest";
import { guest, type GuestCallbacks, type GuestWriter } from "../testing/guest.ts";
import { runGuest, type RunOptions } from "../testing/run.ts";

const forever = "(loop $again (br $again))";

const endless: readonly [what: string, body: string, module?: string][] = [
  ["loops", forever],
  ["loops with a condition", "(loop $again (br_if $again (i32.const 1)))"],
  [
    "calls itself in a tree",
    "(call $tree (i32.const 100))",
    `(func $tree (param i32) (if (local.get 0) (then
      (call $tree (i32.sub (local.get 0) (i32.const 1)))
      (call $tree (i32.sub (local.get 0) (i32.const 1))))))`,
  ],
  ["calls itself as its last act", "(call $tail)", "(func $tail (return_call $tail))"],
  [
    "calls itself through a table",
    "(call $via)",
    `(table 1 funcref) (elem (i32.const 0) $via) (type $none (func))
     (func $via (return_call_indirect (type $none) (i32.const 0)))`,
  ],
  [
    "fills memory",
    "(drop (memory.grow (i32.const 1000))) (loop $l (memory.fill (i32.const 65536) (i32.const 0) (i32.const 60000000)) (br $l))",
  ],
  ["logs", "(loop $l (drop (call $proxy_log (i32.const 0) (i32.const 0) (i32.const 60000))) (br $l))"],
  [
    "asks for headers, each time through its allocator",
    "(loop $l (drop (call $proxy_get_header_map_pairs (i32.const 0) (i32.const 0) (i32.const 4))) (br $l))",
  ],
];

const limited: RunOptions = { callbackDeadlineMs: 30 };

const callbacks = (name: string, body: string) => (): GuestCallbacks => ({ [name]: `${body} (i32.const 0)` });

describe("a guest that does not return", () => {
  it.each(endless)("is ended when it %s", async (_, body, module) => {
    const code = await guest(callbacks("proxy_on_request_headers", body), module === undefined ? {} : { module });
    await using host = await runGuest(() => ({}), { ...limited, module: code });
    await expect(host.fetch("/")).rejects.toMatchObject({
      code: "CALLBACK_ENDLESS",
      message: expect.stringContaining(
        'plugin "plugin": proxy_on_request_headers did not return within 30 ms',
      ) as string,
    });
    expect(host.diagnostics).toMatchObject([{ code: "CALLBACK_ENDLESS", plugin: "plugin" }]);
  });

  it("is ended in its start section", async () => {
    const code = await guest(() => ({}), { module: `(func $spin ${forever}) (start $spin)` });
    await expect(runGuest(() => ({}), { ...limited, module: code })).rejects.toMatchObject({
      code: "CALLBACK_ENDLESS",
      message: expect.stringContaining("the start section did not return within 30 ms") as string,
    });
  });

  it("is found by its backtrace", async () => {
    const code = await guest(callbacks("proxy_on_request_headers", "(call $spin)"), {
      module: `(func $spin ${forever})`,
    });
    await using host = await runGuest(() => ({}), { ...limited, module: code });
    await expect(host.fetch("/")).rejects.toThrow(
      / 0: {2}0x[0-9a-f]+ - spin\n {2}1: {2}0x[0-9a-f]+ - proxy_on_request_headers$/,
    );
  });

  it("leaves an emulator that says so to everything", async () => {
    await using host = await runGuest(callbacks("proxy_on_request_headers", forever), limited);
    const error: unknown = await host.fetch("/").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(HarnessError);
    await expect(host.fetch("/")).rejects.toBe(error);
    await expect(host.update({ plugins: [] })).rejects.toBe(error);
    expect(() => host.advance(1)).toThrow(error as Error);
    expect(() => host.connect()).not.toThrow();
  });

  it("fails the requests that wait for others, too", async () => {
    const tick = (w: GuestWriter): GuestCallbacks => ({
      proxy_on_configure: `(drop ${w.call("proxy_set_tick_period_milliseconds", 10)}) (i32.const 1)`,
      proxy_on_tick: forever,
      proxy_on_request_headers: "(i32.const 1)",
    });
    await using host = await runGuest(tick, limited);
    const held = expect(host.fetch("/")).rejects.toMatchObject({ code: "CALLBACK_ENDLESS" });
    expect(() => host.advance(10)).toThrow("proxy_on_tick did not return");
    await held;
  });

  it.each(["_initialize", "proxy_on_vm_start", "proxy_on_configure"])(
    "keeps the emulator from starting: %s",
    async (name) => {
      const code = await guest(name === "_initialize" ? () => ({}) : callbacks(name, forever), {
        module: name === "_initialize" ? `(func (export "_initialize") ${forever})` : "",
      });
      const error: unknown = await runGuest(() => ({}), { ...limited, module: code }).catch(
        (reason: unknown) => reason,
      );
      expect(error).not.toBeInstanceOf(PluginRejectedError);
      expect(error).toMatchObject({
        code: "CALLBACK_ENDLESS",
        message: expect.stringContaining(`: ${name} did not`) as string,
      });
    },
  );

  it("cannot save itself by catching what ends it", async () => {
    const code = await guest(
      callbacks("proxy_on_request_headers", `(loop $again (try (do ${forever}) (catch_all)) (br $again))`),
    );
    await using host = await runGuest(() => ({}), { ...limited, module: code });
    await expect(host.fetch("/")).rejects.toMatchObject({ code: "CALLBACK_ENDLESS" });
  });

  it("is ended in a worker thread", async () => {
    const run = new URL("../testing/run.ts", import.meta.url).href;
    const program = `
      import { parentPort } from "node:worker_threads";
      import { runGuest } from ${JSON.stringify(run)};
      const guest = () => ({ proxy_on_request_headers: ${JSON.stringify(`${forever} (i32.const 0)`)} });
      const host = await runGuest(guest, { callbackDeadlineMs: 30 });
      parentPort.postMessage(await host.fetch("/").catch(({ code }) => code));`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`));
    expect(await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject))).toBe(
      "CALLBACK_ENDLESS",
    );
  });
});

it("a guest may take long, in many callbacks and in one", async () => {
  const work =
    "(local $n i32) (loop $l (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 3000000)))) (i32.const 0)";
  await using host = await runGuest(() => ({ proxy_on_request_headers: work }));
  for (let i = 0; i < 20; i++) expect((await host.fetch("/")).status).toBe(200);
});

it.each([0, -1, Number.NaN])("a deadline of %d is refused", async (callbackDeadlineMs) => {
  await expect(runGuest(() => ({}), { callbackDeadlineMs })).rejects.toThrow(
    `callbackDeadlineMs: ${callbackDeadlineMs} is no number above 0`,
  );
});
