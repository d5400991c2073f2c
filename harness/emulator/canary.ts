import { PluginRejectedError } from "../errors.ts";
import { laterWasiImport } from "../wasm/link.ts";
import { PluginContext } from "../wasm/plugin-context.ts";
import { Vm } from "../wasm/vm.ts";
import type { Plugin } from "./plugin.ts";
import type { ProxyServices } from "./services.ts";
import { Worker } from "./worker.ts";

/** Keys of VMs whose module was started, with the plugins that were tried in each. */
export type KnownVms = Map<string, Set<string>>;

/**
 * Starts the module without any plugin, then the plugin in a VM that is thrown away, unless that was done before.
 *
 * Throws when either fails. What the guest does here to shared data, queues and metrics stays.
 */
export function tryPlugin(plugin: Plugin, services: ProxyServices, known: KnownVms): void {
  const firstLine = services.log.lines.length;
  const reason = whyRefused(plugin, services, known);
  if (reason === null) return;
  services.log.proxy("error", `Wasm VM failed ${reason}`);
  services.log.proxy("critical", `Plugin ${plugin.name} failed to load`);
  // Envoy says so whatever the failure policy is.
  services.log.proxy("critical", "Plugin configured to fail closed failed to load");
  throw new PluginRejectedError(plugin.name, services.log.lines.slice(firstLine));
}

function whyRefused(plugin: Plugin, services: ProxyServices, known: KnownVms): string | null {
  const missing = services.rules.hasLaterWasi ? null : laterWasiImport(plugin.vm.module.shape);
  if (missing !== null) {
    const name = `${missing.module}.${missing.name}`;
    services.log.proxy("error", `Failed to load Wasm module due to a missing import: ${name}`);
    return "Failed to initialize Wasm code";
  }
  let tried = known.get(plugin.vm.key);
  if (tried === undefined) {
    if (new Vm(plugin.vm, new Worker(services)).isFailed) return "Failed to initialize Wasm code";
    known.set(plugin.vm.key, (tried = new Set()));
  }
  if (tried.has(plugin.key)) return null;
  const canary = new Vm(plugin.vm, new Worker(services));
  if (canary.isFailed) return "Failed to initialize Wasm code";
  const context = new PluginContext(canary, plugin);
  try {
    if (!context.start()) return "Failed to start base Wasm";
    if (!context.configure()) return "Failed to configure base Wasm plugin";
  } finally {
    context.release();
  }
  tried.add(plugin.key);
  return null;
}
