import { readFile } from "node:fs/promises";
import { HeaderMap, startEmulator, type Emulator, type ResponseSink } from "@attache/harness";
import type { LocalCase, Result } from "./case.ts";
import { summary } from "./summary.ts";

/** What one step costs in the emulator, in microseconds of this process's time, all threads. */
interface Step {
  name: string;
  /** Steps of one round. */
  count: number;
  prepare(module: Uint8Array): Promise<() => void | Promise<void>>;
}

const steps: readonly Step[] = [
  {
    name: "a stream without bodies",
    count: 50_000,
    async prepare(module) {
      const emulator = await start(module);
      return () => emulator.openStream(nobody).headers(HeaderMap.from("requestHeaders", get), true);
    },
  },
  {
    name: "a stream with 1 KiB each way",
    count: 20_000,
    async prepare(module) {
      const emulator = await start(module, kibibyte);
      return () => {
        const stream = emulator.openStream(nobody);
        stream.headers(HeaderMap.from("requestHeaders", post), false);
        stream.data(kibibyte, false);
        stream.data(nothing, true);
      };
    },
  },
  {
    name: "fetch",
    count: 20_000,
    async prepare(module) {
      const emulator = await start(module);
      return async () => void (await emulator.fetch("/"));
    },
  },
  {
    name: "the start of a host, its module compiled before",
    count: 500,
    prepare: async (module) => async () => void (await start(module)),
  },
  {
    name: "a test: start, one request, stop",
    count: 500,
    prepare: async (module) => async () => {
      await using emulator = await start(module);
      await emulator.fetch("/");
    },
  },
];

export const emulatorCase: LocalCase = {
  name: "emulator",
  what: "one step in the emulator, with a filter that adds a header",
  measure,
};

async function measure(rounds: number): Promise<Result[]> {
  const module = await readFile(new URL("../examples/hello-headers/build/plugin.wasm", import.meta.url));
  const taken = steps.map((): number[] => []);
  const runs = await Promise.all(steps.map(async (step) => await step.prepare(module)));
  // The first round only warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const [i, { count }] of steps.entries()) {
      const before = process.cpuUsage();
      for (let n = 0; n < count; n++) await runs[i]!();
      const { user, system } = process.cpuUsage(before);
      if (round > 0) taken[i]!.push((user + system) / count);
    }
  }
  return steps.map(({ name }, i) => ({ name, microseconds: summary(taken[i]!) }));
}

async function start(module: Uint8Array, body?: Uint8Array): Promise<Emulator> {
  const clusters = { up: () => (body === undefined ? {} : { body }) };
  const emulator = await startEmulator({ plugins: [{ module }], clusters });
  emulator.keepLatest();
  return emulator;
}

const get = { ":authority": "bench", ":path": "/", ":method": "GET", "user-agent": "bench" };
const kibibyte = Buffer.alloc(1024, "a");
const nothing = new Uint8Array(0);
const post = { ...get, ":method": "POST", "content-length": String(kibibyte.length) };
const nobody: ResponseSink = {
  headers: () => {},
  data: () => {},
  trailers: () => {},
  reset: () => {},
  pauseRequest: () => {},
};
