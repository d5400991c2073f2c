// The part of the WebAssembly JavaScript API that is used here; TypeScript has it only in its library for browsers.
declare namespace WebAssembly {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  type ImportValue = ((...args: any[]) => unknown) | Memory | Table;
  type ModuleImports = Record<string, ImportValue>;
  type Imports = Record<string, ModuleImports>;
  type Exports = Record<string, unknown>;

  class Module {
    #module;
    constructor(bytes: Uint8Array);
    static imports(module: Module): { module: string; name: string; kind: string }[];
    static exports(module: Module): { name: string; kind: string }[];
  }
  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Exports;
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  class Table {
    #table;
    constructor(descriptor: { element: "anyfunc"; initial: number; maximum?: number });
    set(index: number, value: unknown): void;
  }
  class Exception extends Error {
    #exception;
  }
  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {}

  function compile(bytes: Uint8Array): Promise<Module>;
  function instantiate(bytes: BufferSource, imports?: Imports): Promise<{ module: Module; instance: Instance }>;
}

type BufferSource = ArrayBuffer | ArrayBufferView;
