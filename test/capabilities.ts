import { readFile } from "node:fs/promises";

/** All that a module imports and exports but one function: an allow-list (`allowedCapabilities`) that takes it away. */
export async function allBut(withheld: string, module: URL | Uint8Array): Promise<string[]> {
  const bytes = module instanceof URL ? await readFile(module) : module;
  const compiled = await WebAssembly.compile(new Uint8Array(bytes));
  const names = [...WebAssembly.Module.imports(compiled), ...WebAssembly.Module.exports(compiled)].map(
    ({ name }) => name,
  );
  if (!names.includes(withheld)) throw new Error(`the module has no ${withheld}`);
  return names.filter((name) => name !== withheld);
}
