import { readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, BuildError } from "@attache/cli";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Folders that hold a filter: those with a `filter.ts`. */
export function filterFolders(): string[] {
  return ["assembly", "examples"].flatMap((parent) =>
    readdirSync(join(root, parent))
      .map((name) => join(root, parent, name))
      .filter((folder) => statSync(join(folder, "filter.ts"), { throwIfNoEntry: false }) !== undefined),
  );
}

/** Compiles every filter whose module is missing or older than any AssemblyScript source. */
export async function buildStale(progress: (line: string) => void): Promise<void> {
  const newest = newestSource();
  for (const folder of filterFolders()) {
    const module = join(folder, "build", "plugin.wasm");
    if ((statSync(module, { throwIfNoEntry: false })?.mtimeMs ?? 0) > newest) continue;
    const { size } = await build({ entry: folder });
    progress(`${relative(root, module)}: ${size.toLocaleString("en")} bytes`);
  }
}

/** When a source that a module can depend on was last changed. */
export function newestSource(): number {
  return Math.max(
    ...["abi", "assembly", "cli", "examples", "harness", "sdk"].map((name) => newestIn(join(root, name))),
  );
}

/** When a source below `folder` was last changed. */
function newestIn(folder: string): number {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === "node_modules" || entry.name === "build") continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) newest = Math.max(newest, newestIn(path));
    else if (/(?<!\.(test|spec))\.(ts|mjs|json)$/.test(entry.name)) newest = Math.max(newest, statSync(path).mtimeMs);
  }
  return newest;
}

if (import.meta.main) {
  try {
    await buildStale(console.log);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`attache: ${error.message}`);
    process.exitCode = 1;
  }
}
