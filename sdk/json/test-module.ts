import asc from "assemblyscript/asc";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export interface TestExports {
  memory: WebAssembly.Memory;
  /** Room for `size` bytes of input, the same each time unless it grows. */
  input(size: number): number;
  [name: string]: unknown;
}

/** A compiled test entry, with strings and bytes carried across. */
export class TestModule {
  readonly exports: TestExports;

  private constructor(exports: TestExports) {
    this.exports = exports;
  }

  /**
   * Compiles `test-entry.ts` beside the test with the options of filters and `further` ones; `transform` may
   * change the binary. `imports` are functions of the proxy.
   */
  static async compile(
    testUrl: string,
    transform?: (wasm: Uint8Array) => Uint8Array,
    further: string[] = [],
    imports: Record<string, (...args: number[]) => number> = {},
  ): Promise<TestModule> {
    const entry = join(dirname(fileURLToPath(testUrl)), "test-entry.ts");
    let wasm: Uint8Array | undefined;
    const options = [
      "--config",
      "none",
      "--runtime",
      "minimal",
      "--use",
      "abort=",
      "--exportStart",
      "_initialize",
      "-O3",
      ...further,
    ];
    const result = await asc.main([relative(process.cwd(), entry), "--outFile", "out.wasm", ...options], {
      writeFile: (_name, contents) => {
        wasm = contents as Uint8Array;
      },
    });
    if (result.error || !wasm) throw new Error(`${entry}: ${result.stderr.toString()}`);
    if (transform) wasm = transform(wasm);
    const { instance } = await WebAssembly.instantiate(wasm as BufferSource, {
      env: { log_execution: () => TestModule.onStep(), ...imports },
    });
    const exports = instance.exports as unknown as TestExports;
    (exports["_initialize"] as () => void)();
    return new TestModule(exports);
  }

  /** Called by modules instrumented with Binaryen's `log-execution`. */
  static onStep: () => void = () => {};

  /** Calls an export that takes (address, length, ...rest) with `bytes` in the module's memory. */
  call(name: string, bytes: Uint8Array | string, ...rest: number[]): number {
    const data = typeof bytes === "string" ? Buffer.from(bytes, "utf8") : bytes;
    const address = this.exports.input(data.length);
    new Uint8Array(this.exports.memory.buffer).set(data, address);
    return (this.exports[name] as (...args: number[]) => number)(address, data.length, ...rest);
  }

  /** Like {@link call}, for an export that returns a string or null. */
  text(name: string, bytes: Uint8Array | string, ...rest: number[]): string | null {
    const address = this.call(name, bytes, ...rest);
    if (!address) return null;
    const length = new DataView(this.exports.memory.buffer).getUint32(address - 4, true);
    return Buffer.from(this.exports.memory.buffer, address, length).toString("utf16le");
  }
}

/** A seeded generator of random numbers (mulberry32): tests fail the same way each time. */
export function random(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  };
}
