import { stat } from "node:fs/promises";
import { table } from "@attache/abi";
import { envoyVersions, HarnessError, loadModule } from "@attache/harness";
import { Problem } from "../problem.ts";

/** What a module is, when Envoy would load it. */
export interface ModuleReport {
  file: string;
  bytes: number;
  abiVersion: string;
  sha256: string;
  /** First minor version of Envoy that loads it, of those it was tried in. */
  since: string;
  /** Host functions it imports. */
  imports: string[];
  /** Callbacks it exports, and whatever else. */
  exports: string[];
}

/** Checks a module as Envoy does when it loads it; a {@link Problem} names what is wrong and the cure. */
export async function checkModule(file: string): Promise<ModuleReport> {
  try {
    const { abiVersion, hash, shape } = await loadModule(file);
    return {
      file,
      bytes: (await stat(file)).size,
      abiVersion,
      sha256: hash,
      since: firstVersion(shape.imports),
      imports: shape.imports.map(({ module, name }) => `${module}.${name}`),
      exports: shape.exports.map(({ name }) => name),
    };
  } catch (error) {
    if (error instanceof HarnessError) throw new Problem(error.message);
    throw error;
  }
}

/** Envoy's WASI grew once. */
function firstVersion(imports: readonly { module: string; name: string }[]): string {
  const later = table.wasiFunctions.find(
    ({ name, since }) =>
      since !== undefined && imports.some((entry) => entry.name === name && table.wasiModules.includes(entry.module)),
  );
  return later?.since ?? envoyVersions[0];
}

export function describeModule({ file, bytes, abiVersion, sha256, since, imports, exports }: ModuleReport): string {
  return [
    `${file}: Envoy loads it`,
    `  versions ${since} and later`,
    `  size     ${bytes.toLocaleString("en")} bytes`,
    `  ABI      ${abiVersion}`,
    `  sha256   ${sha256}`,
    `  imports  ${imports.join(", ") || "nothing"}`,
    `  exports  ${exports.join(", ")}`,
  ].join("\n");
}
