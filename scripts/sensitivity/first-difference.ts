import { readFile } from "node:fs/promises";
import { startEmulator } from "@attache/harness";
import { differencesOf } from "../../test/conformance/comparison.ts";
import { observe, type Observation } from "../../test/conformance/observation.ts";
import { scenarios } from "../../test/conformance/scenarios/index.ts";

/** Prints the first scenario in which this emulator shows something else than Envoy did, if there is one. */
const envoy = JSON.parse(await readFile(process.argv[2]!, "utf8")) as Record<string, Observation>;
for (const scenario of scenarios.filter(({ name }) => name in envoy)) {
  const seen = await observe(scenario, startEmulator).catch(() => null);
  if (seen !== null && differencesOf(scenario, seen, envoy[scenario.name]!).length === 0) continue;
  console.log(scenario.name);
  process.exit(0);
}
process.exit(0);
