import { registerPlugin } from "@attache/sdk";
import { HeaderRouting } from "./header-routing";
export * from "@attache/sdk/proxy";

registerPlugin(() => new HeaderRouting());
