import { HarnessError, startEmulator } from "@attache/harness";

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
