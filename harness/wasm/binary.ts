import { CorruptModuleError, Reader } from "./reader.ts";

export type WasmType = "i32" | "i64" | "f32" | "f64" | "v128" | "funcref" | "externref" | "unknown";

export interface Signature {
  params: readonly WasmType[];
  results: readonly WasmType[];
}

export type ExternKind = "function" | "table" | "memory" | "global" | "tag";

export interface ImportEntry {
  module: string;
  name: string;
  kind: ExternKind;
  /** Of imported functions. */
  signature: Signature | null;
  /** Of imported memories and tables. */
  limits: Limits | null;
}

export interface Limits {
  initial: number;
  maximum?: number;
  /** Addresses have 64 bits. */
  is64?: boolean;
}

export interface ExportEntry {
  name: string;
  kind: ExternKind;
  signature: Signature | null;
}

/** What a module's sections say about it that the WebAssembly JavaScript API does not. */
export interface ModuleShape {
  imports: ImportEntry[];
  exports: ExportEntry[];
  hasStartSection: boolean;
  typeCount: number;
  /** The module's own, not those it imports. */
  memories: Limits[];
  /** From the name section, by function index; empty when the module has none. */
  functionNames: Map<number, string>;
}

const emptySignature: Signature = { params: [], results: [] };

/** Reads the type, import, function, export, start and name sections of a binary module. */
export function readModuleShape(bytes: Uint8Array): ModuleShape {
  const reader = new Reader(bytes, 8, bytes.length);
  const types: Signature[] = [];
  const functions: number[] = [];
  const exported: { name: string; kind: ExternKind; index: number }[] = [];
  const shape: ModuleShape = {
    imports: [],
    exports: [],
    hasStartSection: false,
    typeCount: 0,
    memories: [],
    functionNames: new Map(),
  };
  while (!reader.atEnd) {
    const id = reader.byte();
    const section = reader.slice(reader.u32());
    if (id === 0) readCustomSection(section, shape.functionNames);
    else if (id === 1) readTypes(section, types);
    else if (id === 2) readImports(section, types, functions, shape.imports);
    else if (id === 3) section.repeat(() => functions.push(section.u32()));
    else if (id === 5) section.repeat(() => shape.memories.push(section.limits()));
    else if (id === 7) section.repeat(() => exported.push(readExport(section)));
    else if (id === 8) shape.hasStartSection = true;
  }
  shape.typeCount = types.length;
  shape.exports = exported.map(({ name, kind, index }) => ({
    name,
    kind,
    signature: kind === "function" ? (types[functions[index] ?? -1] ?? emptySignature) : null,
  }));
  return shape;
}

/** `i32, i64 -> i32` as Envoy's V8 host prints it. */
export function formatSignature(signature: Signature): string {
  return `${formatTypes(signature.params)} -> ${formatTypes(signature.results)}`;
}

export function sameSignature(a: Signature, b: Signature): boolean {
  return formatSignature(a) === formatSignature(b);
}

function formatTypes(types: readonly WasmType[]): string {
  return types.length === 0 ? "void" : types.map((type) => (type === "v128" ? "unknown" : type)).join(", ");
}

function readExport(section: Reader): { name: string; kind: ExternKind; index: number } {
  const name = section.name();
  return { name, kind: section.externKind(), index: section.u32() };
}

function readImports(section: Reader, types: Signature[], functions: number[], imports: ImportEntry[]): void {
  section.repeat(() => {
    const module = section.name();
    const name = section.name();
    const kind = section.externKind();
    let signature: Signature | null = null;
    let limits: Limits | null = null;
    if (kind === "function") {
      const type = section.u32();
      functions.push(type);
      signature = types[type] ?? emptySignature;
    } else if (kind === "table") {
      section.valueType();
      limits = section.limits();
    } else if (kind === "memory") {
      limits = section.limits();
    } else if (kind === "global") {
      section.valueType();
      section.byte();
    } else {
      section.byte();
      section.u32();
    }
    imports.push({ module, name, kind, signature, limits });
  });
}

function readTypes(section: Reader, types: Signature[]): void {
  section.repeat(() => {
    const form = section.byte();
    if (form === 0x4e) section.repeat(() => types.push(readSubtype(section, section.byte())));
    else types.push(readSubtype(section, form));
  });
}

function readSubtype(section: Reader, form: number): Signature {
  if (form === 0x50 || form === 0x4f) {
    section.repeat(() => section.u32());
    return readSubtype(section, section.byte());
  }
  if (form === 0x60) return { params: section.valueTypes(), results: section.valueTypes() };
  if (form === 0x5f) section.repeat(() => section.fieldType());
  else if (form === 0x5e) section.fieldType();
  else throw new CorruptModuleError(`unknown type form 0x${form.toString(16)}`);
  return emptySignature;
}

function readCustomSection(section: Reader, functionNames: Map<number, string>): void {
  if (section.name() !== "name") return;
  while (!section.atEnd) {
    const id = section.byte();
    const part = section.slice(section.u32());
    if (id === 1) part.repeat(() => functionNames.set(part.u32(), part.name()));
  }
}
