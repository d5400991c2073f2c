export { startEnvoy, type Envoy, type EnvoyOptions } from "./envoy-host.ts";
export { cacheFolder, envoyVersion, findEnvoy, installEnvoy, installEnvoyVersion } from "./install.ts";
export { stopIdleEnvoys } from "./pool.ts";
