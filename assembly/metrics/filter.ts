import { registerPlugin } from "@attache/sdk";
import { Metrics } from "./metrics";
export * from "@attache/sdk/proxy";

registerPlugin(() => new Metrics());
