import { parseArgs } from "node:util";
import { findEnvoy } from "@attache/harness/envoy";
import { compareRouting, describe } from "../test/differential/comparison.ts";
import { buildStale } from "./build.ts";
import { setUp } from "./setup.ts";

const usage = `Sends random requests through random VirtualServices, as native routes of Envoy and by the filter, and compares.

  npm run differential -- header-routing             500 tables with 110 requests each, new ones each time
  npm run differential -- header-routing --seed S    the same ones again
      --tables N   --requests N                      so many tables, so many requests each`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string" },
    tables: { type: "string" },
    requests: { type: "string" },
    help: { type: "boolean" },
  },
});
if (values.help || positionals.join() !== "header-routing") {
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : wholeNumber("--seed", values.seed);
const tables = wholeNumber("--tables", values.tables ?? "500");
const requestsPerTable = wholeNumber("--requests", values.requests ?? "110");
await setUp(false, console.log);
await buildStale(console.log);
if ((await findEnvoy()) === null) {
  console.error("attache: there is no Envoy to compare with: set $ENVOY, or install Python 3 with pip");
  process.exit(1);
}
console.log(`--seed ${seed}`);
const { requests, agree, deliberate, differences, ...summary } = await compareRouting({
  seed,
  tables,
  requestsPerTable,
  progress: (so) => console.log(`${so.requests} requests, ${so.tables} tables, ${so.differences.length} differ`),
});
for (const difference of differences.slice(0, 10)) console.log(describe(difference));
console.log(`kinds of matches and actions: ${[...summary.kinds].sort().join(", ")}`);
console.log(
  `${requests} requests, ${summary.tables} route tables, ${agree} agree, ${deliberate} deliberate, ${differences.length} differ`,
);
process.exit(differences.length === 0 ? 0 : 1);

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`attache: ${option}: ${JSON.stringify(text)} is no whole number`);
  process.exit(2);
}
