import { execFile } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const folder = fileURLToPath(new URL(".", import.meta.url));
const target = `${folder}build`;
/** Written when a build is complete: cargo leaves what has not changed as old as it was. */
const stamp = `${target}/complete`;

/** Compiles the guests written with the Rust SDK: one module for each file in `examples/`. Needs cargo and its target. */
export async function buildRustGuests(): Promise<void> {
  const flags = ["build", "--quiet", "--release", "--target", "wasm32-wasip1", "--examples"];
  await promisify(execFile)("cargo", flags, { cwd: folder, env: { ...process.env, CARGO_TARGET_DIR: target } });
  await writeFile(stamp, "");
}

/** Whether all guests are built from the sources as they are now. */
export function rustGuestsAreBuilt(): boolean {
  const builtAt = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return sources().every((path) => statSync(path).mtimeMs < builtAt);
}

export function rustGuest(name: string): Uint8Array {
  return readFileSync(modulePath(name));
}

function guestNames(): string[] {
  return readdirSync(`${folder}examples`).map((file) => file.replace(/\.rs$/, ""));
}

function sources(): string[] {
  return ["Cargo.toml", "src/lib.rs", ...guestNames().map((name) => `examples/${name}.rs`)].map(
    (path) => folder + path,
  );
}

function modulePath(name: string): string {
  return `${target}/wasm32-wasip1/release/examples/${name.replaceAll("-", "_")}.wasm`;
}
