import { ConfigReader } from "../config";
import { Status } from "../abi/enums";
import { proxy_done } from "../abi/imports";
import { ByteView } from "../memory/byte-view";
import { QueueReader } from "../shared/shared-queue";
import { Timer } from "../time/timer";
import { HttpFilter } from "./http-filter";
import { TcpFilter } from "./tcp-filter";

/**
 * One configured filter: what an Envoy `PluginConfig` or an Istio `WasmPlugin` describes. Its fields hold the compiled
 * configuration, shared by all streams; {@link createFilter} makes the object that follows one stream.
 *
 * Every worker thread of the proxy has a plugin object of its own, and the proxy makes two more: one to try the
 * configuration, one on its main thread.
 */
export abstract class Plugin {
  /** @internal The timers that run, linked. */
  runningTimers: Timer | null = null;
  /** @internal The readers of queues, linked. */
  queueReaders: QueueReader | null = null;

  /**
   * Reads the configuration. Problems are collected by the reader: a field of the wrong type, a missing or unknown
   * field, whatever you add by {@link ConfigReader.error}. If there is any, all are logged at `critical` and the proxy
   * rejects the plugin.
   *
   * Called once, before any stream. An empty configuration is the empty object. A plugin without this method takes any
   * configuration and ignores it.
   */
  configure(config: ConfigReader): void {}

  /**
   * The object that follows a new HTTP stream. A filter class whose fields never change after the constructor can be
   * made once and returned for every stream; that saves an allocation.
   */
  createFilter(): HttpFilter {
    return passThrough;
  }

  /**
   * The object that follows a new TCP connection, of a plugin that is loaded as a network filter. A plugin is for one
   * kind of stream: with this method {@link createFilter} is not called. One module can hold plugins of both kinds
   * ({@link registerPlugin}).
   */
  createTcpFilter(): TcpFilter | null {
    return null;
  }

  /**
   * Fires `timer` every `periodMs` milliseconds from now on, or only once; a timer that runs already starts anew.
   *
   * Allowed in: callbacks of this plugin and of its streams.
   */
  startTimer(timer: Timer, periodMs: u32, repeats: bool = true): void {
    timer.start(this, periodMs, repeats);
  }

  /**
   * Opens the queue `name` and hands its items to `reader`, those that are in it when the next one comes too. The name is
   * the plugin's own unless it is `raw`.
   *
   * Allowed in: callbacks of this plugin, such as `configure`.
   */
  readQueue(reader: QueueReader, name: string, raw: bool = false): void {
    reader.open(this, name, raw);
  }

  /**
   * The proxy calls a function of the filter. Envoy never does by itself: it takes an extension of its own that calls
   * plugins.
   *
   * @param functionId what the extension and the filter have agreed on
   * @param args valid until the callback returns
   */
  onForeignFunction(functionId: u32, args: ByteView): void {}

  /**
   * The proxy is about to drop the plugin: its configuration was removed or replaced, or the proxy is ending. `true`
   * lets it go now; `false` keeps it until {@link done} is called, or until its VM ends: that is at once, unless another
   * plugin shares the VM.
   */
  onDone(): bool {
    return true;
  }

  /**
   * Lets the proxy drop the plugin, after {@link onDone} has answered `false`.
   *
   * Allowed in: callbacks of this plugin, such as a timer.
   *
   * @returns `false` when the proxy was not waiting for it
   */
  done(): bool {
    return proxy_done() == Status.Ok;
  }
}

const passThrough = new HttpFilter();
