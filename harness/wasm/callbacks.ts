import type { VmOptions } from "./vm.ts";

/** An export of the guest that the proxy calls. */
export interface GuestFunction {
  readonly name: string;
  readonly run: (a: number, b: number, c: number, d: number, e: number) => unknown;
  readonly arity: number;
  readonly hasResult: boolean;
}

/** What the proxy calls in a guest; `null` where the guest does not export it, or may not be called. */
export type Callbacks = ReturnType<typeof lookUpCallbacks>;

export function lookUpCallbacks(exports: WebAssembly.Exports, options: VmOptions) {
  const { module, allowedCapabilities } = options;
  const find = (name: string): GuestFunction | null => {
    const run = exports[name];
    if (typeof run !== "function") return null;
    const signature = module.shape.exports.find((entry) => entry.name === name)!.signature!;
    return {
      name,
      run: run as GuestFunction["run"],
      arity: signature.params.length,
      hasResult: signature.results.length > 0,
    };
  };
  const proxy = (name: string): GuestFunction | null =>
    allowedCapabilities.size === 0 || allowedCapabilities.has(name) ? find(name) : null;
  return {
    initialize: find("_initialize"),
    main: find("main"),
    mainVoid: find("__main_void"),
    start: find("_start"),
    allocate: (find("malloc") ?? find("proxy_on_memory_allocate"))!,
    onContextCreate: proxy("proxy_on_context_create"),
    onVmStart: proxy("proxy_on_vm_start"),
    onConfigure: proxy("proxy_on_configure"),
    onTick: proxy("proxy_on_tick"),
    onQueueReady: proxy("proxy_on_queue_ready"),
    onForeignFunction: module.abiVersion === "0.1.0" ? null : proxy("proxy_on_foreign_function"),
    onRequestHeaders: proxy("proxy_on_request_headers"),
    onRequestBody: proxy("proxy_on_request_body"),
    onRequestTrailers: proxy("proxy_on_request_trailers"),
    onResponseHeaders: proxy("proxy_on_response_headers"),
    onResponseBody: proxy("proxy_on_response_body"),
    onResponseTrailers: proxy("proxy_on_response_trailers"),
    onNewConnection: proxy("proxy_on_new_connection"),
    onDownstreamData: proxy("proxy_on_downstream_data"),
    onUpstreamData: proxy("proxy_on_upstream_data"),
    onDownstreamConnectionClose: proxy("proxy_on_downstream_connection_close"),
    onUpstreamConnectionClose: proxy("proxy_on_upstream_connection_close"),
    onHttpCallResponse: proxy("proxy_on_http_call_response"),
    onGrpcReceiveInitialMetadata: proxy("proxy_on_grpc_receive_initial_metadata"),
    onGrpcReceive: proxy("proxy_on_grpc_receive"),
    onGrpcReceiveTrailingMetadata: proxy("proxy_on_grpc_receive_trailing_metadata"),
    onGrpcClose: proxy("proxy_on_grpc_close"),
    onDone: proxy("proxy_on_done"),
    onLog: proxy("proxy_on_log"),
    onDelete: proxy("proxy_on_delete"),
    onResolveDns: find("envoy_on_resolve_dns"),
  };
}
