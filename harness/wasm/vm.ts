import type { AbiVersion } from "@attache/abi";
import { Expressions } from "../abi/expressions.ts";
import { hostFunctions } from "../abi/host-functions.ts";
import type { HarnessError } from "../errors.ts";
import type { ProxyServices } from "../emulator/services.ts";
import type { DiagnosticCode } from "../emulator/diagnostics.ts";
import type { Worker } from "../emulator/worker.ts";
import { lookUpCallbacks, type Callbacks, type GuestFunction } from "./callbacks.ts";
import { Context, VmContext } from "./context.ts";
import { link } from "./instance.ts";
import { GuestMemory } from "./memory.ts";
import type { WasmModule } from "./module.ts";
import { pairsSize, readPairs, writePairs, type FlatPairs } from "./pairs.ts";
import type { PluginContext } from "./plugin-context.ts";
import { backtraceOf, describeTrap, guestStackTraceLimit, GuestTrap, isTrap, trapFrames } from "./trap.ts";

/** What all VMs of one key have in common. */
export interface VmOptions {
  readonly module: WasmModule;
  /** Where the module was read from; `null` when it was given as bytes. */
  readonly file: string | null;
  readonly id: string;
  /** Identifies VMs that can be shared: same `id`, configuration and code. */
  readonly key: string;
  /** Bytes as latin1. */
  readonly configuration: string;
  readonly environment: ReadonlyMap<string, string>;
  /** Empty: everything is allowed. */
  readonly allowedCapabilities: ReadonlySet<string>;
}

/** When host functions outside a short list are refused: while the module starts, and inside its allocator. */
export const Restriction = { None: 0, Start: 1, Allocate: 2 } as const;

/** One instance of a module, on one worker. */
export class Vm {
  readonly options: VmOptions;
  readonly worker: Worker;
  readonly services: ProxyServices;
  readonly memory: GuestMemory;
  readonly callbacks: Callbacks;
  /** Every context that lives, by id; 0 is the VM's own. */
  readonly contexts = new Map<number, Context>();
  readonly pluginContexts = new Map<string, PluginContext>();
  /** Plugins whose `proxy_on_done` asked to live on until `proxy_done`. */
  readonly pendingDone = new Map<string, PluginContext>();
  readonly vmContext: VmContext;
  /** A trap ended this VM: the guest is never entered again. */
  isFailed = false;
  /** The current callback made a local reply: what it returns is ignored. */
  stopsNextIteration = false;
  readonly expressions = new Expressions();
  restriction: number = Restriction.None;
  nextHttpCallToken = 0;
  nextGrpcCallToken = 1;
  nextGrpcStreamToken = 2;
  dnsToken = 1;
  /** Run when a trap ends this VM. */
  onFailure: (() => void) | null = null;

  #nextContextId = 1;
  #actions: (() => void)[] = [];

  constructor(options: VmOptions, worker: Worker) {
    this.options = options;
    this.worker = worker;
    this.services = worker.services;
    this.vmContext = new VmContext(this);
    const instance = link(this, hostFunctions(this));
    this.memory = new GuestMemory(instance?.memory ?? new WebAssembly.Memory({ initial: 0 }));
    this.callbacks = lookUpCallbacks(instance?.exports ?? {}, options);
    if (instance === null) this.isFailed = true;
    else this.#start();
  }

  get abiVersion(): AbiVersion {
    return this.options.module.abiVersion;
  }

