import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setUp } from "./setup.ts";

const usage = `Gives every parser of the SDK and the filters made-up and mutated input: none may trap, hang or keep memory. And
gives the emulator a filter with bytes changed at random: each must have an outcome.

  npm run fuzz                       a million inputs for each parser, a tenth as many filters
  npm run fuzz -- --inputs N         as many
  npm run fuzz -- FILE …             those tests only, such as sdk/json`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { inputs: { type: "string" }, help: { type: "boolean" } },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const inputs = Number(values.inputs ?? 1_000_000);
if (!Number.isSafeInteger(inputs) || inputs < 1) {
  console.error(`attache: --inputs: ${JSON.stringify(values.inputs)} is no whole number above 0`);
  process.exit(2);
}
await setUp(false, console.log);
const vitest = fileURLToPath(new URL("../node_modules/.bin/vitest", import.meta.url));
const flags = ["run", "--testNamePattern", "never trap|it has an outcome", "--testTimeout", "3600000"];
const { status } = spawnSync(vitest, [...flags, ...positionals], {
  stdio: "inherit",
  env: { ...process.env, ATTACHE_FUZZ_INPUTS: String(inputs) },
});
process.exitCode = status ?? 1;
