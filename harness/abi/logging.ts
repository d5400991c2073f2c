import type { Vm } from "../wasm/vm.ts";
import { Status } from "./status.ts";

export function loggingFunctions(vm: Vm) {
  return {
    proxy_log(level: number, messagePtr: number, messageSize: number): Status {
      const context = vm.unrestrictedContext();
      if (level >>> 0 > 5) return Status.BadArgument;
      const pointer = messagePtr >>> 0;
      const size = messageSize >>> 0;
      if (!vm.memory.holds(pointer, size)) return Status.InvalidMemoryAccess;
      if (level >= vm.services.log.level) context.log(level, vm.memory.text(pointer, size));
      return Status.Ok;
    },

    proxy_get_log_level(levelPtr: number): Status {
      vm.context();
      return written(vm.memory.setU32(levelPtr >>> 0, vm.services.log.level));
    },

    proxy_get_current_time_nanoseconds(timePtr: number): Status {
      vm.context();
      return written(vm.memory.setU64(timePtr >>> 0, nanoseconds(vm.services.clock.now())));
    },

    proxy_set_tick_period_milliseconds(period: number): Status {
      vm.context().root?.setTickPeriod(period >>> 0);
      return Status.Ok;
    },

    proxy_get_status(codePtr: number, messagePtrPtr: number, messageSizePtr: number): Status {
      const root = vm.context().root;
      if (!vm.memory.setU32(codePtr >>> 0, root?.statusCode ?? 0)) return Status.InvalidMemoryAccess;
      return written(vm.returnText(root?.statusMessage ?? "", messagePtrPtr >>> 0, messageSizePtr >>> 0));
    },
  };
}

/** Result of a call whose last step is to write into guest memory. */
export function written(ok: boolean): Status {
  return ok ? Status.Ok : Status.InvalidMemoryAccess;
}

/** From milliseconds, which are exact to about a quarter of a microsecond. */
export function nanoseconds(milliseconds: number): bigint {
  return BigInt(Math.floor(milliseconds * 1000)) * 1000n;
}
