import type { LocalCase } from "./case.ts";
import { builders } from "./modules.ts";
import { load } from "./stub-host.ts";
import { summary } from "./summary.ts";

interface Exports {
  proxy_on_context_create(context: number, parent: number): void;
  proxy_on_vm_start?(context: number, size: number): number;
  proxy_on_configure?(context: number, size: number): number;
  proxy_on_response_headers(context: number, count: number, endOfStream: number): number;
  proxy_on_done?(context: number): number;
  proxy_on_log?(context: number): void;
  proxy_on_delete?(context: number): void;
}

const STREAMS = 200_000;

/** The SDK's own share, without a proxy: how it keeps streams, however many there are at once. */
export const streamsCase: LocalCase = {
  name: "streams",
  what: "one stream with a header added to its response, on a host that does nothing, beside so many others",

  async measure(rounds) {
    const modules = [
      { by: "hand-written AssemblyScript", file: await builders.hand("add-header") },
      { by: "Attaché", file: await builders.ours("add-header") },
    ];
    const variants = await Promise.all(
      [1, 100, 1_000, 10_000].flatMap((live) =>
        modules.map(async ({ by, file }) => ({
          name: `${by}, ${live.toLocaleString("en")} at once`,
          run: await streams(file, live),
          taken: [] as number[],
        })),
      ),
    );
    // The first round only warms up.
    for (let round = 0; round <= rounds; round++) {
      for (const { run, taken } of round % 2 === 0 ? variants : variants.toReversed()) {
        const before = process.cpuUsage();
        run();
        const { user, system } = process.cpuUsage(before);
        if (round > 0) taken.push((user + system) / STREAMS);
      }
    }
    return variants.map(({ name, taken }) => ({ name, microseconds: summary(taken) }));
  },
};

/** Streams that come and go one after the other, each beside `live` - 1 others. */
async function streams(file: string, live: number): Promise<() => void> {
  const module = await load<Exports>(file);
  module.proxy_on_context_create(1, 0);
  module.proxy_on_vm_start?.(1, 0);
  module.proxy_on_configure?.(1, 0);
  let next = 2;
  const begin = () => {
    module.proxy_on_context_create(next, 1);
    module.proxy_on_response_headers(next, 8, 0);
    next += 1;
  };
  const end = (context: number) => {
    module.proxy_on_done?.(context);
    module.proxy_on_log?.(context);
    module.proxy_on_delete?.(context);
  };
  for (let n = 1; n < live; n++) begin();
  return () => {
    for (let n = 0; n < STREAMS; n++) {
      begin();
      end(next - live);
    }
  };
}
