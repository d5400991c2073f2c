import { loadModule } from "@attache/harness";
import { readLength } from "./source-map.ts";

/** Where the bytes of a module are. */
export interface ModuleSizes {
  code: number;
  data: number;
  /** Types, imports, exports, … */
  other: number;
  /** Largest first; the names are the compiler's: `FILE/Class#method`, with `~lib/` before those that are not the filter's. */
  functions: { name: string; bytes: number }[];
}

const headerSize = 8;
const customSection = 0;
const codeSection = 10;
const dataSection = 11;

/**
 * Measures a module.
 *
 * @param named the same module with the names of its functions
 */
export async function measure(named: Uint8Array): Promise<ModuleSizes> {
  const { shape } = await loadModule(named);
  const imported = shape.imports.filter(({ kind }) => kind === "function").length;
  const sizes = { code: 0, data: 0, other: headerSize };
  let bodies: number[] = [];
  for (let at = headerSize; at < named.length;) {
    const id = named[at]!;
    const { value, end } = readLength(named, at + 1);
    const next = end + value;
    if (id !== customSection) sizes[id === codeSection ? "code" : id === dataSection ? "data" : "other"] += next - at;
    if (id === codeSection) bodies = functionSizes(named, end);
    at = next;
  }
  const nameOf = (index: number) => shape.functionNames.get(index) ?? `function ${index}`;
  const functions = bodies.map((bytes, i) => ({ name: nameOf(imported + i), bytes }));
  return { ...sizes, functions: functions.sort((a, b) => b.bytes - a.bytes) };
}

function functionSizes(code: Uint8Array, start: number): number[] {
  const { value: count, end } = readLength(code, start);
  const sizes: number[] = [];
  for (let at = end; sizes.length < count;) {
    const body = readLength(code, at);
    sizes.push(body.end + body.value - at);
    at = body.end + body.value;
  }
  return sizes;
}

const shown = 20;

/** The largest functions, and how much each package has, as text. */
export function describeSizes({ code, data, other, functions }: ModuleSizes): string {
  const owners = new Map<string, number>();
  for (const { name, bytes } of functions) owners.set(ownerOf(name), (owners.get(ownerOf(name)) ?? 0) + bytes);
  const shares = [...owners].sort(([, a], [, b]) => b - a).map(([owner, bytes]) => `${figure(bytes)} of ${owner}`);
  return [
    `${column(code)}  code: ${shares.join(", ")}`,
    `${column(data)}  data`,
    `${column(other)}  types, imports, exports and the like`,
    `The largest of ${functions.length} functions:`,
    ...functions.slice(0, shown).map(({ name, bytes }) => `${column(bytes)}  ${name}`),
  ].join("\n");
}

function ownerOf(name: string): string {
  if (!name.startsWith("~")) return "the filter";
  return /^~lib\/(@[^/]+\/[^/]+)\//.exec(name)?.[1] ?? "AssemblyScript's library";
}

function column(bytes: number): string {
  return figure(bytes).padStart(9);
}

function figure(bytes: number): string {
  return bytes.toLocaleString("en");
}
