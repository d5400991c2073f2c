import { readFile } from "node:fs/promises";

/** A module whose imports, of the proxy and of WASI, answer 0 and do nothing else. */
export async function load<Exports>(file: string): Promise<Exports> {
  const module = await WebAssembly.compile(new Uint8Array(await readFile(file)));
  const imports: Record<string, Record<string, () => number>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) (imports[from] ??= {})[name] = () => 0;
  const { exports } = new WebAssembly.Instance(module, imports);
  (exports as { _initialize?(): void })._initialize?.();
  return exports as Exports;
}
