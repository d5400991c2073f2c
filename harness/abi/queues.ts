import type { Vm } from "../wasm/vm.ts";
import { written } from "./logging.ts";
import { Status } from "./status.ts";

export function queueFunctions(vm: Vm) {
  return {
    proxy_register_shared_queue(namePtr: number, nameSize: number, tokenOut: number): Status {
      const { root } = vm.context();
      if (!vm.memory.holds(namePtr >>> 0, nameSize >>> 0)) return Status.InvalidMemoryAccess;
      const name = vm.memory.text(namePtr >>> 0, nameSize >>> 0);
      const token = vm.services.queues.register(vm.options.id, name, root!);
      return written(vm.memory.setU32(tokenOut >>> 0, token));
    },

    proxy_resolve_shared_queue(
      vmIdPtr: number,
      vmIdSize: number,
      namePtr: number,
      nameSize: number,
      tokenOut: number,
    ): Status {
      vm.context();
      const { memory } = vm;
      if (!memory.holds(vmIdPtr >>> 0, vmIdSize >>> 0) || !memory.holds(namePtr >>> 0, nameSize >>> 0)) {
        return Status.InvalidMemoryAccess;
      }
      const vmId = memory.text(vmIdPtr >>> 0, vmIdSize >>> 0) || vm.options.id;
      const token = vm.services.queues.resolve(vmId, memory.text(namePtr >>> 0, nameSize >>> 0));
      if (vm.isFailed || token === 0) return Status.NotFound;
      return written(memory.setU32(tokenOut >>> 0, token));
    },

    proxy_enqueue_shared_queue(token: number, dataPtr: number, dataSize: number): Status {
      vm.context();
      if (!vm.memory.holds(dataPtr >>> 0, dataSize >>> 0)) return Status.InvalidMemoryAccess;
      return vm.services.queues.enqueue(token >>> 0, vm.memory.text(dataPtr >>> 0, dataSize >>> 0));
    },

    proxy_dequeue_shared_queue(token: number, dataOut: number, sizeOut: number): Status {
      vm.context();
      const item = vm.services.queues.dequeue(token >>> 0);
      if (typeof item === "number") return item;
      return written(vm.returnText(item, dataOut >>> 0, sizeOut >>> 0));
    },
  };
}
