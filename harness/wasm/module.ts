import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { table, type AbiVersion } from "@attache/abi";
import { HarnessError } from "../errors.ts";
import { boundModule, type BoundedModule } from "./bounded-module.ts";
import { readModuleShape, type ModuleShape } from "./binary.ts";
import { CorruptModuleError } from "./reader.ts";
import { checkLinks } from "./link.ts";

/** A module that Envoy would load: compiled, and checked against the ABI. */
export interface WasmModule {
  /** How messages call it: its path, or `module`. */
  readonly name: string;
  readonly compiled: WebAssembly.Module;
  /** How {@link compiled} differs from the code as it was given; `null` when it is the same. */
  readonly bounds: BoundedModule | null;
  readonly shape: ModuleShape;
  readonly abiVersion: AbiVersion;
  /** SHA-256 of the code. */
  readonly hash: string;
}

const compiledModules = new Map<string, Promise<WasmModule>>();
const compiledModulesLimit = 64;

/**
 * Loads and checks a module; the same code is compiled once.
 *
 * Rejects with `MODULE_NOT_FOUND` or `MODULE_INVALID`, and one sentence that names the culprit and the cure.
 */
export async function loadModule(source: string | URL | Uint8Array): Promise<WasmModule> {
  const name = typeof source === "string" ? source : source instanceof URL ? fileURLToPath(source) : "module";
  const code = source instanceof Uint8Array ? source : await readModule(name);
  const hash = createHash("sha256").update(code).digest("hex");
  const known = compiledModules.get(hash);
  if (known !== undefined) return await known;
  const loading = compile(name, code, hash);
  loading.catch(() => compiledModules.delete(hash));
  compiledModules.set(hash, loading);
  if (compiledModules.size > compiledModulesLimit) compiledModules.delete(compiledModules.keys().next().value!);
  return await loading;
}

async function readModule(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : String(error);
    throw new HarnessError("MODULE_NOT_FOUND", `${path}: cannot read the module: ${reason}`);
  }
}

async function compile(name: string, code: Uint8Array, hash: string): Promise<WasmModule> {
  const invalid = (reason: string) => new HarnessError("MODULE_INVALID", `${name}: ${reason}`);
  if (code.length === 0) throw invalid("the module is empty");
  if (Buffer.compare(code.subarray(0, 4), Buffer.from("\0asm")) !== 0) {
    throw invalid(`not a WebAssembly module (it does not start with the bytes "\\0asm")`);
  }
  let shape: ModuleShape;
  let compiled: CompiledModule;
  try {
    shape = readModuleShape(code);
    compiled = await compileBounded(code, shape);
  } catch (error) {
    if (!(error instanceof CorruptModuleError || error instanceof WebAssembly.CompileError)) throw error;
    throw invalid(`the module is truncated or corrupt (${error.message})`);
  }
  const marker = shape.exports
    .filter((entry) => entry.kind === "function")
    .map((entry) => table.markers.find((known) => known.name === entry.name))
    .find((known) => known !== undefined);
  if (marker === undefined) {
    throw invalid(
      "no Proxy-Wasm ABI marker: export one of the functions " +
        table.markers.map((known) => known.name).join(", ") +
        " (the SDK does it when the filter's main file re-exports its proxy module)",
    );
  }
  const problem = checkLinks(shape, marker.version);
  if (problem !== null) throw invalid(problem);
  return { name, ...compiled, shape, abiVersion: marker.version, hash };
}

type CompiledModule = Pick<WasmModule, "compiled" | "bounds">;

/** With bounds, or without them where the module has something that cannot be given any. */
async function compileBounded(code: Uint8Array, shape: ModuleShape): Promise<CompiledModule> {
  try {
    const bounds = boundModule(code, shape);
    return { compiled: await WebAssembly.compile(bounds.code as Uint8Array<ArrayBuffer>), bounds };
  } catch (error) {
    if (!(error instanceof CorruptModuleError || error instanceof WebAssembly.CompileError)) throw error;
    return { compiled: await WebAssembly.compile(code as Uint8Array<ArrayBuffer>), bounds: null };
  }
}
