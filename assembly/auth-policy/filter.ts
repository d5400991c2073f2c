import { registerPlugin } from "@attache/sdk";
import { AuthPolicy } from "./auth-policy";
export * from "@attache/sdk/proxy";

registerPlugin(() => new AuthPolicy());
