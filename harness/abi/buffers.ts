import type { Vm } from "../wasm/vm.ts";
import { written } from "./logging.ts";
import { Status } from "./status.ts";

const lastBufferType = 8;

export function bufferFunctions(vm: Vm) {
  return {
    proxy_get_buffer_bytes(type: number, start: number, maxSize: number, pointerOut: number, sizeOut: number): Status {
      const context = vm.context();
      if (type >>> 0 > lastBufferType) return Status.BadArgument;
      const buffer = context.buffer(type);
      if (buffer === null) return Status.NotFound;
      const from = start >>> 0;
      const length = Math.max(0, Math.min(maxSize >>> 0, buffer.size - from));
      if (length === 0) return written(vm.returnText("", pointerOut >>> 0, sizeOut >>> 0));
      const bytes = buffer.read(from, length);
      return written(
        typeof bytes === "string"
          ? vm.returnText(bytes, pointerOut >>> 0, sizeOut >>> 0)
          : vm.returnBytes(bytes, pointerOut >>> 0, sizeOut >>> 0),
      );
    },

    proxy_get_buffer_status(type: number, sizeOut: number, flagsOut: number): Status {
      const context = vm.context();
      if (type >>> 0 > lastBufferType) return Status.BadArgument;
      const buffer = context.buffer(type);
      if (buffer === null) return Status.NotFound;
      return written(vm.memory.setU32(sizeOut >>> 0, buffer.size) && vm.memory.setU32(flagsOut >>> 0, 0));
    },

    proxy_set_buffer_bytes(type: number, start: number, size: number, dataPtr: number, dataSize: number): Status {
      const context = vm.context();
      if (type >>> 0 > lastBufferType) return Status.BadArgument;
      const buffer = context.buffer(type);
      if (buffer === null) return Status.NotFound;
      if (!vm.memory.holds(dataPtr >>> 0, dataSize >>> 0)) return Status.InvalidMemoryAccess;
      return buffer.write(start >>> 0, size >>> 0, vm.memory.slice(dataPtr >>> 0, dataSize >>> 0));
    },
  };
}
