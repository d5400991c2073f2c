import { expect } from "vitest";
import { matchers } from "./matchers.ts";

expect.extend(matchers);

export { eachHost, withoutEnvoy } from "./each-host.ts";
export { stable } from "./stable.ts";
export type { HostMatchers } from "./matchers.ts";
