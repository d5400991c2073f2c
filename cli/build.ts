import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, relative, resolve } from "node:path";
import { HarnessError, loadModule } from "@attache/harness";
import { compiler } from "./compiler.ts";
import { Problem } from "./problem.ts";
import { measure, type ModuleSizes } from "./sizes.ts";
import { withoutSourceMapUrl } from "./source-map.ts";

export interface BuildOptions {
  /** The filter's main file, or the folder that holds it as `filter.ts` or `index.ts`. */
  entry: string;
  /** Where the module goes; `build/plugin.wasm` in the entry's package when absent. */
  outFile?: string;
  /** Keep function names and skip optimisation: larger and slower, with full stack traces. */
  debug?: boolean;
  /** Also write `plugin.wasm.map`. The module stays the same to the byte: it does not name its map. */
  sourceMap?: boolean;
  /** Also measure what the module's bytes are; takes as long again. */
  sizes?: boolean;
}

export interface BuildResult {
  outFile: string;
  /** Bytes of the module. */
  size: number;
  /** Where they are; `null` unless asked for. */
  sizes: ModuleSizes | null;
}

/** A filter that does not compile, or whose module Envoy would refuse; the message is ready to be shown. */
export class BuildError extends Problem {
  override name = "BuildError";
}

/**
 * Compiles a filter and checks that Envoy will load it.
 *
 * The compiler options a filter cannot do without (`@attache/sdk/asconfig.json`) are always in force; an
 * `asconfig.json` in the filter's package can add others. Nothing is written unless the module is good.
 */
export async function build(options: BuildOptions): Promise<BuildResult> {
  const entry = findEntry(resolve(options.entry));
  const packageFolder = findPackage(dirname(entry));
  const outFile = resolve(options.outFile ?? join(packageFolder, "build", "plugin.wasm"));
  const { code, sourceMap } = await compile(entry, packageFolder, options);
  await check(code, entry);
  await writeWhole(outFile, code);
  // A map of another build would name the wrong places.
  if (sourceMap === null) await rm(`${outFile}.map`, { force: true });
  else await writeWhole(`${outFile}.map`, sourceMap);
  const named = options.sizes ? await compile(entry, packageFolder, options, ["--debug"]) : null;
  return { outFile, size: code.length, sizes: named === null ? null : await measure(named.code) };
}

function findEntry(path: string): string {
  if (path.endsWith(".ts")) {
    if (existsSync(path)) return path;
    throw new BuildError(`${path}: there is no such file`);
  }
  const entry = ["filter.ts", "index.ts"].map((name) => join(path, name)).find(existsSync);
  if (entry === undefined) throw new BuildError(`${path}: there is neither a filter.ts nor an index.ts in this folder`);
  return entry;
}

/** The nearest folder at or above `folder` with a package.json; `folder` itself when there is none. */
function findPackage(folder: string): string {
  for (let candidate = folder; ; candidate = dirname(candidate)) {
    if (existsSync(join(candidate, "package.json"))) return candidate;
    if (candidate === dirname(candidate)) return folder;
  }
}

interface Compiled {
  code: Uint8Array;
  sourceMap: string | null;
}

async function compile(
  entry: string,
  packageFolder: string,
  options: BuildOptions,
  more: readonly string[] = [],
): Promise<Compiled> {
  const messages: string[] = [];
  let code: Uint8Array | null = null;
  let sourceMap: string | null = null;
  const { error } = await compiler.main(
    [
      relative(packageFolder, entry),
      "--baseDir",
      packageFolder,
      "--outFile",
      "plugin.wasm",
      ...(await forcedOptions(packageFolder)),
      ...(options.sourceMap ? ["--sourceMap"] : []),
      ...(options.debug ? ["--debug", "--optimizeLevel", "0", "--shrinkLevel", "0"] : []),
      ...more,
    ],
    {
      stderr: { write: (text) => messages.push(String(text)) },
      writeFile: (name, content) => {
        if (name === "plugin.wasm") code = content as Uint8Array;
        if (name === "plugin.wasm.map") sourceMap = String(content);
      },
    },
  );
  if (error !== null || code === null) {
    throw new BuildError(`${messages.join("").trim() || String(error)}\n${entry} does not compile`);
  }
  return { code: withoutSourceMapUrl(code), sourceMap };
}

/** The SDK's compiler options, as command-line arguments: these win over any configuration file. */
async function forcedOptions(packageFolder: string): Promise<string[]> {
  const require = createRequire(join(packageFolder, "package.json"));
  let path: string;
  try {
    path = require.resolve("@attache/sdk/asconfig.json");
  } catch {
    throw new BuildError(`${packageFolder}: @attache/sdk is not installed here: run \`npm install @attache/sdk\``);
  }
  const { options } = JSON.parse(await readFile(path, "utf8")) as { options: Record<string, unknown> };
  return Object.entries(options).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [value].flat().flatMap((item) => [`--${name}`, String(item)]),
  );
}

/** What Envoy would say when it loads the module, before it does. */
async function check(code: Uint8Array, entry: string): Promise<void> {
  try {
    await loadModule(code);
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
    throw new BuildError(`${entry}: Envoy would refuse this filter: ${error.message.replace(/^module: /, "")}`);
  }
}

/** Writes the file under another name first, so that a reader never sees half of it. */
async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}`);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, content);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new BuildError(`${path}: cannot write the module: ${(error as Error).message}`);
  }
}
