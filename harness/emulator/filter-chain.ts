import type { FilterManager } from "../http/filter-manager.ts";
import type { DownstreamConnection } from "../tcp/downstream-connection.ts";
import { FailedNetworkFilter } from "../tcp/failed-filter.ts";
import { FailedFilter } from "../wasm/failed-filter.ts";
import { HttpContext } from "../wasm/http-context.ts";
import { NetworkContext } from "../wasm/network-context.ts";
import { tryPlugin, type KnownVms } from "./canary.ts";
import type { Plugin } from "./plugin.ts";
import type { ProxyServices } from "./services.ts";
import type { PluginHandle, Worker } from "./worker.ts";

/** How long a failed VM is left alone before a new one is built, under failure policy `reload`. */
const reloadAfterMs = 1000;

/** A plugin on one worker, through failures and reloads. */
class PluginSlot {
  readonly plugin: Plugin;
  readonly #worker: Worker;
  #handle: PluginHandle | null;
  #loadedAt: number;

  constructor(plugin: Plugin, worker: Worker) {
    this.plugin = plugin;
    this.#worker = worker;
    this.#handle = worker.acquire(plugin);
    this.#loadedAt = worker.services.clock.now();
  }

  /** Adds this plugin's filter to the chain of an HTTP stream, if the stream gets one. */
  addFilter(manager: FilterManager): void {
    const handle = this.#liveHandle();
    if (handle === null) return;
    if (!handle.vm.isFailed) new HttpContext(handle.vm, handle.context, manager, handle);
    else if (this.plugin.failurePolicy !== "open") new FailedFilter(manager);
  }

  /** Adds this plugin's filter to the chain of a TCP connection, if it gets one. */
  addNetworkFilter(connection: DownstreamConnection): void {
    const handle = this.#liveHandle();
    if (handle === null) return;
    if (!handle.vm.isFailed) new NetworkContext(handle.vm, handle.context, connection, handle);
    else if (this.plugin.failurePolicy !== "open") new FailedNetworkFilter(connection);
  }

  callForeignFunction(functionId: number, args: Uint8Array): void {
    this.#handle?.context.callForeignFunction(functionId, args);
  }

  release(): void {
    this.#handle?.release();
    this.#handle = null;
  }

  /** The plugin on this worker, in a new VM if the old one failed and it is time. */
  #liveHandle(): PluginHandle | null {
    if (this.#handle?.vm.isFailed && this.plugin.failurePolicy === "reload") this.#reload();
    return this.#handle;
  }

  #reload(): void {
    const { clock, random } = this.#worker.services;
    const backoff = reloadAfterMs + (random.next() % (reloadAfterMs / 2));
    if (clock.now() - this.#loadedAt < backoff) return;
    this.#loadedAt = clock.now();
    const handle = this.#worker.acquire(this.plugin);
    if (handle === null) return;
    this.#handle!.release();
    this.#handle = handle;
  }
}

/** The plugins of one listener, on the main thread and on every worker. */
export class FilterChain {
  readonly vmIds: ReadonlySet<string>;
  readonly vmKeys: ReadonlySet<string>;
  readonly #slots: PluginSlot[][];

  /** `workers[0]` is the main thread, which takes no streams. Throws when a plugin is refused. */
  constructor(plugins: readonly Plugin[], workers: readonly Worker[], services: ProxyServices, known: KnownVms) {
    this.#slots = workers.map(() => []);
    this.vmIds = new Set(plugins.map((plugin) => plugin.vm.id));
    this.vmKeys = new Set(plugins.map((plugin) => plugin.vm.key));
    try {
      for (const plugin of plugins) {
        tryPlugin(plugin, services, known);
        this.#slots[0]!.push(new PluginSlot(plugin, workers[0]!));
      }
    } catch (error) {
      this.release();
      throw error;
    }
    for (const [i, worker] of workers.entries()) {
      if (i > 0) for (const plugin of plugins) this.#slots[i]!.push(new PluginSlot(plugin, worker));
    }
  }

  /** Calls plugin number `plugin` of the chain, on every thread. */
  callForeignFunction(plugin: number, functionId: number, args: Uint8Array): void {
    for (const slots of this.#slots) slots[plugin]!.callForeignFunction(functionId, args);
  }

  addFilters(worker: number, manager: FilterManager): void {
    for (const slot of this.#slots[worker]!) slot.addFilter(manager);
  }

  addNetworkFilters(worker: number, connection: DownstreamConnection): void {
    for (const slot of this.#slots[worker]!) slot.addNetworkFilter(connection);
  }

  release(): void {
    for (const slots of this.#slots) for (const slot of slots) slot.release();
  }
}
