import { fileURLToPath } from "node:url";
import type { ManifestOptions } from "../cli/commands/manifest.ts";

/** The filters of `docs/deploy`, and how Istio is to load them. */
export const deployments: Readonly<Record<string, { istio: Partial<ManifestOptions> }>> = {
  "auth-policy": { istio: { phase: "AUTHZ" } },
  "rate-limit": { istio: {} },
  "header-routing": { istio: {} },
  metrics: { istio: { phase: "STATS", failOpen: true } },
};

export function moduleFile(filter: string): string {
  return fileURLToPath(new URL(`../assembly/${filter}/build/plugin.wasm`, import.meta.url));
}
