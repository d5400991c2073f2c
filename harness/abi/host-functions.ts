import type { Vm } from "../wasm/vm.ts";
import { bufferFunctions } from "./buffers.ts";
import { calloutFunctions } from "./callouts.ts";
import { flowFunctions } from "./flow.ts";
import { foreignFunctionCall } from "./foreign.ts";
import { headerFunctions } from "./headers.ts";
import { loggingFunctions } from "./logging.ts";
import { metricFunctions } from "./metrics.ts";
import { propertyFunctions } from "./properties.ts";
import { queueFunctions } from "./queues.ts";
import { sharedDataFunctions } from "./shared-data.ts";
import { wasiFunctions } from "./wasi.ts";

/** What the guest imports; numbers arrive signed. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type HostFunction = (...args: any[]) => number;
export type HostFunctions = Record<string, HostFunction>;

/** Everything a VM's guest can import, by name without module. */
export function hostFunctions(vm: Vm): HostFunctions {
  return {
    ...loggingFunctions(vm),
    ...flowFunctions(vm),
    ...headerFunctions(vm),
    ...bufferFunctions(vm),
    ...calloutFunctions(vm),
    ...sharedDataFunctions(vm),
    ...queueFunctions(vm),
    ...metricFunctions(vm),
    ...propertyFunctions(vm),
    ...foreignFunctionCall(vm),
    ...wasiFunctions(vm),
  };
}
