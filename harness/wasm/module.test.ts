import { describe, expect, it } from "vitest";
import { startEmulator } from "../emulator/emulator.ts";
import { assemble, guest } from "../testing/guest.ts";
import { loadModule } from "./module.ts";

const marker = `(func (export "proxy_abi_version_0_2_1"))`;
const memory = `(memory (export "memory") 1)`;
const malloc = `(func (export "malloc") (param i32) (result i32) i32.const 0)`;
const whole = `${marker}${memory}${malloc}`;

async function problem(module: string | Uint8Array | Promise<Uint8Array>): Promise<string> {
  try {
    await loadModule(await module);
    return "loads";
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code} ${message}`;
  }
}

describe("loadModule", () => {
  it("takes a module that Envoy would load", async () => {
    const { abiVersion } = await loadModule(await assemble(`(module ${whole})`));
    expect(abiVersion).toBe("0.2.1");
  });

  it("compiles the same code once", async () => {
    const code = await guest(() => ({}));
    expect(await loadModule(code)).toBe(await loadModule(new Uint8Array(code)));
  });

  it.each([
    ["a missing file", "/nowhere/filter.wasm", /^MODULE_NOT_FOUND \/nowhere\/filter.wasm: .*there is no such file/],
    ["an empty file", new Uint8Array(0), /^MODULE_INVALID module: the module is empty/],
    ["text", Buffer.from("hello world"), /^MODULE_INVALID module: not a WebAssembly module/],
    ["half a module", assemble(`(module ${whole})`).then((code) => code.subarray(0, code.length - 5)), /truncated/],
    ["no marker", assemble(`(module ${memory}${malloc})`), /no Proxy-Wasm ABI marker: export one of/],
    [
      "a marker that is no function",
      assemble(`(module (memory (export "proxy_abi_version_0_2_1") 1))`),
      /no Proxy-Wasm/,
    ],
    [
      "an unknown import",
      assemble(`(module (import "env" "abort" (func)) ${whole})`),
      /imports env\.abort.*--use abort=/,
    ],
    [
      "an unknown namespace",
      assemble(`(module (import "m" "f" (func)) ${whole})`),
      /imports m\.f, which Envoy does not/,
    ],
    [
      "an import of another ABI version",
      assemble(`(module (import "env" "proxy_continue_request" (func (result i32))) ${whole})`),
      /ABI 0\.2\.1 does not have it \(only 0\.1\.0 does\)/,
    ],
    [
      "an import of another type",
      assemble(`(module (import "env" "proxy_log" (func (param i64))) ${whole})`),
      /import type mismatch: .*env\.proxy_log as i64 -> void, but Envoy supplies i32, i32, i32 -> i32/,
    ],
    [
      "WASI's own path_link, whose type Envoy has wrong",
      assemble(
        `(module (import "wasi_snapshot_preview1" "path_link"
          (func (param i32 i32 i32 i32 i32 i32 i32) (result i32))) ${whole})`,
      ),
      /import type mismatch/,
    ],
    ["an imported global", assemble(`(module (import "env" "g" (global i32)) ${whole})`), /imports the global env\.g/],
    ["no memory", assemble(`(module ${marker}${malloc})`), /exports no memory/],
    ["no allocator", assemble(`(module ${marker}${memory})`), /exports no allocator.*proxy_on_memory_allocate/],
    [
      "a callback of another type",
      assemble(`(module ${whole} (func (export "proxy_on_tick")))`),
      /bad function signature: the proxy calls proxy_on_tick as i32 -> void, but the module exports void -> void/,
    ],
    [
      "v128 in an exported signature",
      assemble(`(module ${whole} (func (export "f") (param v128)))`),
      /exported function f has v128/,
    ],
  ])("refuses %s in one sentence", async (_what, module, message) => {
    const found = await problem(module);
    expect(found).toMatch(message);
    expect(found).not.toMatch(/\n|\bat /);
  });

  it("loads a module whose start section leaves the proxy alone, and ends one that calls it", async () => {
    const alone = await assemble(`(module ${whole} (func $s) (start $s))`);
    await using host = await startEmulator({ plugins: [{ module: alone }] });
    expect((await host.fetch("/")).status).toBe(200);
    const calling = await assemble(`(module (import "env" "proxy_done" (func $done (result i32))) ${whole}
      (func $s (drop (call $done))) (start $s))`);
    await expect(startEmulator({ plugins: [{ module: calling }] })).rejects.toThrow(
      /start section calls the proxy.*--exportStart _initialize/,
    );
  });

  it.each([
    [
      "_start of any type when _initialize is there",
      `(func (export "_initialize")) (func (export "_start") (param i32))`,
    ],
    ["an alias of any type when malloc is there", `(func (export "proxy_on_memory_allocate"))`],
    ["an imported memory", ""],
  ])("does not look at %s", async (what, extra) => {
    const own = what === "an imported memory" ? `(import "env" "memory" (memory 1))${marker}${malloc}` : whole;
    expect(await problem(assemble(`(module ${own} ${extra})`))).toBe("loads");
  });
});
