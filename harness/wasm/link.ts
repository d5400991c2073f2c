import { parameterTypes, table, type AbiVersion } from "@attache/abi";
import {
  formatSignature,
  sameSignature,
  type ExportEntry,
  type ImportEntry,
  type ModuleShape,
  type Signature,
} from "./binary.ts";

/**
 * Why Envoy would refuse a module of this shape (or crash on it): a sentence that names the culprit and the cure, or
 * `null` when it would load it.
 */
export function checkLinks(shape: ModuleShape, version: AbiVersion): string | null {
  for (const entry of shape.imports) {
    const problem = checkImport(entry, version);
    if (problem !== null) return problem;
  }
  for (const entry of shape.exports) {
    if (entry.signature !== null && [...entry.signature.params, ...entry.signature.results].includes("v128")) {
      return `the exported function ${entry.name} has v128 in its signature, which aborts Envoy: do not export it`;
    }
  }
  return checkExports(shape, version);
}

/** An import of a WASI function that only newer versions of Envoy have. */
export function laterWasiImport({ imports }: ModuleShape): ImportEntry | null {
  const isLater = ({ module, name }: ImportEntry) =>
    table.wasiModules.includes(module) &&
    table.wasiFunctions.some((entry) => entry.name === name && entry.since !== undefined);
  return imports.find(isLater) ?? null;
}

/** Callbacks and start functions the proxy looks up in a module of this version, with their types. */
export function knownExports(version: AbiVersion): Map<string, Signature> {
  const known = new Map<string, Signature>();
  for (const callback of table.callbacks) {
    if (callback.versions.includes(version)) {
      known.set(callback.name, {
        params: parameterTypes(callback, version),
        results: callback.result === null ? [] : [callback.result],
      });
    }
  }
  for (const start of table.startFunctions) {
    known.set(start.name, {
      params: parameterTypes(start, version),
      results: start.result === null ? [] : [start.result],
    });
  }
  return known;
}

/** Signatures of what the proxy supplies to a module of this version, by `module.name`. */
export function suppliedFunctions(version: AbiVersion): Map<string, Signature> {
  const known = supplied.get(version);
  if (known !== undefined) return known;
  const functions = new Map<string, Signature>();
  for (const entry of table.hostFunctions) {
    if (entry.versions.includes(version)) functions.set(`${entry.module}.${entry.name}`, signatureOf(entry, version));
  }
  for (const module of table.wasiModules) {
    for (const entry of table.wasiFunctions) functions.set(`${module}.${entry.name}`, signatureOf(entry, version));
  }
  supplied.set(version, functions);
  return functions;
}

const supplied = new Map<AbiVersion, Map<string, Signature>>();

function signatureOf(entry: Parameters<typeof parameterTypes>[0] & { result: string | null }, version: AbiVersion) {
  return { params: parameterTypes(entry, version), results: entry.result === null ? [] : [entry.result] } as Signature;
}

function checkImport(entry: ImportEntry, version: AbiVersion): string | null {
  const name = `${entry.module}.${entry.name}`;
  if (entry.kind === "memory" || entry.kind === "table") return null;
  if (entry.kind !== "function") {
    return `missing import: the module imports the ${entry.kind} ${name}, and Envoy supplies only functions: ${cureFor(name)}`;
  }
  const wanted = suppliedFunctions(version).get(name);
  if (wanted === undefined) {
    return `missing import: the module imports ${name}, which Envoy does not supply: ${cureFor(name, version)}`;
  }
  if (!sameSignature(wanted, entry.signature!)) {
    return (
      `import type mismatch: the module imports ${name} as ${formatSignature(entry.signature!)}, ` +
      `but Envoy supplies ${formatSignature(wanted)}`
    );
  }
  return null;
}

const cures: Record<string, string> = {
  "env.abort": 'compile with an abort of your own (asc: --use abort=<file>/<function>, as "attache build" does)',
  "env.seed": "use randomU64() of the SDK instead of Math.random()",
  "env.Date.now": "use currentTimeNs() of the SDK instead of Date.now()",
  "env.trace": "log through the SDK instead of trace()",
  "env.console.log": "log through the SDK instead of console.log()",
  "env.memory": "export the memory instead of importing it",
};

function cureFor(name: string, version?: AbiVersion): string {
  const cure = cures[name];
  if (cure !== undefined) return cure;
  const bare = name.slice(name.indexOf(".") + 1);
  const other = table.hostFunctions.find((entry) => entry.name === bare);
  if (other !== undefined && `${other.module}.${bare}` === name) {
    return `ABI ${version} does not have it (only ${other.versions.join(", ")} does)`;
  }
  return "remove the call, or the library that makes it";
}

function checkExports(shape: ModuleShape, version: AbiVersion): string | null {
  const exported = new Map(shape.exports.map((entry) => [entry.name, entry]));
  const memories = shape.exports.filter((entry) => entry.kind === "memory").length;
  if (memories === 0 && !shape.imports.some((entry) => entry.kind === "memory")) {
    return "the module exports no memory, so the proxy cannot pass it anything: export its memory";
  }
  if (!isFunction(exported.get("malloc")) && !isFunction(exported.get("proxy_on_memory_allocate"))) {
    return "the module exports no allocator: export the function proxy_on_memory_allocate (or malloc)";
  }
  for (const [name, wanted] of knownExports(version)) {
    const signature = exported.get(name)?.signature ?? null;
    if (signature === null || !isLookedUp(name, exported)) continue;
    if (!sameSignature(wanted, signature)) {
      return (
        `bad function signature: the proxy calls ${name} as ${formatSignature(wanted)}, ` +
        `but the module exports ${formatSignature(signature)}`
      );
    }
  }
  return null;
}

function isFunction(entry: ExportEntry | undefined): boolean {
  return entry !== undefined && entry.signature !== null;
}

/** Some exports are not looked at when a preferred one is there. */
function isLookedUp(name: string, exported: ReadonlyMap<string, unknown>): boolean {
  if (name === "_start") return !exported.has("_initialize");
  if (name === "main" || name === "__main_void") return exported.has("_initialize");
  if (name === "proxy_on_memory_allocate") return !exported.has("malloc");
  return true;
}
