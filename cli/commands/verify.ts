import { HarnessError, loadModule } from "@attache/harness";
import { ownVariables } from "../environment.ts";
import type { LoadedPlugin } from "../manifest/check.ts";
import { digestOf } from "../oci/image.ts";
import type { RegistryOptions } from "../oci/registry.ts";
import { Problem } from "../problem.ts";
import { asJson, judgeConfiguration } from "./check-configuration.ts";
import { fetchImage, type Pulled } from "./image.ts";

export interface VerifyOptions extends RegistryOptions {
  /** What `sha256` of a WasmPlugin says, with or without `sha256:`. */
  sha256?: string;
}

/** Whether Istio and Envoy Gateway would take an image, and Envoy its module; a {@link Problem} says why not. */
export async function verify(image: string, { sha256, ...options }: VerifyOptions): Promise<Pulled> {
  const pulled = await fetchImage(image, options);
  const { reference, digest, module } = pulled;
  const expected = sha256?.replace(/^(?!sha256:)/, "sha256:");
  if (expected !== undefined && expected !== digest) {
    const what = expected === digestOf(module) ? "the digest of the module" : "another image's digest";
    throw new Problem(`${reference}: sha256 is ${what}: it must name the image's, ${digest}`);
  }
  await loadModule(module).catch((error: unknown) => {
    if (error instanceof HarnessError) throw new Problem(`${reference}: ${error.message}`);
    throw error;
  });
  return pulled;
}

/**
 * Pulls the images that a manifest names, as a proxy would, and gives each filter its configuration; one {@link Problem} names
 * all that would fail.
 */
export async function verifyPlugins(plugins: readonly LoadedPlugin[], options: RegistryOptions): Promise<void> {
  const problems: string[] = [];
  for (const { resource, url, sha256, configuration, ...plugin } of plugins) {
    if (/^(https?|file):/.test(url)) continue;
    const pulled = await verify(url, sha256 === undefined ? options : { ...options, sha256 }).catch(
      (error: unknown) => {
        if (!(error instanceof Problem)) throw error;
        problems.push(`${resource}: ${error.message}`);
        return null;
      },
    );
    if (pulled === null) continue;
    const { module } = pulled;
    const environment = { ...plugin.environment, ...ownVariables(plugin.ownVariables) };
    const judged = await judgeConfiguration(asJson(configuration), { module, schema: null, environment });
    problems.push(...judged.problems.map((problem) => `${resource}: ${problem}`));
  }
  if (problems.length > 0) throw new Problem(problems.join("\n"));
}
