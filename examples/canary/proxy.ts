import { readFileSync } from "node:fs";
import type { Cluster, HostOptions } from "@attache/harness";

const here = (path: string) => new URL(path, import.meta.url);

/**
 * The proxy of this example, for the emulator and for Envoy alike; `envoy.yaml` is the same in Envoy's own words.
 *
 * The filter says where a request goes by the header `x-route-subset`, which the routes match on.
 */
export function canaryProxy(v1: Cluster, v2: Cluster): HostOptions {
  return {
    plugins: [
      {
        name: "header-routing",
        module: here("../../assembly/header-routing/build/plugin.wasm"),
        configuration: readFileSync(here("config.json"), "utf8"),
      },
    ],
    clusters: { v1, v2 },
    routes: [
      { match: { prefix: "/", headers: [{ name: "x-route-subset", exact: "v2" }] }, cluster: "v2" },
      { match: { prefix: "/" }, cluster: "v1" },
    ],
  };
}
