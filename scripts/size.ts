import { statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { buildStale, filterFolders } from "./build.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Most bytes a module may have, by the folder of its filter (docs/rationale.md, "Budgets"). */
const limits: Record<string, number> = {
  "examples/hello-headers": 6_144,
  "assembly/header-routing": 65_536,
  "assembly/auth-policy": 131_072,
  "assembly/rate-limit": 65_536,
  "assembly/metrics": 65_536,
};
const limitOfOthers = 65_536;

await buildStale(() => {});
let tooLarge = 0;
for (const folder of filterFolders()) {
  const name = relative(root, folder);
  const size = statSync(join(folder, "build", "plugin.wasm")).size;
  const limit = limits[name] ?? limitOfOthers;
  if (size > limit) tooLarge += 1;
  const figures = `${size.toLocaleString("en").padStart(8)} of ${limit.toLocaleString("en").padStart(8)} bytes`;
  console.log(`${name.padEnd(28)} ${figures}${size > limit ? "  TOO LARGE" : ""}`);
}
process.exitCode = tooLarge === 0 ? 0 : 1;
