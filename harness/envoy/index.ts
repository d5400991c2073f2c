export { startEnvoy, type Envoy, type EnvoyOptions } from "./envoy-host.ts";
export { cacheFolder, envoyVersion, findEnvoy, installEnvoy } from "./install.ts";
export { stopIdleEnvoys } from "./pool.ts";
