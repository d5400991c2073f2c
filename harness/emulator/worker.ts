import type { Context } from "../wasm/context.ts";
import { PluginContext } from "../wasm/plugin-context.ts";
import { Vm } from "../wasm/vm.ts";
import type { Plugin } from "./plugin.ts";
import type { ProxyServices } from "./services.ts";

/** One thread of the proxy: the main one or a worker. Each has its own VM of every key. */
export class Worker {
  readonly services: ProxyServices;
  /** Whose callback the guest is in. */
  current: Context | null = null;
  /** The context host calls act on instead of {@link current}; 0 when it is the same. */
  effectiveContextId = 0;
  readonly #handles = new Map<string, PluginHandle>();
  readonly #vms = new Map<string, Vm>();

  constructor(services: ProxyServices) {
    this.services = services;
  }

  /** The plugin on this worker, started when it is not yet; `null` when it refuses to start here. */
  acquire(plugin: Plugin): PluginHandle | null {
    const key = `${plugin.vm.key}||${plugin.key}`;
    const known = this.#handles.get(key);
    if (known !== undefined) {
      known.retain();
      return known;
    }
    const vm = this.#vms.get(plugin.vm.key) ?? this.#createVm(plugin);
    if (vm === null) return null;
    const context = new PluginContext(vm, plugin);
    const refusal = context.start()
      ? context.configure()
        ? null
        : "configure thread-local Wasm plugin"
      : "start thread-local Wasm";
    if (refusal !== null) {
      this.services.log.proxy("error", `Wasm VM failed Failed to ${refusal}`);
      context.release();
      return null;
    }
    const handle = new PluginHandle(vm, context, () => {
      if (this.#handles.get(key) === handle) this.#handles.delete(key);
      context.shutDown();
      if (vm.pluginContexts.size === 0) this.#endVm(vm);
    });
    this.#handles.set(key, handle);
    const forgetVm = vm.onFailure;
    vm.onFailure = () => {
      forgetVm?.();
      if (this.#handles.get(key) === handle) this.#handles.delete(key);
    };
    return handle;
  }

  get calloutsInFlight(): number {
    let count = 0;
    for (const { context } of this.#handles.values()) count += context.calloutsInFlight;
    return count;
  }

  /** The last plugin is gone: whatever asked to live on until `proxy_done` ends with its VM. */
  #endVm(vm: Vm): void {
    if (this.#vms.get(vm.options.key) === vm) this.#vms.delete(vm.options.key);
    for (const pending of vm.pendingDone.values()) pending.release();
    vm.pendingDone.clear();
  }

  #createVm(plugin: Plugin): Vm | null {
    const vm = new Vm(plugin.vm, this);
    if (vm.isFailed) return null;
    const { key } = plugin.vm;
    this.#vms.set(key, vm);
    // A failed VM is never given to another plugin; a new one can take its place.
    vm.onFailure = () => {
      if (this.#vms.get(key) === vm) this.#vms.delete(key);
    };
    return vm;
  }
}

/** A plugin that runs on a worker, as long as a configuration or a stream uses it. */
export class PluginHandle {
  readonly vm: Vm;
  readonly context: PluginContext;
  readonly #onUnused: () => void;
  #users = 1;

  constructor(vm: Vm, context: PluginContext, onUnused: () => void) {
    this.vm = vm;
    this.context = context;
    this.#onUnused = onUnused;
  }

  retain(): void {
    this.#users++;
  }

  release(): void {
    if (--this.#users === 0) this.#onUnused();
  }
}
