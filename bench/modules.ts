import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "@attache/cli";

const run = promisify(execFile);
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** How a variant's module is made; each answers with the module's file. */
export const builders = {
  ours: async (name: string) => {
    const outFile = here(`build/ours-${name}.wasm`);
    await build({ entry: here(`ours/${name}.ts`), outFile });
    return outFile;
  },

  hand: async (name: string) => {
    await asc(name, "hand", ["--noAssert", "--runtime", "stub", "--use", "abort="]);
    return here(`build/hand-${name}.wasm`);
  },

  /** The only kept-up AssemblyScript SDK besides ours. */
  peer: async (name: string) => {
    await installPeer();
    const config = "node_modules/@assemblyscript/wasi-shim/asconfig.json";
    await asc(name, "peer", ["--config", config, "--use", "abort=abort_proc_exit"]);
    return here(`build/peer-${name}.wasm`);
  },

  rust: async (name: string) => {
    const target = here("build/rust");
    const flags = ["build", "--quiet", "--release", "--target", "wasm32-wasip1", "--example", name];
    await run("cargo", flags, { cwd: here("rust"), env: { ...process.env, CARGO_TARGET_DIR: target } });
    return `${target}/wasm32-wasip1/release/examples/${name.replaceAll("-", "_")}.wasm`;
  },

  go: async (name: string) => {
    const outFile = here(`build/go-${name}.wasm`);
    const env = { ...process.env, GOOS: "wasip1", GOARCH: "wasm" };
    await run("go", ["build", "-buildmode=c-shared", "-o", outFile, "."], { cwd: here("go"), env });
    return outFile;
  },
};

/** What the SDK does without the proxy, by crates of Rust. */
export async function buildRustKernels(): Promise<string> {
  const target = here("build/rust-kernels");
  const flags = ["build", "--quiet", "--release", "--target", "wasm32-wasip1"];
  await run("cargo", flags, { cwd: here("rust-kernels"), env: { ...process.env, CARGO_TARGET_DIR: target } });
  return `${target}/wasm32-wasip1/release/attache_bench_kernels.wasm`;
}

/** Compiles in this folder, by paths relative to it: the options of the repository's filters are not for these. */
async function asc(name: string, kind: string, flags: readonly string[]): Promise<void> {
  const program = here("../node_modules/.bin/asc");
  await run(program, [`${kind}/${name}.ts`, "-O3", ...flags, "-o", `build/${kind}-${name}.wasm`], { cwd: here(".") });
}

/** Makes the folder that modules go to. */
export async function prepare(): Promise<void> {
  await mkdir(here("build"), { recursive: true });
}

async function installPeer(): Promise<void> {
  if (existsSync(here("node_modules/@gcoredev/proxy-wasm-sdk-as"))) return;
  const npm = process.env["npm_execpath"];
  const [program, first] = npm === undefined ? ["npm", []] : [process.execPath, [npm]];
  await run(program, [...first, "install", "--no-package-lock", "--no-audit", "--no-fund"], { cwd: here(".") });
}
