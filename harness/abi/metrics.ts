import { MetricIds } from "../emulator/metrics.ts";
import type { Vm } from "../wasm/vm.ts";
import { written } from "./logging.ts";
import { Status } from "./status.ts";

export function metricFunctions(vm: Vm) {
  const ids = new MetricIds(vm.services.metrics);
  return {
    proxy_define_metric(type: number, namePtr: number, nameSize: number, idOut: number): Status {
      vm.context();
      if (!vm.memory.holds(namePtr >>> 0, nameSize >>> 0)) return Status.InvalidMemoryAccess;
      if (type >>> 0 > 2) return Status.BadArgument;
      const id = ids.define(type, vm.memory.text(namePtr >>> 0, nameSize >>> 0));
      return written(vm.memory.setU32(idOut >>> 0, id));
    },

    proxy_increment_metric(id: number, delta: bigint): Status {
      vm.context();
      return ids.increment(id >>> 0, delta);
    },

    proxy_record_metric(id: number, value: bigint): Status {
      vm.context();
      return ids.record(id >>> 0, value);
    },

    proxy_get_metric(id: number, valueOut: number): Status {
      vm.context();
      const value = ids.get(id >>> 0);
      return typeof value === "bigint" ? written(vm.memory.setU64(valueOut >>> 0, value)) : value;
    },
  };
}
