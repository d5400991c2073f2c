import { parseArgs } from "node:util";
import { join } from "node:path";
import { packAll } from "./release/pack.ts";
import { root } from "./release/packages.ts";
import { run } from "./release/run.ts";
import { smokeTest } from "./release/smoke-test.ts";
import { stageAll } from "./release/stage.ts";

const usage = `Builds all packages, tries them in an empty project and publishes them on npm.

  npm run release -- --dry-run   everything but the upload
  npm run release`;

const { values } = parseArgs({ options: { "dry-run": { type: "boolean" }, help: { type: "boolean" } } });
if (values.help) {
  console.log(usage);
  process.exit(0);
}
console.log("Building the packages …");
const folders = await stageAll(join(root, "build", "packages"), (line) => console.log(`  ${line}`));
const tarballs = await packAll(folders);
for (const { file, size } of tarballs) console.log(`  ${file}: ${size.toLocaleString("en")} bytes`);
console.log("Trying them in empty projects …");
await smokeTest(tarballs, (line) => console.log(`  ${line}`));
if (values["dry-run"]) {
  console.log(`release: ${tarballs.length} packages are ready; nothing was uploaded (--dry-run)`);
} else {
  for (const { file } of tarballs) await run("npm", ["publish", file], { cwd: process.cwd() });
  console.log(`release: ${tarballs.length} packages published`);
}
