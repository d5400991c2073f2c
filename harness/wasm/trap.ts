import type { WasmModule } from "./module.ts";

/** Envoy shows so many frames of a trap. */
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
export function describeTrap(error: Error, module: WasmModule): string {
  return `Uncaught ${kindOf(error)}${newerMessages.get(error.message) ?? error.message}${backtraceOf(error, module)}`;
}

/** The lines about the guest's functions, where the module has names for them. */
export function backtraceOf(error: Error, { shape, bounds }: WasmModule): string {
  if (shape.functionNames.size === 0) return "";
  const frames = [...(error.stack ?? "").matchAll(/wasm-function\[(\d+)\]:0x([0-9a-f]+)/g)]
    .map(([, index, offset]) => ({ index: Number(index), offset: parseInt(offset!, 16) }))
    .filter(({ index }) => index !== bounds?.askingFunction);
  const lines = frames.slice(0, mostFrames).map(({ index, offset }, i) => {
    const name = shape.functionNames.get(index);
    const shown = name === undefined ? `unknown(function index:${index})` : demangle(name);
    const original = bounds?.originalOffset(offset) ?? offset;
    return `\n${String(i).padStart(3)}:  0x${original.toString(16)} - ${shown}`;
  });
  return `\nProxy-Wasm plugin in-VM backtrace:${lines.join("")}`;
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
