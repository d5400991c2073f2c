import { once } from "node:events";
import { dirname, relative, resolve } from "node:path";
import { build, type BuildOptions, type BuildResult } from "../build.ts";
import { Problem } from "../problem.ts";
import { describeSizes } from "../sizes.ts";
import { Watch } from "../watch.ts";

/** What a build came to, as `--json` prints it. */
export function buildReport({ outFile, size, sizes }: BuildResult): object {
  return { file: relative(".", outFile), bytes: size, ...(sizes === null ? {} : { sizes }) };
}

export function describeBuild({ outFile, size, sizes }: BuildResult): string {
  const file = `${relative(".", outFile)}: ${size.toLocaleString("en")} bytes`;
  return sizes === null ? file : `${file}\n${describeSizes(sizes)}`;
}

/**
 * Builds now, and again after each change in the source's folder, until the signal is given. A source that does not compile
 * is told, and what was built before stays.
 */
export async function buildAndWatch(
  options: BuildOptions,
  show: (result: BuildResult) => void,
  problem: (message: string) => void,
  stop: AbortSignal,
): Promise<void> {
  const rebuild = async () => {
    try {
      show(await build(options));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem(error.message);
    }
  };
  let building = rebuild();
  const watch = new Watch(() => {
    building = building.then(rebuild);
  });
  try {
    const { entry } = options;
    await watch.follow([entry.endsWith(".ts") ? dirname(resolve(entry)) : entry]);
    await building;
    if (!stop.aborted) await once(stop, "abort");
  } finally {
    watch.close();
    await building;
  }
}
