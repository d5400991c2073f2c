import { deflateSync, inflateSync } from "node:zlib";
import type { Context } from "../wasm/context.ts";
import type { Vm } from "../wasm/vm.ts";
import { createExpression, deleteExpression, evaluateExpression } from "./expressions.ts";
import { readProtobuf } from "./protobuf.ts";
import { signData, verifySignature } from "./signatures.ts";
import { Status } from "./status.ts";

/** What a foreign function answers: a status alone, or a result, which is given to the guest with status Ok. */
type ForeignResult = Status | Uint8Array;

/** A function of an extension of the proxy, which filters call by name: bytes, or a status such as 2, "bad argument". */
export type ForeignFunction = (args: Uint8Array) => number | Uint8Array;

const envoyFunctions = new Map<string, (context: Context, args: Uint8Array) => ForeignResult>([
  ["compress", (_context, args) => deflateSync(args)],
  ["uncompress", (_context, args) => uncompress(args)],
  [
    "clear_route_cache",
    (context) => {
      context.clearRouteCache();
      return Status.Ok;
    },
  ],
  ["declare_property", declareProperty],
  ["verify_signature", (_context, args) => verifySignature(args)],
  ["sign", (_context, args) => signData(args)],
  ["set_envoy_filter_state", setEnvoyFilterState],
  ["expr_create", createExpression],
  ["expr_evaluate", evaluateExpression],
  ["expr_delete", deleteExpression],
]);

export function foreignFunctionCall(vm: Vm) {
  return {
    proxy_call_foreign_function(
      namePtr: number,
      nameSize: number,
      argsPtr: number,
      argsSize: number,
      resultOut: number,
      sizeOut: number,
    ): Status {
      const context = vm.context();
      const { memory } = vm;
      if (!memory.holds(namePtr >>> 0, nameSize >>> 0) || !memory.holds(argsPtr >>> 0, argsSize >>> 0)) {
        return Status.InvalidMemoryAccess;
      }
      const name = memory.text(namePtr >>> 0, nameSize >>> 0);
      const run = envoyFunctions.get(name) ?? extensionFunction(name);
      if (run === null) return Status.NotFound;
      const result = run(context, memory.slice(argsPtr >>> 0, argsSize >>> 0));
      const bytes = typeof result === "number" ? new Uint8Array(0) : result;
      let pointer = 0;
      if (resultOut !== 0 && typeof result !== "number") {
        pointer = vm.allocate(bytes.length);
        if (pointer !== 0) memory.bytes.set(bytes, pointer);
      }
      if (resultOut !== 0 && !memory.setU32(resultOut >>> 0, pointer)) return Status.InvalidMemoryAccess;
      if (sizeOut !== 0 && !memory.setU32(sizeOut >>> 0, bytes.length)) return Status.InvalidMemoryAccess;
      return typeof result === "number" ? result : Status.Ok;
    },
  };

  function extensionFunction(name: string) {
    const run = vm.services.foreignFunctions.get(name);
    return run === undefined ? null : (_context: Context, args: Uint8Array) => run(args) as ForeignResult;
  }
}

function uncompress(bytes: Uint8Array): ForeignResult {
  try {
    return inflateSync(bytes);
  } catch {
    return Status.SerializationFailure;
  }
}

/** Of `WasmType`: what is not text, expressions take for bytes. */
const textType = 1;

function declareProperty(context: Context, args: Uint8Array): ForeignResult {
  const fields = readProtobuf(args);
  if (fields === null) return Status.BadArgument;
  const name = fields.text(1);
  const declared = (context.declaredProperties ??= new Map());
  if (declared.has(name)) return Status.BadArgument;
  declared.set(name, { isReadOnly: fields.number(2) !== 0, isText: fields.number(3) === textType });
  return Status.Ok;
}

/** Object factories that Envoy registers and whose values are plain text. */
const textObjects: ReadonlySet<string> = new Set([
  "envoy.network.upstream_server_name",
  "envoy.tcp_proxy.cluster",
  "envoy.upstream.dynamic_host",
  "envoy.network.application_protocols",
  "envoy.string",
]);

function setEnvoyFilterState(context: Context, args: Uint8Array): ForeignResult {
  const fields = readProtobuf(args);
  if (fields === null) return Status.BadArgument;
  const path = fields.text(1);
  const info = context.streamInfo;
  if (!textObjects.has(path) || info === null) return Status.NotFound;
  info.filterState ??= new Map();
  info.filterState.set(path, { value: fields.text(2), isReadOnly: false, isText: false });
  return Status.Ok;
}
