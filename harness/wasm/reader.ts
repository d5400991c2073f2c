import type { ExternKind, Limits, WasmType } from "./binary.ts";

/** The module ends in the middle of something, or its sections contradict each other. */
export class CorruptModuleError extends Error {}

const externKinds: readonly ExternKind[] = ["function", "table", "memory", "global", "tag"];

/** Reads what binary modules are made of, one after the other. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #position: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
  }

  /** Where the next byte stands in the module. */
  get position(): number {
    return this.#position;
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

  /** Where its last byte is followed by what it does not read. */
  get end(): number {
    return this.#end;
  }

  skip(size: number): void {
    if (this.#position + size > this.#end) throw new CorruptModuleError("unexpected end");
    this.#position += size;
  }

  /** Passes over an integer of up to 64 bits, signed or not. */
  skipInteger(): void {
    while (this.byte() >= 0x80);
  }

  /** Passes over the type of a value or of a block. */
  skipType(): void {
    const first = this.byte();
    const isReference = first === 0x63 || first === 0x64;
    if (isReference || first >= 0x80) this.skipInteger();
  }

  slice(size: number): Reader {
    const start = this.#position;
    this.skip(size);
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
    const is64 = (flags & 4) !== 0;
    const initial = this.u64();
    return (flags & 1) !== 0 ? { initial, maximum: this.u64(), is64 } : { initial, is64 };
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
