import type { HeaderMap } from "../http/header-map.ts";
import type { Vm } from "../wasm/vm.ts";
import { written } from "./logging.ts";
import { Status } from "./status.ts";

const lastMapType = 7;

export function headerFunctions(vm: Vm) {
  return {
    proxy_get_header_map_size(type: number, sizeOut: number): Status {
      const context = vm.context();
      if (type >>> 0 > lastMapType) return Status.BadArgument;
      const map = context.mutableMap(type);
      if (map === null) return unavailable(type);
      return written(vm.memory.setU32(sizeOut >>> 0, map.byteSize));
    },

    proxy_get_header_map_pairs(type: number, pointerOut: number, sizeOut: number): Status {
      const context = vm.context();
      if (type >>> 0 > lastMapType) return Status.BadArgument;
      const map = context.readableMap(type);
      return written(vm.returnPairs(map?.entries ?? [], pointerOut >>> 0, sizeOut >>> 0));
    },

    proxy_set_header_map_pairs(type: number, pairsPtr: number, pairsSize: number): Status {
      const context = vm.context();
      if (type >>> 0 > lastMapType) return Status.BadArgument;
      if (!vm.memory.holds(pairsPtr >>> 0, pairsSize >>> 0)) return Status.InvalidMemoryAccess;
      const map = context.mutableMap(type);
      if (map === null) return unavailable(type);
      const pairs = vm.pairs(pairsPtr >>> 0, pairsSize >>> 0);
      map.clear();
      for (let i = 0; i < pairs.length; i += 2) map.addUnchecked(lowerCase(pairs[i]!), pairs[i + 1]!);
      context.headersModified(type);
      return Status.Ok;
    },

    proxy_get_header_map_value(
      type: number,
      namePtr: number,
      nameSize: number,
      pointerOut: number,
      sizeOut: number,
    ): Status {
      const context = vm.context();
      if (type >>> 0 > lastMapType) return Status.BadArgument;
      if (!vm.memory.holds(namePtr >>> 0, nameSize >>> 0)) return Status.InvalidMemoryAccess;
      const map = context.readableMap(type);
      if (map === null && !context.isInAccessLog) return unavailable(type);
      const value = map === null ? null : map.get(name(namePtr, nameSize));
      if (value === null && vm.abiVersion !== "0.1.0") return Status.NotFound;
      return written(vm.returnText(value ?? "", pointerOut >>> 0, sizeOut >>> 0));
    },

    proxy_add_header_map_value(
      type: number,
      namePtr: number,
      nameSize: number,
      valuePtr: number,
      valueSize: number,
    ): Status {
      const context = vm.context();
      if (type >>> 0 > lastMapType) return Status.BadArgument;
      if (!holdsBoth(namePtr, nameSize, valuePtr, valueSize)) return Status.InvalidMemoryAccess;
      const map = context.mutableMap(type);
      if (map === null) return unavailable(type);
      map.addUnchecked(name(namePtr, nameSize), vm.memory.text(valuePtr >>> 0, valueSize >>> 0));
      context.headersModified(type);
      return Status.Ok;
    },

    proxy_replace_header_map_value(
      type: number,
      namePtr: number,
      nameSize: number,
      valuePtr: number,
      valueSize: number,
    ): Status {
      const context = vm.context();
      if (type >>> 0 > lastMapType) return Status.BadArgument;
      if (!holdsBoth(namePtr, nameSize, valuePtr, valueSize)) return Status.InvalidMemoryAccess;
      const map = context.mutableMap(type);
      if (map === null) return unavailable(type);
      map.replaceUnchecked(name(namePtr, nameSize), vm.memory.text(valuePtr >>> 0, valueSize >>> 0));
      context.headersModified(type);
      return Status.Ok;
    },

    proxy_remove_header_map_value(type: number, namePtr: number, nameSize: number): Status {
      const context = vm.context();
      if (type >>> 0 > lastMapType) return Status.BadArgument;
      if (!vm.memory.holds(namePtr >>> 0, nameSize >>> 0)) return Status.InvalidMemoryAccess;
      const map: HeaderMap | null = context.mutableMap(type);
      if (map === null) return unavailable(type);
      map.remove(name(namePtr, nameSize));
      context.headersModified(type);
      return Status.Ok;
    },
  };

  function name(pointer: number, size: number): string {
    return lowerCase(vm.memory.text(pointer >>> 0, size >>> 0));
  }

  function holdsBoth(a: number, aSize: number, b: number, bSize: number): boolean {
    return vm.memory.holds(a >>> 0, aSize >>> 0) && vm.memory.holds(b >>> 0, bSize >>> 0);
  }

  function unavailable(type: number): Status {
    vm.report("MAP_UNAVAILABLE", `header map ${type} is not available here`);
    return Status.BadArgument;
  }
}

/** ASCII only, as Envoy. */
function lowerCase(name: string): string {
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code >= 65 && code <= 90) return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  }
  return name;
}
