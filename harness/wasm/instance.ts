import { table } from "@attache/abi";
import type { HostFunction, HostFunctions } from "../abi/host-functions.ts";
import type { Deadline } from "../emulator/deadline.ts";
import { HarnessError } from "../errors.ts";
import type { Limits } from "./binary.ts";
import { createInspector, inspectorTable, mostPages, startFunction } from "./bounded-module.ts";
import { suppliedFunctions } from "./link.ts";
import type { WasmModule } from "./module.ts";
import { backtraceOf, GuestTrap, isTrap } from "./trap.ts";
import { Restriction, type Vm } from "./vm.ts";

export interface LinkedInstance {
  exports: WebAssembly.Exports;
  memory: WebAssembly.Memory;
}

/** As {@link instantiate}; `null` when the module's own data or tables do not fit, or its memory is too large. */
export function link(vm: Vm, functions: HostFunctions): LinkedInstance | null {
  const { shape } = vm.options.module;
  // Of these Envoy's log does not speak.
  if (shape.imports.some(({ kind, limits }) => kind === "memory" && limits!.initial > mostPages)) return null;
  try {
    if (shape.memories.every(({ initial }) => initial <= mostPages)) return instantiate(vm, functions);
  } catch (error) {
    const isRefusal = error instanceof RangeError || error instanceof WebAssembly.LinkError || isTrap(error);
    if (!isRefusal) throw error;
  }
  vm.services.log.proxy("error", "Failed to create new Wasm instance");
  return null;
}

/** Instantiates the VM's module with the host functions its imports name. */
function instantiate(vm: Vm, functions: HostFunctions): LinkedInstance {
  const { module } = vm.options;
  const imports: WebAssembly.Imports = {};
  const start = { isRunning: module.shape.hasStartSection };
  let memory: WebAssembly.Memory | null = null;
  for (const { module: from, name, kind, limits } of module.shape.imports) {
    const space = ((imports[from] as WebAssembly.ModuleImports | undefined) ??= {});
    if (kind === "memory") {
      space[name] = memory = createMemory(limits!);
    } else if (kind === "table") {
      space[name] = new WebAssembly.Table({ element: "anyfunc", ...limits! });
    } else {
      const run = hostFunction(vm, from, name, functions);
      space[name] = module.shape.hasStartSection ? notFromStart(start, module, run) : run;
    }
  }
  const { exports } = new WebAssembly.Instance(module.compiled, imports);
  if (module.bounds !== null) (exports[inspectorTable] as WebAssembly.Table).set(0, inspectorOf(vm));
  runStartFunction(vm, exports[startFunction]);
  start.isRunning = false;
  const exported = Object.values(exports).find((entry) => entry instanceof WebAssembly.Memory);
  return { exports, memory: (exported ?? memory)! };
}

/** That of a bounded module, which is not its start function any more. */
function runStartFunction({ options: { module }, services: { deadline, rules } }: Vm, run: unknown): void {
  if (typeof run !== "function") return;
  deadline.enter();
  try {
    run();
  } catch (error) {
    throw deadline.isPast
      ? deadline.exceed(module.name, "the start section", backtraceOf(error as Error, module, rules.backtraceFrames))
      : error;
  }
}

function createMemory({ initial, maximum = mostPages }: Limits): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial, maximum: Math.min(maximum, mostPages) });
}

/** One for all VMs of a proxy. */
function inspectorOf({ services: { deadline } }: Vm): unknown {
  const inspector = inspectors.get(deadline) ?? createInspector(() => deadline.isOver());
  inspectors.set(deadline, inspector);
  return inspector;
}

const inspectors = new WeakMap<Deadline, unknown>();

/** A host function of a module with a start section, where a call would crash Envoy: the proxy is not ready then. */
function notFromStart(start: { isRunning: boolean }, module: WasmModule, run: HostFunction): HostFunction {
  return (...args) => {
    if (!start.isRunning) return run(...args);
    throw new HarnessError(
      "MODULE_INVALID",
      `${module.name}: the module's start section calls the proxy before it is ready, which crashes Envoy: ` +
        "export the start code instead (asc: --exportStart _initialize)",
    );
  };
}

function hostFunction(vm: Vm, from: string, name: string, functions: HostFunctions): HostFunction {
  const { allowedCapabilities } = vm.options;
  const isLeftOut = allowedCapabilities.size > 0 && !allowedCapabilities.has(name) && isCapability(name);
  const run = isLeftOut ? refusal(vm, from, name) : functions[name]!;
  const guarded = checksItself(from, name) ? run : guard(vm, name, run);
  const { profile, transcript } = vm.services;
  const counted = profile === null ? guarded : profile.counting(guarded);
  return transcript === null ? counted : recorded(vm, from, name, counted);
}

function isCapability(name: string): boolean {
  return name.startsWith("proxy_") || table.wasiFunctions.some((entry) => entry.name === name);
}

/** Functions that act on a context look at the restriction in force when they ask for it. */
function checksItself(from: string, name: string): boolean {
  return from === "env" && name !== "pthread_equal" && name !== "emscripten_notify_memory_growth";
}

/** The stand-in for a function that the allowed capabilities leave out. */
function refusal(vm: Vm, from: string, name: string): HostFunction {
  if (name === "proc_exit") return () => 0;
  if (from !== "env") {
    return () => {
      vm.services.log.proxy("error", `Attempted call to restricted WASI capability: ${name}`);
      return notCapable;
    };
  }
  return () => {
    vm.context();
    vm.services.log.proxy("error", `Attempted call to restricted proxy-wasm capability: ${name}`);
    return internalFailure;
  };
}

const notCapable = 76;
const internalFailure = 10;

/** Traps calls that the restriction in force forbids. */
function guard(vm: Vm, name: string, run: HostFunction): HostFunction {
  const { phases } = [...table.hostFunctions, ...table.wasiFunctions].find((entry) => entry.name === name)!;
  const inStart = phases.includes("start");
  const inAllocate = phases.includes("allocate");
  return (...args) => {
    const { restriction } = vm;
    if ((restriction === Restriction.Start && !inStart) || (restriction === Restriction.Allocate && !inAllocate)) {
      throw new GuestTrap("restricted_callback");
    }
    return run(...args);
  };
}

function recorded(vm: Vm, from: string, name: string, run: HostFunction): HostFunction {
  const full = `${from}.${name}`;
  const { results } = suppliedFunctions(vm.abiVersion).get(full)!;
  return (...args) => {
    vm.services.transcript!.hostFunctionEnters(full, args);
    const result = run(...args);
    vm.services.transcript!.hostFunctionReturns(full, results.length === 0 ? null : (result as number));
    return result;
  };
}
