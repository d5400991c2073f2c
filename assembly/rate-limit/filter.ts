import { registerPlugin } from "@attache/sdk";
import { RateLimit } from "./rate-limit";
export * from "@attache/sdk/proxy";

registerPlugin(() => new RateLimit());
