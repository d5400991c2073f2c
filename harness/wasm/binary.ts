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
  /** From the name section, by function index; empty when the module has none. */
  functionNames: Map<number, string>;
}

/** The module ends in the middle of something, or its sections contradict each other. */
export class CorruptModuleError extends Error {}

const externKinds: readonly ExternKind[] = ["function", "table", "memory", "global", "tag"];
const emptySignature: Signature = { params: [], results: [] };

/** Reads the type, import, function, export, start and name sections of a binary module. */
export function readModuleShape(bytes: Uint8Array): ModuleShape {
  const reader = new Reader(bytes, 8, bytes.length);
  const types: Signature[] = [];
  const functions: number[] = [];
  const exported: { name: string; kind: ExternKind; index: number }[] = [];
  const shape: ModuleShape = { imports: [], exports: [], hasStartSection: false, functionNames: new Map() };
  while (!reader.atEnd) {
    const id = reader.byte();
    const section = reader.slice(reader.u32());
    if (id === 0) readCustomSection(section, shape.functionNames);
    else if (id === 1) readTypes(section, types);
    else if (id === 2) readImports(section, types, functions, shape.imports);
    else if (id === 3) section.repeat(() => functions.push(section.u32()));
    else if (id === 7) section.repeat(() => exported.push(readExport(section)));
    else if (id === 8) shape.hasStartSection = true;
  }
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

class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #position: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
  }

  get atEnd(): boolean {
    return this.#position >= this.#end;
  }

  byte(): number {
    if (this.#position >= this.#end) throw new CorruptModuleError("unexpected end");
    return this.#bytes[this.#position++]!;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new CorruptModuleError("integer too long");
  }

  slice(size: number): Reader {
    const start = this.#position;
    if (start + size > this.#end) throw new CorruptModuleError("unexpected end");
    this.#position = start + size;
    return new Reader(this.#bytes, start, start + size);
  }

  name(): string {
    const size = this.u32();
    const start = this.#position;
    this.slice(size);
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + start, size).toString("utf8");
  }

  repeat(read: () => void): void {
    for (let left = this.u32(); left > 0; left--) read();
  }

  externKind(): ExternKind {
    const kind = externKinds[this.byte()];
    if (kind === undefined) throw new CorruptModuleError("unknown kind of import or export");
    return kind;
  }

  limits(): Limits {
    const flags = this.byte();
    const initial = this.u64();
    return (flags & 1) !== 0 ? { initial, maximum: this.u64() } : { initial };
  }

  u64(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  valueTypes(): WasmType[] {
    const types: WasmType[] = [];
    this.repeat(() => types.push(this.valueType()));
    return types;
  }

  valueType(): WasmType {
    const byte = this.byte();
    if (byte === 0x63 || byte === 0x64) this.u64();
    return valueTypeNames[byte] ?? "unknown";
  }

  fieldType(): void {
    const byte = this.byte();
    if (byte === 0x63 || byte === 0x64) this.u64();
    this.byte();
  }
}

const valueTypeNames: Record<number, WasmType> = {
  0x7f: "i32",
  0x7e: "i64",
  0x7d: "f32",
  0x7c: "f64",
  0x7b: "v128",
  0x70: "funcref",
  0x6f: "externref",
};