  allocateContextId(): number {
    while (this.contexts.has(this.#nextContextId)) this.#nextContextId++;
    return this.#nextContextId++;
  }

  /** The context host calls act on: the effective one when it still exists, else that of the running callback. */
  context(): Context {
    const worker = this.worker;
    if (this.restriction !== Restriction.None) throw new GuestTrap("restricted_callback");
    this.memory.refresh();
    return (worker.effectiveContextId === 0 ? null : this.contexts.get(worker.effectiveContextId)) ?? worker.current!;
  }

  /** As {@link context}, for the few functions that are always allowed. */
  unrestrictedContext(): Context {
    const worker = this.worker;
    this.memory.refresh();
    return (worker.effectiveContextId === 0 ? null : this.contexts.get(worker.effectiveContextId)) ?? worker.current!;
  }

  /** Enters the guest; the result is unsigned, 0 when it has none or trapped. */
  call(callback: GuestFunction, context: Context, a = 0, b = 0, c = 0, d = 0, e = 0): number {
    const worker = this.worker;
    const { deadline, profile, transcript } = this.services;
    const outerContext = worker.current;
    if (outerContext === null) deadline.enter();
    const outerEffectiveId = worker.effectiveContextId;
    worker.current = context;
    worker.effectiveContextId = 0;
    const outerStackTraceLimit = Error.stackTraceLimit;
    Error.stackTraceLimit = guestStackTraceLimit;
    if (transcript !== null) transcript.callbackEnters(callback, a, b, c, d, e);
    const measured = profile === null ? null : profile.begin(context.plugin?.name ?? "", callback.name, this.memory);
    try {
      const result = callback.run(a, b, c, d, e);
      if (deadline.isPast) throw this.#endless(callback, null);
      if (transcript !== null) transcript.callbackReturns(callback, result);
      return callback.hasResult ? (result as number) >>> 0 : 0;
    } catch (error) {
      if (deadline.isPast) throw this.#endless(callback, error as Error);
      if (!isTrap(error)) throw error;
      this.services.traps.add({
        plugin: context.plugin?.name ?? "",
        callback: callback.name,
        message: error.message,
        frames: trapFrames(error, this.options),
      });
      this.#fail(
        `Function: ${callback.name} failed: ${describeTrap(error, this.options.module, this.services.rules.backtraceFrames)}`,
      );
      return 0;
    } finally {
      if (measured !== null) profile!.end(measured);
      Error.stackTraceLimit = outerStackTraceLimit;
      worker.current = outerContext;
      worker.effectiveContextId = outerEffectiveId;
      this.memory.refresh();
    }
  }

  /** Queues work for when the current callback has returned. */
  afterCallback(action: () => void): void {
    this.#actions.push(action);
  }

  /** Runs what enters the guest by itself: at once, or when no callback runs any more. */
  outsideOfCallbacks(action: () => void): void {
    const attempt = () => {
      if (this.worker.current === null) action();
      else this.afterCallback(attempt);
    };
    attempt();
  }

  /** Ends a callback: every entry into the guest through a context is followed by this. */
  callbackEnded(): void {
    this.stopsNextIteration = false;
    const waiting: (() => void)[] = [];
    while (this.#actions.length > 0) {
      const action = this.#actions.shift()!;
      action();
      if (this.#actions.at(-1) === action) waiting.push(this.#actions.pop()!);
    }
    if (waiting.length === 0) return;
    this.#actions = waiting;
    this.report(
      "ENVOY_HANGS",
      "a callback inside another one ended while the answer of a gRPC callout waited for both to end: Envoy waits for ever",
    );
  }

  /** Guest memory for `size` bytes, or 0 when its allocator gives none. */
  allocate(size: number): number {
    this.restriction = Restriction.Allocate;
    const pointer = this.call(this.callbacks.allocate, this.vmContext, size);
    this.restriction = Restriction.None;
    return pointer !== 0 && this.memory.holds(pointer, size) ? pointer : 0;
  }

  /** Hands a latin1 text to the guest: allocates, copies, and writes address and size; an empty one needs no memory. */
  returnText(text: string, pointerOut: number, sizeOut: number): boolean {
    const size = text.length;
    let pointer = 0;
    if (size > 0) {
      pointer = this.allocate(size);
      if (pointer === 0) return false;
      this.memory.writeText(pointer, text);
    }
    return this.memory.setU32(pointerOut, pointer) && this.memory.setU32(sizeOut, size);
  }

  returnPairs(pairs: FlatPairs, pointerOut: number, sizeOut: number): boolean {
    if (pairs.length === 0) return this.returnText("", pointerOut, sizeOut);
    const size = pairsSize(pairs);
    const pointer = this.allocate(size);
    if (pointer === 0) return false;
    writePairs(this.memory, pointer, pairs);
    return this.memory.setU32(pointerOut, pointer) && this.memory.setU32(sizeOut, size);
  }

  returnBytes(bytes: Uint8Array, pointerOut: number, sizeOut: number): boolean {
    if (bytes.length === 0) return this.returnText("", pointerOut, sizeOut);
    const pointer = this.allocate(bytes.length);
    if (pointer === 0) return false;
    this.memory.bytes.set(bytes, pointer);
    return this.memory.setU32(pointerOut, pointer) && this.memory.setU32(sizeOut, bytes.length);
  }

  /** Pairs of a blob that lies in guest memory; none when it is malformed. */
  pairs(pointer: number, size: number): string[] {
    const pairs = readPairs(this.memory, pointer, size);
    if (pairs === null) this.report("BAD_PAIRS", "a malformed pairs blob is taken for an empty list");
    return pairs ?? [];
  }

  /** Notes something the guest did that Envoy would pass over in silence. */
  report(code: DiagnosticCode, message: string): void {
    this.services.diagnostics.report(code, this.worker.current?.plugin?.name ?? "", message);
  }

  #start(): void {
    const { initialize, main, mainVoid, start } = this.callbacks;
    this.restriction = Restriction.Start;
    if (initialize !== null) {
      this.call(initialize, this.vmContext);
      // A trap in one start function does not keep the next one from being called.
      if (main !== null) this.call(main, this.vmContext);
      else if (mainVoid !== null && this.services.rules.callsMainVoid) this.call(mainVoid, this.vmContext);
    } else if (start !== null) {
      this.call(start, this.vmContext);
    }
    this.restriction = Restriction.None;
  }

  /** The guest was ended, as it did not return. */
  #endless(callback: GuestFunction, trap: Error | null): HarnessError {
    const { deadline } = this.services;
    const { module } = this.options;
    const plugin = this.worker.current?.plugin?.name;
    const guest = plugin === undefined ? module.name : `plugin "${plugin}"`;
    const error = deadline.exceed(
      guest,
      callback.name,
      trap === null ? "" : backtraceOf(trap, module, this.services.rules.backtraceFrames),
    );
    this.report("CALLBACK_ENDLESS", error.message);
    return error;
  }

  #fail(message: string): void {
    this.services.log.proxy("error", message);
    if (this.isFailed) return;
    this.isFailed = true;
    this.onFailure?.();
  }
}
