import { readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Case, Result, Variant } from "../bench/case.ts";
import { cases } from "../bench/cases.ts";
import { emulatorCase } from "../bench/emulator.ts";
import { kernelsCase } from "../bench/kernels.ts";
import { prepare } from "../bench/modules.ts";
import { BenchProxy, load } from "../bench/proxy.ts";
import { streamsCase } from "../bench/streams.ts";
import { summary } from "../bench/summary.ts";
import { buildStale } from "./build.ts";
import { setUp } from "./setup.ts";

const all = [...cases, streamsCase, kernelsCase, emulatorCase];
const names = all.map(({ name }) => name);
const usage = `Measures processor time per request in a real Envoy: each variant beside no filter, in one run, interleaved;
that of the SDK's own code beside crates of Rust, and that of the emulator's steps.

  npm run bench                     all cases: ${names.join(", ")}
  npm run bench -- CASE …           some of them
  npm run bench -- --rounds 9       rounds (7 when absent)
  npm run bench -- --seconds 1      seconds of load per variant and round (2 when absent)

Have nothing else run on the machine. Results go to bench/results.json.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string" }, seconds: { type: "string" }, help: { type: "boolean" } },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`attache: there is no case ${unknown.join(", ")}\n\n${usage}`);
  process.exit(2);
}
const rounds = Number(values.rounds ?? 7);
const seconds = Number(values.seconds ?? 2);
const resultsFile = fileURLToPath(new URL("../bench/results.json", import.meta.url));

await setUp(false, console.log);
await buildStale(console.log);
await prepare();
const results: Record<string, { what: string; variants: Result[] }> = await readFile(resultsFile, "utf8").then(
  (text) => (JSON.parse(text) as { cases: typeof results }).cases,
  () => ({}),
);
for (const measured of all) {
  if (positionals.length > 0 && !positionals.includes(measured.name)) continue;
  console.log(`\n${measured.name}: ${measured.what}`);
  const isLocal = "measure" in measured;
  const variants = isLocal ? await measured.measure(rounds) : await measure(measured);
  results[measured.name] = { what: measured.what, variants };
  const sign = isLocal ? unsigned : signed;
  for (const { name, microseconds } of variants) {
    const { median, lower, upper } = microseconds;
    console.log(`  ${name.padEnd(50)} ${sign(median)} µs   (${sign(lower)} … ${sign(upper)})`);
  }
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`;
  await writeFile(resultsFile, `${JSON.stringify({ machine, rounds, seconds, cases: results }, null, 2)}\n`);
}

async function measure(measured: Case): Promise<Result[]> {
  const variants = await available(measured.variants);
  await using surroundings = await measured.surroundings?.();
  const proxy = await BenchProxy.start(measured, variants, surroundings?.clusters);
  const differences = variants.map((): number[] => []);
  const headers = measured.requestHeaders ?? {};
  try {
    for (let i = 0; i < variants.length; i++) await load(proxy.url(i), headers, 1, variants[i]!.clients);
    for (let round = 0; round < rounds; round++) {
      const order = variants.map((_, i) => i);
      if (round % 2 === 1) order.reverse();
      const cost: number[] = [];
      for (const i of order) {
        const before = await proxy.processorTime();
        const requests = await load(proxy.url(i), headers, seconds, variants[i]!.clients);
        cost[i] = ((await proxy.processorTime()) - before) / requests;
      }
      for (const i of order) differences[i]!.push(cost[i]! - cost[0]!);
    }
  } finally {
    await proxy.stop();
  }
  return variants.slice(1).map(({ name }, i) => ({ name, microseconds: summary(differences[i + 1]!) }));
}

/** No filter, and the variants whose modules can be made here. */
async function available(variants: readonly Variant[]): Promise<Variant[]> {
  const made: Variant[] = [{ name: "no filter" }];
  for (const variant of variants) {
    try {
      const file = await variant.module?.();
      made.push(file === undefined ? variant : { ...variant, module: async () => file });
    } catch (error) {
      console.log(`  ${variant.name}: LEFT OUT: ${(error as Error).message.split("\n", 1)[0]}`);
    }
  }
  return made;
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`.padStart(7);
}

function unsigned(value: number): string {
  return value.toFixed(value < 10 ? 3 : 2).padStart(7);
}
