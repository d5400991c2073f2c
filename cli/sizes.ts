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
export function measure(named: Uint8Array): ModuleSizes {
  const { imports } = WebAssembly.Module;
  const imported = imports(new WebAssembly.Module(Uint8Array.from(named))).filter(({ kind }) => kind === "function");
  const sizes = { code: 0, data: 0, other: headerSize };
  let bodies: number[] = [];
  let names = new Map<number, string>();
  for (let at = headerSize; at < named.length;) {
    const id = named[at]!;
    const { value, end } = readLength(named, at + 1);
    const next = end + value;
    if (id === customSection) names = functionNames(named.subarray(end, next)) ?? names;
    else sizes[id === codeSection ? "code" : id === dataSection ? "data" : "other"] += next - at;
    if (id === codeSection) bodies = functionSizes(named, end);
    at = next;
  }
  const nameOf = (index: number) => names.get(imported.length + index) ?? `function ${imported.length + index}`;
  const functions = bodies.map((bytes, index) => ({ name: nameOf(index), bytes }));
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

/** By the index of the function, if this is the section `name`. */
function functionNames(section: Uint8Array): Map<number, string> | null {
  const title = textAt(section, 0);
  if (title.text !== "name") return null;
  const names = new Map<number, string>();
  for (let at = title.end; at < section.length;) {
    const { value: size, end } = readLength(section, at + 1);
    if (section[at] === functionNamesPart) {
      let { value: left, end: next } = readLength(section, end);
      for (; left > 0; left--) {
        const index = readLength(section, next);
        const name = textAt(section, index.end);
        names.set(index.value, name.text);
        next = name.end;
      }
    }
    at = end + size;
  }
  return names;
}

const functionNamesPart = 1;

function textAt(bytes: Uint8Array, at: number): { text: string; end: number } {
  const { value, end } = readLength(bytes, at);
  return { text: Buffer.from(bytes.subarray(end, end + value)).toString(), end: end + value };
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
