import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { findIstio } from "../test/e2e/istio/program.ts";
import { setUp } from "./setup.ts";

const isReady = await setUp((await findIstio()) === null, console.log);
const { status } = spawnSync("vitest", ["run", "test/e2e/istio", ...process.argv.slice(2)], {
  cwd: fileURLToPath(new URL("..", import.meta.url)),
  stdio: "inherit",
});
process.exitCode = isReady ? (status ?? 1) : 1;
