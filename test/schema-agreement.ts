import { HarnessError, startEmulator } from "@attache/harness";
import type { Mutation } from "./mutations.ts";

/** Whether a filter takes a configuration; anything that goes wrong otherwise is thrown. */
export async function filterTakes(module: URL, configuration: unknown): Promise<boolean> {
  try {
    await (await startEmulator({ plugins: [{ module, configuration }] })).stop();
    return true;
  } catch (error) {
    if (error instanceof HarnessError && error.code === "PLUGIN_REJECTED") return false;
    throw error;
  }
}

/** A changed configuration that only one of filter and schema takes. */
export interface Disagreement {
  path: string;
  /** `limits[0].name: "" is taken by the schema only` */
  text: string;
}

export async function disagreements(
  module: URL,
  schemaTakes: (configuration: unknown) => boolean,
  changed: readonly Mutation[],
): Promise<Disagreement[]> {
  const found: Disagreement[] = [];
  for (const { path, what, mutant } of changed) {
    const bySchema = schemaTakes(mutant);
    if (bySchema === (await filterTakes(module, mutant))) continue;
    found.push({ path, text: `${path}: ${what} is ${bySchema ? "taken" : "refused"} by the schema only` });
  }
  return found;
}
