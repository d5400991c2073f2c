import { isIP } from "node:net";
import { MapType, Status } from "../abi/status.ts";
import type { Plugin } from "../emulator/plugin.ts";
import type { Timer } from "../emulator/clock.ts";
import type { HeaderMap } from "../http/header-map.ts";
import type { HttpCall, HttpCallResponse } from "../http/http-call.ts";
import { Context } from "./context.ts";
import { GrpcCallouts } from "./grpc-callouts.ts";
import type { Vm } from "./vm.ts";

/** The context of a plugin in one VM ("root context"): configuration, timer, callouts and queues. */
export class PluginContext extends Context {
  readonly plugin: Plugin;
  /** What `proxy_get_status` answers. */
  statusCode = 0;
  statusMessage = "";
  /** The answer `proxy_on_http_call_response` is reporting. */
  httpCallResponse: HttpCallResponse | null = null;
  readonly httpCalls = new Map<number, HttpCall>();
  readonly grpc = new GrpcCallouts(this);
  #isCreated = false;
  #configuring: Plugin | null = null;
  #tickPeriod = 0;
  #timer: Timer | null = null;

  constructor(vm: Vm, plugin: Plugin) {
    super(vm, vm.allocateContextId());
    this.plugin = plugin;
    vm.pluginContexts.set(plugin.key, this);
  }

  get root(): this {
    return this;
  }

  get logPrefix(): string {
    return this.plugin.rootLogPrefix;
  }

  override get configuring(): Plugin | null {
    return this.#configuring;
  }

  get calloutsInFlight(): number {
    return this.httpCalls.size + this.grpc.count;
  }

  calloutMap(type: number): HeaderMap | null {
    switch (type) {
      case MapType.GrpcReceiveInitialMetadata:
        return this.grpc.initialMetadata;
      case MapType.GrpcReceiveTrailingMetadata:
        return this.grpc.trailingMetadata;
      case MapType.HttpCallResponseHeaders:
        return this.httpCallResponse?.headers ?? null;
      case MapType.HttpCallResponseTrailers:
        return this.httpCallResponse?.trailers ?? null;
      default:
        return null;
    }
  }

  /** Whether the plugin accepts to start. */
  start(): boolean {
    const { vm } = this;
    const { onContextCreate, onVmStart } = vm.callbacks;
    let accepted = true;
    if (onContextCreate !== null) {
      this.#configuring = this.plugin;
      vm.call(onContextCreate, this, this.id, 0);
      this.#isCreated = true;
      this.#configuring = null;
    }
    if (onVmStart !== null) accepted = vm.call(onVmStart, this, this.id, vm.options.configuration.length) !== 0;
    vm.callbackEnded();
    return accepted;
  }

  /** Whether the plugin accepts its configuration. A VM that trapped before accepts everything. */
  configure(): boolean {
    const { vm } = this;
    if (vm.isFailed) return true;
    this.#isCreated = true;
    const { onConfigure } = vm.callbacks;
    if (onConfigure === null) return true;
    this.#configuring = this.plugin;
    const accepted = vm.call(onConfigure, this, this.id, this.plugin.configuration.length) !== 0;
    this.#configuring = null;
    vm.callbackEnded();
    return accepted && !vm.isFailed;
  }

  setTickPeriod(milliseconds: number): void {
    this.#tickPeriod = milliseconds;
    this.#timer?.cancel();
    this.#timer = null;
    if (milliseconds > 0) this.#armTimer();
  }

  queueReady(token: number): void {
    const { vm } = this;
    const { onQueueReady } = vm.callbacks;
    if (vm.isFailed || onQueueReady === null) return;
    vm.call(onQueueReady, this, this.id, token);
    vm.callbackEnded();
  }

  /** An extension of the proxy calls the plugin. */
  callForeignFunction(functionId: number, args: Uint8Array): void {
    const { vm } = this;
    const { onForeignFunction } = vm.callbacks;
    if (vm.isFailed || onForeignFunction === null) return;
    this.sharedBuffer.showBytes(args);
    vm.call(onForeignFunction, this, this.id, functionId, args.length);
    vm.callbackEnded();
  }

  /** The answer of a callout is there: `null` when its stream was reset. */
  httpCallEnded(token: number, response: HttpCallResponse | null): void {
    this.vm.outsideOfCallbacks(() => this.#tellHttpCall(token, response));
  }

  #tellHttpCall(token: number, response: HttpCallResponse | null): void {
    const { vm } = this;
    if (!this.httpCalls.has(token)) return;
    if (response === null) {
      this.statusCode = Status.BrokenConnection;
      this.statusMessage = "reset";
    }
    this.httpCallResponse = response;
    vm.afterCallback(() => {
      this.httpCallResponse = null;
      this.statusMessage = "";
      this.httpCalls.delete(token);
    });
    const { onHttpCallResponse } = vm.callbacks;
    // Without a callback to end, the clean-up waits for the next one, as in Envoy.
    if (vm.isFailed || onHttpCallResponse === null) return;
    const headers = response?.headers.size ?? 0;
    vm.call(
      onHttpCallResponse,
      this,
      this.id,
      token,
      headers,
      response?.body.length ?? 0,
      response?.trailers?.size ?? 0,
    );
    vm.callbackEnded();
  }

  /** Answers a DNS query: addresses at once, as themselves; names in the proxy's next turn, as not known. */
  resolveDns(token: number, name: string): void {
    const { vm } = this;
    const { onResolveDns } = vm.callbacks;
    const tell = (answer: string) => {
      if (vm.isFailed || onResolveDns === null) return;
      this.sharedBuffer.showText(answer);
      vm.call(onResolveDns, this, this.id, token, answer.length);
      vm.callbackEnded();
    };
    const kind = isIP(name);
    if (kind === 0) vm.services.dispatcher.post(() => tell(""));
    else tell(`\x01\0\0\0\0\0\0\0${kind === 6 ? `[${name}]` : name}:0\0`);
  }

  /** The last user of the plugin on this worker is gone. */
  shutDown(): void {
    const { vm } = this;
    const { onDone } = vm.callbacks;
    vm.pluginContexts.delete(this.plugin.key);
    let isDone = true;
    if (!vm.isFailed && onDone !== null) {
      isDone = vm.call(onDone, this, this.id) !== 0;
      vm.callbackEnded();
    }
    if (isDone) this.delete();
    else vm.pendingDone.set(this.plugin.key, this);
  }

  delete(): void {
    const { vm } = this;
    const { onDelete } = vm.callbacks;
    if (this.#isCreated && !vm.isFailed && onDelete !== null) {
      vm.call(onDelete, this, this.id);
      vm.callbackEnded();
    }
    this.release();
  }

  /** Lets go of timers and callouts without telling the guest. */
  release(): void {
    this.#timer?.cancel();
    this.#timer = null;
    for (const call of this.httpCalls.values()) call.cancel();
    this.httpCalls.clear();
    this.grpc.release();
    this.forget();
  }

  #armTimer(): void {
    this.#timer = this.vm.services.clock.setTimer(this.#tickPeriod, () => {
      const { vm } = this;
      const timer = this.#timer;
      const { onTick } = vm.callbacks;
      if (!vm.isFailed && onTick !== null) {
        vm.call(onTick, this, this.id);
        vm.callbackEnded();
      }
      if (this.#timer === timer && this.#tickPeriod > 0) this.#armTimer();
    });
  }
}
