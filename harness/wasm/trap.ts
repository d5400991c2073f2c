import { readSourceMap, sourcePosition, type SourcePosition } from "./source-map.ts";
import type { VmOptions } from "./vm.ts";
import type { WasmModule } from "./module.ts";

/** A function of the guest in which it trapped, or that led there. */
export interface TrapFrame {
  /** As the module's name section has it. */
  function: string;
  /** Of the instruction, in the module's bytes. */
  offset: number;
  /** `null` unless a source map lies beside the module: `plugin.wasm.map`. */
  position: SourcePosition | null;
}

/** A trap that ended a guest. */
export interface Trap {
  /** Empty while the module starts. */
  plugin: string;
  callback: string;
  message: string;
  /** Innermost first. */
  frames: readonly TrapFrame[];
}

/** No Envoy shows more frames of a trap. */
const mostFrames = 20;

/** What `Error.stackTraceLimit` must be in the guest: the frames of a host function come on top. */
export const guestStackTraceLimit = mostFrames + 10;

/** Thrown by a host function to trap the guest. */
export class GuestTrap extends Error {}

/** Whether an exception that came out of the guest is the guest's doing; anything else is a bug of ours. */
export function isTrap(error: unknown): error is Error {
  return (
    error instanceof WebAssembly.RuntimeError ||
    error instanceof GuestTrap ||
    error instanceof WebAssembly.Exception ||
    (error instanceof RangeError && error.message === "Maximum call stack size exceeded")
  );
}

/** Messages that V8 has changed, with those of Envoy's V8. */
const newerMessages = new Map([["null function or function signature mismatch", "function signature mismatch"]]);

/** Message and backtrace as Envoy logs them. */
export function describeTrap(error: Error, module: WasmModule, frames: number): string {
  const message = newerMessages.get(error.message) ?? error.message;
  return `Uncaught ${kindOf(error)}${message}${backtraceOf(error, module, frames)}`;
}

/** The lines about the guest's functions, where the module has names for them. */
export function backtraceOf(error: Error, module: WasmModule, count: number): string {
  if (module.shape.functionNames.size === 0) return "";
  const lines = framesOf(error, module)
    .slice(0, count)
    .map(({ name, offset }, i) => `\n${String(i).padStart(3)}:  0x${offset.toString(16)} - ${demangle(name)}`);
  return `\nProxy-Wasm plugin in-VM backtrace:${lines.join("")}`;
}

/** As {@link backtraceOf}, each with the place in the guest's source when a source map lies beside the module. */
export function trapFrames(error: Error, { module, file }: VmOptions): TrapFrame[] {
  const map = readSourceMap(file);
  return framesOf(error, module).map(({ name, offset }) => ({
    function: name,
    offset,
    position: map === null ? null : sourcePosition(map, offset),
  }));
}

/** Functions with the offsets they have in the module as it was given, innermost first. */
function framesOf(error: Error, { shape, bounds }: WasmModule): { name: string; offset: number }[] {
  return [...(error.stack ?? "").matchAll(/wasm-function\[(\d+)\]:0x([0-9a-f]+)/g)]
    .map(([, index, offset]) => ({ index: Number(index), offset: parseInt(offset!, 16) }))
    .filter(({ index }) => index !== bounds?.askingFunction)
    .map(({ index, offset }) => ({
      name: shape.functionNames.get(index) ?? `unknown(function index:${index})`,
      offset: bounds?.originalOffset(offset) ?? offset,
    }));
}

function kindOf(error: Error): string {
  if (error instanceof WebAssembly.RuntimeError) return "RuntimeError: ";
  if (error instanceof RangeError) return "RangeError: ";
  if (error instanceof GuestTrap) return "Error: ";
  return "";
}

/** What Envoy takes functions of one letter for, such as those of minified modules: types of C++. */
const types = new Map(
  Object.entries({
    a: "signed char",
    b: "bool",
    c: "char",
    d: "double",
    e: "long double",
    f: "float",
    g: "__float128",
    h: "unsigned char",
    i: "int",
    j: "unsigned int",
    l: "long",
    m: "unsigned long",
    n: "__int128",
    o: "unsigned __int128",
    s: "short",
    t: "unsigned short",
    v: "void",
    w: "wchar_t",
    x: "long long",
    y: "unsigned long long",
    z: "...",
  }),
);

/**
 * A name as Envoy shows it: `_ZN3app3runE` is `app::run`. These are the names Rust gives in its older form; those of C++
 * functions also tell their parameters, and stay as they are here.
 */
function demangle(name: string): string {
  if (name.length === 1) return types.get(name) ?? name;
  if (!name.startsWith("_ZN")) return name;
  const parts: string[] = [];
  let at = 3;
  while (/\d/.test(name[at] ?? "")) {
    const size = parseInt(name.slice(at), 10);
    at += String(size).length;
    parts.push(name.slice(at, at + size));
    at += size;
  }
  return parts.length > 0 && name.slice(at) === "E" ? parts.join("::") : name;
}
