import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { readFile } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { HarnessError, serve, startEmulator, type HostOptions } from "@attache/harness";
import { findEnvoy, startEnvoy } from "@attache/harness/envoy";
import { eachHost } from "@attache/harness/vitest";
import { beforeAll, describe, expect, it } from "vitest";
import wabtLoader from "wabt";
import { Random } from "../harness/emulator/random.ts";
import { fuzzInputs, fuzzTimeout } from "./fuzz-inputs.ts";
import { compileFilter, filterSource } from "./compile-filter.ts";

const good = new URL("../examples/hello-headers/build/plugin.wasm", import.meta.url);

async function module(text: string): Promise<Uint8Array> {
  const wabt = await wabtLoader();
  return wabt.parseWat("module.wat", `(module ${text})`).toBinary({}).buffer;
}

const envoy = await findEnvoy();

const marker = `(func (export "proxy_abi_version_0_2_1"))`;
const memory = `(memory (export "memory") 1)`;
const allocator = `(func (export "malloc") (param i32) (result i32) (i32.const 1024))`;

eachHost("a module that cannot be used", (start) => {
  const complaint = async (bytes: Uint8Array | string): Promise<string> =>
    await start({ plugins: [{ module: bytes }] }).then(
      () => "it was taken",
      (error: unknown) => (error instanceof HarnessError ? `${error.code}: ${error.message}` : String(error)),
    );

  it("because the file is missing, is named", async () => {
    expect(await complaint("no/such/file.wasm")).toMatch(/^MODULE_NOT_FOUND: .*no\/such\/file\.wasm: .*no such file/);
  });

  it("because it is not WebAssembly, is named", async () => {
    expect(await complaint(Buffer.from("#!/bin/sh\n"))).toMatch(/^MODULE_INVALID: .*not a WebAssembly module/);
  });

  it("because it is empty, is named", async () => {
    expect(await complaint(new Uint8Array())).toMatch(/^MODULE_INVALID: .*empty/);
  });

  it("because it is truncated, is named", async () => {
    const whole = await readFile(good);
    expect(await complaint(whole.subarray(0, whole.length >> 1))).toMatch(/^MODULE_INVALID: .*truncated or corrupt/);
  });

  it.each([
    ["has no ABI marker", `${memory}${allocator}`, /no Proxy-Wasm ABI marker/],
    ["lacks an allocator", `${marker}${memory}`, /proxy_on_memory_allocate|malloc/],
    [
      "imports what Envoy lacks",
      `(import "env" "abort" (func (param i32 i32 i32 i32)))${marker}${memory}${allocator}`,
      /env\.abort/,
    ],
    [
      "has a callback of another type",
      `${marker}${memory}${allocator}(func (export "proxy_on_log") (result i32) (i32.const 0))`,
      /proxy_on_log/,
    ],
  ])("because it %s, is named", async (_, text, reason) => {
    const said = await complaint(await module(text));
    expect(said).toMatch(/^MODULE_INVALID: /);
    expect(said).toMatch(reason);
    expect(said).not.toMatch(/\n\s+at /);
  });
});

eachHost("a filter that traps", (start) => {
  let trapping: Uint8Array;
  beforeAll(async () => {
    trapping = await compileFilter(
      filterSource(`override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
        if (headers.path == "/trap") unreachable();
        headers.set("x-seen", "yes");
        return FilterHeaders.Continue;
      }`),
    );
  });
  const proxy = (failurePolicy: "closed" | "open"): HostOptions => ({
    plugins: [{ module: trapping, failurePolicy }],
    clusters: { app: (request) => ({ body: request.header("x-seen") ?? "unseen" }) },
  });

  it("fails its own request, and with policy closed all later ones", async () => {
    await using host = await start(proxy("closed"));
    expect((await host.fetch("/")).text()).toBe("yes");
    expect((await host.fetch("/trap")).status).toBe(503);
    expect((await host.fetch("/")).status).toBe(503);
  });

  it("fails its own request, and with policy open is passed over from then on", async () => {
    await using host = await start(proxy("open"));
    expect((await host.fetch("/")).text()).toBe("yes");
    expect((await host.fetch("/trap")).status).toBe(503);
    expect((await host.fetch("/")).text()).toBe("unseen");
  });
});

eachHost("an upstream that is down", (start) => {
  it("is answered 503 with Envoy's words", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const clusters = { down: { host: "127.0.0.1", port } };
    await using host = await start({ plugins: [{ module: good }], clusters });
    const response = await host.fetch("/");
    expect(response.status).toBe(503);
    expect(response.text()).toMatch(/^upstream connect error or disconnect\/reset before headers\. /);
    expect(response.header("x-hello")).toBe("world");
  });

  it("that closes the connection instead of answering, too", async () => {
    await using host = await start({ plugins: [{ module: good }], clusters: { app: () => ({ reset: true }) } });
    const response = await host.fetch("/");
    expect([response.status, response.text().slice(0, 30)]).toEqual([503, "upstream connect error or disc"]);
  });
});

describe("a port that is in use", () => {
  const occupied = async (): Promise<Server> => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return server;
  };
  const portOf = (server: Server) => (server.address() as AddressInfo).port;
  const inUse = (port: number) => ({ code: "PORT_IN_USE", message: expect.stringContaining(String(port)) as string });

  it("is named by the emulator", async () => {
    await using server = await occupied();
    await using emulator = await startEmulator({ plugins: [] });
    await expect(serve(emulator, { port: portOf(server) })).rejects.toMatchObject(inUse(portOf(server)));
  });

  it.skipIf(envoy === null)("is named by the runner of Envoy", async () => {
    await using server = await occupied();
    await expect(startEnvoy({ plugins: [], port: portOf(server) })).rejects.toMatchObject(inUse(portOf(server)));
  });
});

it(
  "whatever bytes of a filter are changed, it has an outcome: an answer, none, or an error that says why",
  async () => {
    const whole = await readFile(good);
    const random = new Random(1);
    const outcomes = new Set<string>();
    const count = Math.max(1000, Math.floor(fuzzInputs(0) / 10));
    for (let i = 0; i < count; i++) {
      const mutant = Uint8Array.from(whole);
      for (let n = 0; n < 2; n++) mutant[8 + (random.next() % (whole.length - 8))] = random.next() & 0xff;
      outcomes.add(await outcomeOf(mutant));
    }
    const possible = ["200", "503", "none", "MODULE_INVALID", "PLUGIN_REJECTED", "CALLBACK_ENDLESS", "STREAM_RESET"];
    expect(possible).toEqual(expect.arrayContaining([...outcomes]));
    expect([...outcomes]).toEqual(expect.arrayContaining(["200", "MODULE_INVALID"]));
  },
  fuzzTimeout(60_000),
);

async function outcomeOf(module: Uint8Array): Promise<string> {
  const options = { plugins: [{ module }], clusters: { app: () => ({ body: "ok" }) }, callbackDeadlineMs: 50 };
  try {
    await using host = await startEmulator(options);
    const answer = host.fetch("/", { method: "POST", body: "abc" }).then(({ status }) => String(status));
    answer.catch(() => {});
    // The emulator answers at once or, as it holds the request, never.
    return await Promise.race([answer, nextTurn("none")]);
  } catch (error) {
    if (error instanceof HarnessError) return error.code;
    throw error;
  }
}
