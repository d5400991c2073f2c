import { once } from "node:events";
import { HarnessError, PluginRejectedError } from "@attache/harness";
import { Problem } from "../problem.ts";
import type { Output } from "../serve/output.ts";
import { startServedHost, type ServedHostOptions } from "../serve/served-host.ts";
import { readSource, type SourceOptions } from "../serve/source.ts";
import { Watch } from "../watch.ts";

export type ServeCommand = ServedHostOptions & SourceOptions & { source: string };

/**
 * Serves filters on a local port until the signal is given, and takes up each change of what it was given. While a change
 * is broken, what was there before goes on.
 */
export async function serveCommand(command: ServeCommand, output: Output, stop: AbortSignal): Promise<void> {
  const first = await readSource(command.source, command);
  await using host = await startServedHost(first.options, command, output).catch(asProblem);
  let reloading = Promise.resolve();
  const reload = async () => {
    const begin = performance.now();
    try {
      const { options, watched } = await readSource(command.source, command);
      await host.update(options).catch(asProblem);
      await watch.follow(watched);
      output.say(`reloaded in ${Math.round(performance.now() - begin)} ms`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      output.problem(error.message);
    }
  };
  const watch = new Watch(() => {
    reloading = reloading.then(reload);
  });
  try {
    await watch.follow(first.watched);
    const plugins = [...first.options.plugins, ...(first.options.tcp?.plugins ?? [])];
    const names = plugins.map(({ name }) => name).join(", ");
    output.say(`${names} in ${command.kind === "envoy" ? "Envoy" : "the emulator"} at ${host.address}`, {
      address: host.address,
    });
    if (!stop.aborted) await once(stop, "abort");
  } finally {
    watch.close();
    await reloading;
  }
}

function asProblem(error: unknown): never {
  if (error instanceof PluginRejectedError || error instanceof HarnessError) throw new Problem(error.message);
  throw error;
}
