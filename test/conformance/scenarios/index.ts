import type { Scenario } from "../scenario.ts";
import { buffers } from "./buffers.ts";
import { expressions } from "./expressions.ts";
import { flow } from "./flow.ts";
import { maps } from "./maps.ts";
import { memoryScenarios } from "./memory.ts";
import { properties } from "./properties.ts";
import { routes } from "./routes.ts";
import { singleRules } from "./single-rules.ts";
import { tcpScenarios } from "./tcp.ts";

/** All scenarios but those of {@link rustScenarios}, which need modules that are built apart; names are unique. */
export const scenarios: readonly Scenario[] = [
  ...maps,
  ...buffers,
  ...flow,
  ...properties,
  ...tcpScenarios,
  ...memoryScenarios,
  ...routes,
  ...expressions,
  ...singleRules,
];

export { rustScenarios } from "./rust.ts";
