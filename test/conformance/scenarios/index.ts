import type { Scenario } from "../scenario.ts";
import { bodies } from "./bodies.ts";
import { buffers } from "./buffers.ts";
import { calls } from "./calls.ts";
import { ends } from "./ends.ts";
import { expressions } from "./expressions.ts";
import { flow } from "./flow.ts";
import { foreignFunctions } from "./foreign-functions.ts";
import { grpcCallouts } from "./grpc-callouts.ts";
import { http } from "./http.ts";
import { httpCallouts } from "./http-callouts.ts";
import { lifecycle } from "./lifecycle.ts";
import { loading } from "./loading.ts";
import { maps } from "./maps.ts";
import { memoryScenarios } from "./memory.ts";
import { properties } from "./properties.ts";
import { sharedState } from "./shared-state.ts";
import { routes } from "./routes.ts";
import { singleRules } from "./single-rules.ts";
import { tcpScenarios } from "./tcp.ts";
import { updates } from "./updates.ts";
import { upstreamScenarios } from "./upstream.ts";
import { wasi } from "./wasi.ts";

/** All scenarios but those of {@link rustScenarios}, which need modules that are built apart; names are unique. */
export const scenarios: readonly Scenario[] = [
  ...loading,
  ...lifecycle,
  ...updates,
  ...calls,
  ...wasi,
  ...maps,
  ...buffers,
  ...flow,
  ...http,
  ...bodies,
  ...ends,
  ...httpCallouts,
  ...grpcCallouts,
  ...sharedState,
  ...properties,
  ...foreignFunctions,
  ...tcpScenarios,
  ...memoryScenarios,
  ...routes,
  ...upstreamScenarios,
  ...expressions,
  ...singleRules,
];

export { rustScenarios } from "./rust.ts";
