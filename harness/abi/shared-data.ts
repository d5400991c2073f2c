import type { Vm } from "../wasm/vm.ts";
import { written } from "./logging.ts";
import { Status } from "./status.ts";

export function sharedDataFunctions(vm: Vm) {
  return {
    proxy_get_shared_data(keyPtr: number, keySize: number, valueOut: number, sizeOut: number, casOut: number): Status {
      vm.context();
      if (!vm.memory.holds(keyPtr >>> 0, keySize >>> 0)) return Status.InvalidMemoryAccess;
      const entry = vm.services.sharedData.get(vm.options.id, vm.memory.text(keyPtr >>> 0, keySize >>> 0));
      if (entry === null) return Status.NotFound;
      const { value, cas } = entry;
      return written(vm.returnText(value, valueOut >>> 0, sizeOut >>> 0) && vm.memory.setU32(casOut >>> 0, cas));
    },

    proxy_set_shared_data(keyPtr: number, keySize: number, valuePtr: number, valueSize: number, cas: number): Status {
      vm.context();
      const { memory } = vm;
      if (!memory.holds(keyPtr >>> 0, keySize >>> 0) || !memory.holds(valuePtr >>> 0, valueSize >>> 0)) {
        return Status.InvalidMemoryAccess;
      }
      const key = memory.text(keyPtr >>> 0, keySize >>> 0);
      const value = memory.text(valuePtr >>> 0, valueSize >>> 0);
      return vm.services.sharedData.set(vm.options.id, key, value, cas >>> 0);
    },
  };
}
