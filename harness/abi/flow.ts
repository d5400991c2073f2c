import type { Vm } from "../wasm/vm.ts";
import { written } from "./logging.ts";
import { Status, StreamType } from "./status.ts";

export function flowFunctions(vm: Vm) {
  return {
    proxy_set_effective_context(contextId: number): Status {
      vm.context();
      const id = contextId >>> 0;
      if (!vm.contexts.has(id)) return Status.BadArgument;
      vm.worker.effectiveContextId = id;
      return Status.Ok;
    },

    proxy_done(): Status {
      const key = vm.context().plugin?.key ?? "";
      const pending = vm.pendingDone.get(key);
      if (pending === undefined) return Status.NotFound;
      vm.pendingDone.delete(key);
      vm.afterCallback(() => pending.delete());
      return Status.Ok;
    },

    proxy_continue_stream(type: number): Status {
      return vm.context().continueStream(type >>> 0);
    },

    proxy_close_stream(type: number): Status {
      return vm.context().closeStream(type >>> 0);
    },

    proxy_continue_request(): Status {
      return vm.context().continueStream(StreamType.HttpRequest);
    },

    proxy_continue_response(): Status {
      return vm.context().continueStream(StreamType.HttpResponse);
    },

    proxy_clear_route_cache(): Status {
      vm.context().clearRouteCache();
      return Status.Ok;
    },

    proxy_send_local_response(
      statusCode: number,
      detailsPtr: number,
      detailsSize: number,
      bodyPtr: number,
      bodySize: number,
      headersPtr: number,
      headersSize: number,
      grpcStatus: number,
    ): Status {
      const context = vm.context();
      const { memory } = vm;
      if (
        !memory.holds(detailsPtr >>> 0, detailsSize >>> 0) ||
        !memory.holds(bodyPtr >>> 0, bodySize >>> 0) ||
        !memory.holds(headersPtr >>> 0, headersSize >>> 0)
      ) {
        return Status.InvalidMemoryAccess;
      }
      if (vm.stopsNextIteration) vm.report("LOCAL_REPLY_TWICE", "a second local reply in one callback is ignored");
      context.sendLocalResponse({
        statusCode: statusCode >>> 0,
        details: memory.text(detailsPtr >>> 0, detailsSize >>> 0),
        body: memory.text(bodyPtr >>> 0, bodySize >>> 0),
        headers: vm.pairs(headersPtr >>> 0, headersSize >>> 0),
        grpcStatus: grpcStatus >>> 0,
      });
      vm.stopsNextIteration = true;
      return Status.Ok;
    },

    proxy_get_configuration(pointerOut: number, sizeOut: number): Status {
      const { configuring } = vm.context();
      const configuration = configuring === null ? vm.options.configuration : configuring.configuration;
      return written(vm.returnText(configuration, pointerOut >>> 0, sizeOut >>> 0));
    },

    emscripten_notify_memory_growth(): number {
      return 0;
    },

    pthread_equal(a: number, b: number): number {
      return a === b ? 1 : 0;
    },
  };
}
