import type { ModuleShape } from "./binary.ts";

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

/** Message and backtrace as Envoy logs them. */
export function describeTrap(error: Error, shape: ModuleShape): string {
  const message = `Uncaught ${kindOf(error)}${error.message}`;
  if (shape.functionNames.size === 0) return message;
  const frames = [...(error.stack ?? "").matchAll(/wasm-function\[(\d+)\]:0x([0-9a-f]+)/g)];
  const lines = frames.map((frame, i) => {
    const index = Number(frame[1]);
    const name = shape.functionNames.get(index) ?? `unknown(function index:${index})`;
    return `\n${String(i).padStart(3)}:  0x${frame[2]} - ${name}`;
  });
  return `${message}\nProxy-Wasm plugin in-VM backtrace:${lines.join("")}`;
}

function kindOf(error: Error): string {
  if (error instanceof WebAssembly.RuntimeError) return "RuntimeError: ";
  if (error instanceof RangeError) return "RangeError: ";
  if (error instanceof GuestTrap) return "Error: ";
  return "";
}
