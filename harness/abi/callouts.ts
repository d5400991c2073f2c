import { HeaderMap } from "../http/header-map.ts";
import { HttpCall } from "../http/http-call.ts";
import { takeTimeout } from "../http/upstream.ts";
import type { PluginContext } from "../wasm/plugin-context.ts";
import type { Vm } from "../wasm/vm.ts";
import { written } from "./logging.ts";
import { Status } from "./status.ts";

export function calloutFunctions(vm: Vm) {
  return {
    proxy_http_call(
      clusterPtr: number,
      clusterSize: number,
      headersPtr: number,
      headersSize: number,
      bodyPtr: number,
      bodySize: number,
      trailersPtr: number,
      trailersSize: number,
      timeoutMs: number,
      tokenOut: number,
    ): Status {
      const root = vm.context().root;
      const { memory } = vm;
      if (
        !memory.holds(clusterPtr >>> 0, clusterSize >>> 0) ||
        !memory.holds(bodyPtr >>> 0, bodySize >>> 0) ||
        !memory.holds(headersPtr >>> 0, headersSize >>> 0) ||
        !memory.holds(trailersPtr >>> 0, trailersSize >>> 0) ||
        !memory.setU32(tokenOut >>> 0, 0)
      ) {
        return Status.InvalidMemoryAccess;
      }
      if (timeoutMs < 0 || root === null) return Status.BadArgument;
      const cluster = memory.text(clusterPtr >>> 0, clusterSize >>> 0);
      const pairs = vm.pairs(headersPtr >>> 0, headersSize >>> 0);
      const body = memory.slice(bodyPtr >>> 0, bodySize >>> 0);
      return httpCall(root, cluster, pairs, body, timeoutMs, tokenOut >>> 0);
    },

    proxy_grpc_call(servicePtr: number, serviceSize: number, ...rest: number[]): Status {
      return refuseGrpc([servicePtr, serviceSize, ...rest.slice(0, 8)]);
    },

    proxy_grpc_stream(servicePtr: number, serviceSize: number, ...rest: number[]): Status {
      return refuseGrpc([servicePtr, serviceSize, ...rest.slice(0, 6)]);
    },

    proxy_grpc_send(token: number, messagePtr: number, messageSize: number): Status {
      vm.context();
      if (!vm.memory.holds(messagePtr >>> 0, messageSize >>> 0)) return Status.InvalidMemoryAccess;
      return (token & 3) === 2 ? Status.NotFound : Status.BadArgument;
    },

    proxy_grpc_cancel(token: number): Status {
      vm.context();
      return unknownGrpcToken(token);
    },

    proxy_grpc_close(token: number): Status {
      vm.context();
      return unknownGrpcToken(token);
    },

    envoy_resolve_dns(addressPtr: number, addressSize: number, tokenOut: number): Status {
      const root = vm.context().root;
      if (!vm.memory.holds(addressPtr >>> 0, addressSize >>> 0)) return Status.InvalidMemoryAccess;
      const token = ++vm.dnsToken;
      root?.resolveDns(token, vm.memory.text(addressPtr >>> 0, addressSize >>> 0));
      return written(vm.memory.setU32(tokenOut >>> 0, token));
    },
  };

  function httpCall(
    root: PluginContext,
    clusterName: string,
    pairs: readonly string[],
    body: Uint8Array,
    timeoutMs: number,
    tokenOut: number,
  ): Status {
    const { services, memory } = vm;
    const cluster = services.clusters.get(clusterName);
    if (cluster === undefined) return Status.BadArgument;
    const headers = new HeaderMap("requestHeaders");
    for (let i = 0; i < pairs.length; i += 2) headers.add(pairs[i]!.toLowerCase(), pairs[i + 1]!);
    if (!headers.has(":path") || !headers.has(":method") || !headers.has(":authority")) return Status.BadArgument;
    if (body.length > 0) headers.set("content-length", String(body.length));
    const token = (vm.nextHttpCallToken += 4);
    if (!cluster.hasHosts) return Status.InternalFailure;
    headers.set("x-envoy-internal", "true");
    const call = new HttpCall(cluster, headers, body, takeTimeout(headers, timeoutMs), services, (response) =>
      root.httpCallEnded(token, response),
    );
    root.httpCalls.set(token, call);
    memory.setU32(tokenOut, token);
    return Status.Ok;
  }

  /** gRPC callouts are not emulated yet: every service is unknown. */
  function refuseGrpc(pointersAndSizes: readonly number[]): Status {
    vm.context();
    for (let i = 0; i < pointersAndSizes.length; i += 2) {
      if (!vm.memory.holds(pointersAndSizes[i]! >>> 0, pointersAndSizes[i + 1]! >>> 0)) {
        return Status.InvalidMemoryAccess;
      }
    }
    return Status.ParseFailure;
  }

  function unknownGrpcToken(token: number): Status {
    const kind = token & 3;
    return kind === 1 || kind === 2 ? Status.NotFound : Status.BadArgument;
  }
}
