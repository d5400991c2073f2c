import { startEmulator, Emulator, type EmulatorOptions } from "../emulator/emulator.ts";
import type { MockCluster, PluginOptions } from "../host.ts";
import { guest, type GuestCallbacks, type GuestWriter } from "./guest.ts";

export interface RunOptions extends Partial<EmulatorOptions> {
  /** A module, or the callbacks of one; `plugins` for more than one. */
  module?: Uint8Array;
  plugin?: Omit<PluginOptions, "module">;
  /** The cluster `up`; answers 200 with the body `ok` when absent. */
  up?: MockCluster;
}

/** An emulator with one plugin and the cluster `up`. */
export async function run(options: RunOptions): Promise<Emulator & { readonly messages: string[] }> {
  const { module, plugin, up, ...rest } = options;
  const emulator = await startEmulator({
    plugins: module === undefined ? [] : [{ module, ...plugin }],
    clusters: { up: up ?? (() => ({ body: "ok" })) },
    ...rest,
  });
  Object.defineProperty(emulator, "messages", { get: () => emulator.logs.map((line) => line.message) });
  return emulator as Emulator & { readonly messages: string[] };
}

/** As {@link run}, with a guest written here. */
export async function runGuest(
  write: (w: GuestWriter) => GuestCallbacks,
  options: RunOptions = {},
): Promise<Emulator & { readonly messages: string[] }> {
  return await run({ module: await guest(write), ...options });
}
