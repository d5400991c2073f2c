import { HeaderMap } from "../http/header-map.ts";
import { HttpCall } from "../http/http-call.ts";
import { takeTimeouts } from "../http/upstream.ts";
import type { PluginContext } from "../wasm/plugin-context.ts";
import type { Vm } from "../wasm/vm.ts";
import { written } from "./logging.ts";
import { readProtobuf } from "./protobuf.ts";
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

    proxy_grpc_call(
      targetPtr: number,
      targetSize: number,
      servicePtr: number,
      serviceSize: number,
      methodPtr: number,
      methodSize: number,
      metadataPtr: number,
      metadataSize: number,
      messagePtr: number,
      messageSize: number,
      timeoutMs: number,
      tokenOut: number,
    ): Status {
      const root = vm.context().root;
      const { memory } = vm;
      const names = namesAt(targetPtr, targetSize, servicePtr, serviceSize, methodPtr, methodSize);
      if (
        names === null ||
        !memory.holds(metadataPtr >>> 0, metadataSize >>> 0) ||
        !memory.holds(messagePtr >>> 0, messageSize >>> 0)
      ) {
        return Status.InvalidMemoryAccess;
      }
      const target = findTarget(names.target);
      if (typeof target === "number") return target;
      if (root === null) return Status.BadArgument;
      const metadata = [...target.metadata, ...vm.pairs(metadataPtr >>> 0, metadataSize >>> 0)];
      const request = { ...names, authority: target.authority, metadata, timeoutMs: timeoutMs >>> 0 };
      const message = memory.slice(messagePtr >>> 0, messageSize >>> 0);
      const token = root.grpc.call(vm.services.clusters.get(target.cluster), request, message);
      return token === null ? Status.InternalFailure : written(memory.setU32(tokenOut >>> 0, token));
    },

    proxy_grpc_stream(
      targetPtr: number,
      targetSize: number,
      servicePtr: number,
      serviceSize: number,
      methodPtr: number,
      methodSize: number,
      metadataPtr: number,
      metadataSize: number,
      tokenOut: number,
    ): Status {
      const root = vm.context().root;
      const { memory } = vm;
      const names = namesAt(targetPtr, targetSize, servicePtr, serviceSize, methodPtr, methodSize);
      if (names === null || !memory.holds(metadataPtr >>> 0, metadataSize >>> 0)) return Status.InvalidMemoryAccess;
      const target = findTarget(names.target);
      if (typeof target === "number") return target;
      if (root === null) return Status.BadArgument;
      const metadata = [...target.metadata, ...vm.pairs(metadataPtr >>> 0, metadataSize >>> 0)];
      const request = { ...names, authority: target.authority, metadata, timeoutMs: null };
      const token = root.grpc.open(vm.services.clusters.get(target.cluster), request);
      return token === null ? Status.InternalFailure : written(memory.setU32(tokenOut >>> 0, token));
    },

    proxy_grpc_send(token: number, messagePtr: number, messageSize: number, endStream: number): Status {
      const grpc = vm.context().root?.grpc;
      if (!vm.memory.holds(messagePtr >>> 0, messageSize >>> 0)) return Status.InvalidMemoryAccess;
      const message = vm.memory.slice(messagePtr >>> 0, messageSize >>> 0);
      return grpc?.send(token, message, endStream !== 0) ?? Status.NotFound;
    },

    proxy_grpc_cancel(token: number): Status {
      return vm.context().root?.grpc.cancel(token) ?? Status.NotFound;
    },

    proxy_grpc_close(token: number): Status {
      return vm.context().root?.grpc.close(token) ?? Status.NotFound;
    },

    envoy_resolve_dns(addressPtr: number, addressSize: number, tokenOut: number): Status {
      const root = vm.context().root;
      if (!vm.memory.holds(addressPtr >>> 0, addressSize >>> 0)) return Status.InvalidMemoryAccess;
      const token = ++vm.dnsToken;
      if (!vm.memory.setU32(tokenOut >>> 0, token)) return Status.InvalidMemoryAccess;
      root?.resolveDns(token, vm.memory.text(addressPtr >>> 0, addressSize >>> 0));
      return Status.Ok;
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
    for (let i = 0; i < pairs.length; i += 2) headers.addUnchecked(pairs[i]!.toLowerCase(), pairs[i + 1]!);
    if (!headers.has(":path") || !headers.has(":method") || !headers.has(":authority")) return Status.BadArgument;
    if (body.length > 0) headers.set("content-length", String(body.length));
    const token = (vm.nextHttpCallToken += 4);
    if (!cluster.hasHosts) return Status.InternalFailure;
    headers.set("x-envoy-internal", "true");
    const timeouts = takeTimeouts(headers, timeoutMs, 0);
    const call = new HttpCall(cluster, headers, body, timeouts, services, (response) =>
      root.httpCallEnded(token, response),
    );
    root.httpCalls.set(token, call);
    memory.setU32(tokenOut, token);
    return Status.Ok;
  }

  function namesAt(
    targetPtr: number,
    targetSize: number,
    servicePtr: number,
    serviceSize: number,
    methodPtr: number,
    methodSize: number,
  ) {
    const { memory } = vm;
    if (
      !memory.holds(targetPtr >>> 0, targetSize >>> 0) ||
      !memory.holds(servicePtr >>> 0, serviceSize >>> 0) ||
      !memory.holds(methodPtr >>> 0, methodSize >>> 0)
    ) {
      return null;
    }
    return {
      target: memory.slice(targetPtr >>> 0, targetSize >>> 0),
      service: memory.text(servicePtr >>> 0, serviceSize >>> 0),
      method: memory.text(methodPtr >>> 0, methodSize >>> 0),
    };
  }

  /** Bytes that are an `envoy.config.core.v3.GrpcService`, or else the name of a cluster. */
  function findTarget(bytes: Uint8Array): GrpcTarget | Status {
    const service = readProtobuf(bytes);
    if (service === null) {
      const cluster = Buffer.from(bytes).toString("latin1");
      return vm.services.clusters.has(cluster) ? { cluster, authority: cluster, metadata: [] } : Status.ParseFailure;
    }
    const target = readProtobuf(Buffer.from(service.text(1), "latin1"));
    if (target === null) return Status.ParseFailure;
    // google_grpc
    if (service.has(2)) return Status.BadArgument;
    if (!service.has(1)) {
      const text = Buffer.from(bytes).toString("latin1");
      vm.report(
        "GRPC_SERVICE_WITHOUT_TARGET",
        `"${text}" reads as a GrpcService message without a target: Envoy crashes`,
      );
      return Status.BadArgument;
    }
    const metadata = service.texts(5).flatMap((entry) => {
      const header = readProtobuf(Buffer.from(entry, "latin1"));
      return header === null ? [] : [header.text(1), header.text(2)];
    });
    const cluster = target.text(1);
    return { cluster, authority: target.text(2) || cluster, metadata };
  }
}

interface GrpcTarget {
  cluster: string;
  authority: string;
  /** Names and values in turn. */
  metadata: readonly string[];
}
