import { afterAll, describe } from "vitest";
import { startEmulator } from "../index.ts";
import { startEnvoy } from "../envoy/envoy-host.ts";
import { findEnvoy } from "../envoy/install.ts";
import { stopIdleEnvoys } from "../envoy/pool.ts";
import type { Host, StartHost } from "../host.ts";

/** Suites of {@link eachHost} that could not run for want of an Envoy; `npm test` reports them. */
export const withoutEnvoy = "no Envoy on this machine";

/**
 * A suite that runs twice: in the emulator and in a real Envoy. The report names the host after the suite.
 *
 * ```ts
 * eachHost("greeting", (start) => {
 *   it("greets", async () => {
 *     await using host = await start({ plugins: [{ module: "build/plugin.wasm" }] });
 *     expect((await host.fetch("/")).header("x-greeting")).toBe("hello");
 *   });
 * });
 * ```
 *
 * Without an Envoy its half is skipped, visibly.
 */
export function eachHost(name: string, define: (start: StartHost, kind: Host["kind"]) => void): void {
  describe(`${name} [emulator]`, () => define(startEmulator, "emulator"));
  describe.skipIf(envoy === null)(`${name} [envoy]${envoy === null ? `: ${withoutEnvoy}` : ""}`, () => {
    afterAll(stopIdleEnvoys);
    define(startEnvoy, "envoy");
  });
}

const envoy = await findEnvoy();
