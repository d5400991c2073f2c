import { parseArgs } from "node:util";
import { startEmulator } from "@attache/harness";
import { cases } from "../bench/cases.ts";
import { prepare } from "../bench/modules.ts";
import { BenchProxy, load } from "../bench/proxy.ts";
import { compileFilter } from "../test/compile-filter.ts";
import { allocatingFilter, pagesAfter } from "../test/guest-pages.ts";
import { setUp } from "./setup.ts";

const usage = `Long runs: what a filter holds must not grow with the streams that have passed.

  npm run soak                        10 M streams in the emulator, 5 M requests in Envoy
  npm run soak -- --streams N --requests N`;

const { values } = parseArgs({
  options: { streams: { type: "string" }, requests: { type: "string" }, help: { type: "boolean" } },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const million = 1_000_000;
const streams = Number(values.streams ?? 10 * million);
const requests = Number(values.requests ?? 5 * million);
const step = million / 10;
await setUp(false, console.log);
const emulatorHolds = await soakEmulator();
const envoyHolds = await soakEnvoy();
process.exitCode = emulatorHolds && envoyHolds ? 0 : 1;

/** Guest memory after all streams is what it was after the first 100,000. */
async function soakEmulator(): Promise<boolean> {
  await using emulator = await startEmulator({ plugins: [{ module: await compileFilter(allocatingFilter) }] });
  emulator.keepLatest();
  const early = pagesAfter(emulator, step);
  console.log(`emulator: ${step} streams, ${early} pages of guest memory`);
  let late = early;
  for (let done = step; done < streams; done += million) {
    late = pagesAfter(emulator, Math.min(million, streams - done));
    console.log(`emulator: ${Math.min(done + million, streams)} streams, ${late} pages`);
  }
  return late === early;
}

/** Envoy's memory after all requests is at most 2 MiB above what it was after the first tenth. */
async function soakEnvoy(): Promise<boolean> {
  await prepare();
  const measured = cases.find(({ name }) => name === "add-header")!;
  const ours = measured.variants.find(({ name }) => name === "Attaché")!;
  const proxy = await BenchProxy.start(measured, [ours]);
  try {
    let early = 0;
    let late = 0;
    for (let done = 0; done < requests;) {
      done += await load(proxy.url(0), {}, 5);
      late = await proxy.residentKiB();
      if (early === 0 && done >= requests / 10) early = late;
      console.log(`Envoy: ${done} requests, ${late} KiB`);
    }
    console.log(`Envoy: ${late - early} KiB more than after the first tenth`);
    return late <= early + 2048;
  } finally {
    await proxy.stop();
  }
}
