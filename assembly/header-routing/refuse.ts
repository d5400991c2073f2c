import { ConfigReader } from "@attache/sdk";

/** Adds a problem when the member `name`, which Istio has, is given. */
export function refuse(config: ConfigReader, name: string): void {
  if (config.has(name)) config.get(name).error("is not supported: use the proxy's own routes");
}
