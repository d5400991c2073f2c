import { readProperty } from "../properties/attributes.ts";
import type { Vm } from "../wasm/vm.ts";
import { written } from "./logging.ts";
import { Status } from "./status.ts";

export function propertyFunctions(vm: Vm) {
  return {
    proxy_get_property(pathPtr: number, pathSize: number, valueOut: number, sizeOut: number): Status {
      const context = vm.context();
      if (!vm.memory.holds(pathPtr >>> 0, pathSize >>> 0)) return Status.InvalidMemoryAccess;
      const value = readProperty(context, vm.memory.text(pathPtr >>> 0, pathSize >>> 0));
      if (typeof value === "number") return value;
      return written(vm.returnText(value, valueOut >>> 0, sizeOut >>> 0));
    },

    proxy_set_property(pathPtr: number, pathSize: number, valuePtr: number, valueSize: number): Status {
      const context = vm.context();
      const { memory } = vm;
      if (!memory.holds(pathPtr >>> 0, pathSize >>> 0) || !memory.holds(valuePtr >>> 0, valueSize >>> 0)) {
        return Status.InvalidMemoryAccess;
      }
      const info = context.streamInfo;
      if (info === null) return Status.NotFound;
      const path = memory.text(pathPtr >>> 0, pathSize >>> 0);
      const states = (info.filterState ??= new Map());
      const key = `wasm.${path}`;
      const known = states.get(key);
      if (known?.isReadOnly === true) return Status.BadArgument;
      const declared = known ?? context.root?.declaredProperties?.get(path);
      const { isReadOnly = false, isText = false } = declared ?? {};
      states.set(key, { value: memory.text(valuePtr >>> 0, valueSize >>> 0), isReadOnly, isText });
      return Status.Ok;
    },
  };
}
