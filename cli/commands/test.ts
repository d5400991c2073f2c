import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { build } from "../build.ts";
import { Problem } from "../problem.ts";

/** Builds the filter in this folder and runs its tests; the exit code is vitest's. */
export async function test(args: readonly string[]): Promise<number> {
  await build({ entry: ".", sourceMap: true });
  return await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [findVitest(), "run", ...args], { stdio: "inherit" });
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

function findVitest(): string {
  try {
    const manifest = createRequire(join(process.cwd(), "package.json")).resolve("vitest/package.json");
    return join(dirname(manifest), "vitest.mjs");
  } catch {
    throw new Problem("vitest is not installed here: run `npm install --save-dev vitest`");
  }
}
