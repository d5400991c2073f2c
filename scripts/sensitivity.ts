import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findEnvoy } from "@attache/harness/envoy";
import { stopIdleEnvoys } from "../harness/envoy/pool.ts";
import { compare } from "../test/conformance/comparison.ts";
import type { Observation } from "../test/conformance/observation.ts";
import { scenarios } from "../test/conformance/scenarios/index.ts";
import { run } from "./release/run.ts";
import { rules } from "./sensitivity/rules.ts";

// Breaks the emulator's rules one at a time, and says which scenario notices. One that nobody notices is a gap.

const root = fileURLToPath(new URL("..", import.meta.url));
const recording = join(root, "build", "sensitivity", "envoy.json");

if ((await findEnvoy()) === null) {
  console.error("attache: there is no Envoy to compare with: set $ENVOY, or install Python 3 with pip");
  process.exit(1);
}
await record();
const unnoticed: string[] = [];
for (const [i, { name }] of rules.entries()) {
  const noticed = await noticing(i);
  console.log(`${noticed === "" ? "NOT NOTICED" : "noticed"}: ${name}${noticed === "" ? "" : ` (${noticed})`}`);
  if (noticed === "") unnoticed.push(name);
}
console.log(`sensitivity: ${rules.length} rules broken, ${rules.length - unnoticed.length} noticed`);
process.exitCode = unnoticed.length === 0 ? 0 : 1;

/** What Envoy shows in each scenario. */
async function record(): Promise<void> {
  console.log(`Recording ${scenarios.length} scenarios in Envoy …`);
  const seen: Record<string, Observation> = {};
  for (const scenario of scenarios) {
    const { envoy, differences } = await compare(scenario);
    if (differences.length > 0) throw new Error(`${scenario.name} differs already: npm run conformance`);
    seen[scenario.name] = envoy;
  }
  await stopIdleEnvoys();
  await mkdir(join(root, "build", "sensitivity"), { recursive: true });
  await writeFile(recording, JSON.stringify(seen));
  // What is random in each process, such as keys, would count as noticed.
  for (let equal = 0; equal < 5; equal++) {
    const random = await firstDifference([]);
    if (random === "") continue;
    equal = -1;
    console.log(`left out, for it differs in each process: ${random}`);
    delete seen[random];
    await writeFile(recording, JSON.stringify(seen));
  }
}

/** The first scenario that notices that a rule is broken; empty for none. */
async function noticing(rule: number): Promise<string> {
  const hooks = join(root, "scripts/sensitivity/break.ts");
  return await firstDifference(["--import", hooks], { ATTACHE_BROKEN_RULE: String(rule) });
}

async function firstDifference(options: string[], more: Record<string, string> = {}): Promise<string> {
  const program = join(root, "scripts/sensitivity/first-difference.ts");
  const env = { ...process.env, ...more };
  return (await run(process.execPath, [...options, program, recording], { cwd: root, env })).trim();
}
