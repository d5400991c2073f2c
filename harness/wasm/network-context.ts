import { BufferType, Status, StreamType } from "../abi/status.ts";
import type { Plugin } from "../emulator/plugin.ts";
import type { PluginHandle } from "../emulator/worker.ts";
import type { ByteBuffer } from "../http/byte-buffer.ts";
import type { StreamInfo } from "../http/stream-info.ts";
import type { DownstreamConnection } from "../tcp/downstream-connection.ts";
import { CloseType, type NetworkFilter } from "../tcp/network-filter.ts";
import type { GuestFunction } from "./callbacks.ts";
import { Context } from "./context.ts";
import type { GuestBuffer } from "./guest-buffer.ts";
import type { PluginContext } from "./plugin-context.ts";
import type { Vm } from "./vm.ts";

/** A Wasm filter in one TCP connection: the guest's stream context, and what the connection calls. */
export class NetworkContext extends Context implements NetworkFilter {
  readonly root: PluginContext;
  readonly plugin: Plugin;
  readonly #connection: DownstreamConnection;
  readonly #handle: PluginHandle;
  // Readable from its callback on until a callback answers Continue.
  #downstreamData: ByteBuffer | null = null;
  #upstreamData: ByteBuffer | null = null;
  #isCreated = false;
  #isOver = false;
  #hasFailed = false;

  constructor(vm: Vm, root: PluginContext, connection: DownstreamConnection, handle: PluginHandle) {
    super(vm, vm.allocateContextId());
    handle.retain();
    this.root = root;
    this.plugin = root.plugin;
    this.#connection = connection;
    this.#handle = handle;
    connection.add(this);
  }

  get logPrefix(): string {
    return this.plugin.logPrefix;
  }

  override get streamInfo(): StreamInfo {
    return this.#connection.info;
  }

  override buffer(type: number): GuestBuffer | null {
    switch (type) {
      case BufferType.DownstreamData:
        return this.sharedBuffer.showBody(this.#downstreamData);
      case BufferType.UpstreamData:
        return this.sharedBuffer.showBody(this.#upstreamData);
      default:
        return super.buffer(type);
    }
  }

  override continueStream(type: number): Status {
    if (type !== StreamType.Downstream) return super.continueStream(type);
    this.vm.afterCallback(() => this.#connection.continueReading(this));
    return Status.Ok;
  }

  override closeStream(type: number): Status {
    if (type !== StreamType.Downstream && type !== StreamType.Upstream) return super.closeStream(type);
    this.vm.afterCallback(() => this.#connection.close());
    return Status.Ok;
  }

  onNewConnection(): boolean {
    const { vm } = this;
    const { onContextCreate, onNewConnection } = vm.callbacks;
    if (!vm.isFailed && onContextCreate !== null) {
      vm.call(onContextCreate, this, this.id, this.root.id);
      vm.callbackEnded();
    }
    this.#isCreated = true;
    return this.#goesOn(onNewConnection);
  }

  onData(data: ByteBuffer, endStream: boolean): boolean {
    if (!this.#isCreated) return true;
    this.#downstreamData = data;
    const goesOn = this.#goesOn(this.vm.callbacks.onDownstreamData, data.length, endStream ? 1 : 0);
    if (goesOn) this.#downstreamData = null;
    return goesOn;
  }

  onWrite(data: ByteBuffer, endStream: boolean): boolean {
    if (!this.#isCreated) return true;
    this.#upstreamData = data;
    const goesOn = this.#goesOn(this.vm.callbacks.onUpstreamData, data.length, endStream ? 1 : 0);
    if (goesOn) this.#upstreamData = null;
    // Envoy's filter does not hear of the upstream's connection; the end of its data stands for it.
    if (endStream) this.#tell(this.vm.callbacks.onUpstreamConnectionClose, CloseType.Unknown);
    return goesOn;
  }

  onClose(type: CloseType): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#isCreated) {
      const { onDownstreamConnectionClose, onDone, onLog, onDelete } = this.vm.callbacks;
      this.#tell(onDownstreamConnectionClose, type);
      this.#tell(onDone);
      this.isInAccessLog = true;
      this.#tell(onLog);
      this.isInAccessLog = false;
      this.#tell(onDelete);
    }
    this.forget();
    this.#handle.release();
  }

  #tell(callback: GuestFunction | null, ...args: number[]): void {
    const { vm } = this;
    if (vm.isFailed || callback === null) return;
    vm.call(callback, this, this.id, ...args);
    vm.callbackEnded();
  }

  #goesOn(callback: GuestFunction | null, ...args: number[]): boolean {
    const { vm } = this;
    if (vm.isFailed) return this.#fail();
    if (callback === null) return true;
    const result = vm.call(callback, this, this.id, ...args);
    const goesOn = vm.isFailed ? this.#fail() : result === 0;
    vm.callbackEnded();
    return goesOn;
  }

  /** Closes the connection of a guest that trapped. */
  #fail(): false {
    if (!this.#hasFailed) {
      this.#hasFailed = true;
      this.#connection.close();
    }
    return false;
  }
}
