/** A rule of the emulator and a way to break it: `from` stands once in `file`, below `harness/`. */
export interface Rule {
  name: string;
  file: string;
  from: string;
  to: string;
}

export const rules: readonly Rule[] = [
  {
    name: "StopIteration on headers stops everything, unless the plugin is configured otherwise",
    file: "wasm/http-context.ts",
    from: "result === HeadersStatus.StopIteration && !this.plugin.allowOnHeadersStopIteration",
    to: "false",
  },
  {
    name: "a headers status that is none stops everything",
    file: "wasm/http-context.ts",
    from: "vm.stopsNextIteration || result > HeadersStatus.StopAllIterationAndWatermark",
    to: "vm.stopsNextIteration",
  },
  {
    name: "request headers are gone once their callback answered Continue",
    file: "wasm/http-context.ts",
    from: "if (status === HeadersStatus.Continue) this.#requestHeaders = null;",
    to: "",
  },
  {
    name: "response headers are gone once their callback answered Continue",
    file: "wasm/http-context.ts",
    from: "if (status === HeadersStatus.Continue) this.#responseHeaders = null;",
    to: "",
  },
  {
    name: "continuing drops the request's headers, body and trailers",
    file: "wasm/http-context.ts",
    from: "    this.#requestHeaders = null;\n    this.#requestBody = null;\n    this.#requestTrailers = null;\n    return Status.Ok;",
    to: "    return Status.Ok;",
  },
  {
    name: "a body callback can create trailers at the end of the stream",
    file: "wasm/http-context.ts",
    from: "this.#requestTrailers === null && this.#requestBody !== null && this.#endOfStream",
    to: "false",
  },
  {
    name: "response trailers can be created too",
    file: "wasm/http-context.ts",
    from: "this.#responseTrailers === null && this.#responseBody !== null && this.#endOfStream",
    to: "false",
  },
  {
    name: "headers are readable in the access log phase",
    file: "wasm/http-context.ts",
    from: "return this.isInAccessLog ? stream.requestHeaders : this.#requestHeaders;",
    to: "return this.#requestHeaders;",
  },
  {
    name: "a body that is buffered is shown whole",
    file: "wasm/http-context.ts",
    from: "this.#buffersRequest = status === DataStatus.StopIterationAndBuffer;",
    to: "this.#buffersRequest = false;",
  },
  {
    name: "a trap is answered 503",
    file: "wasm/http-context.ts",
    from: "this.#manager.sendLocalReply({ status: 503, body",
    to: "this.#manager.sendLocalReply({ status: 500, body",
  },
  {
    name: "a failed VM answers later streams 503",
    file: "wasm/failed-filter.ts",
    from: "status: 503",
    to: "status: 500",
  },
  {
    name: "white space in the details of a local reply becomes underscores",
    file: "wasm/http-context.ts",
    from: 'details: details.replace(/[ \\t\\n\\v\\f\\r]/g, "_"),',
    to: "details,",
  },
  {
    name: "the log callback comes before done",
    file: "wasm/http-context.ts",
    from: "vm.call(onLog, this, this.id);",
    to: "",
  },
  {
    name: "a request that never reached a filter makes its context for the log",
    file: "wasm/http-context.ts",
    from: "    // Requests that never reached this filter are logged too: their context begins here.\n    this.#create();",
    to: "",
  },
  {
    name: "set_buffer refuses a start within the buffer",
    file: "wasm/guest-buffer.ts",
    from: "if (start < body.length) return Status.BadArgument;",
    to: "",
  },
  {
    name: "set_buffer from 0 replaces the first bytes",
    file: "wasm/guest-buffer.ts",
    from: "if (length !== 0) body.drain(Math.min(length, body.length));",
    to: "",
  },
  {
    name: "a buffer type that is none is a bad argument",
    file: "abi/buffers.ts",
    from: "const lastBufferType = 8;",
    to: "const lastBufferType = 99;",
  },
  {
    name: "a map type that is none is a bad argument",
    file: "abi/headers.ts",
    from: "const lastMapType = 7;",
    to: "const lastMapType = 99;",
  },
  {
    name: "a header that is absent is NotFound",
    file: "abi/headers.ts",
    from: 'if (value === null && vm.abiVersion !== "0.1.0") return Status.NotFound;',
    to: "",
  },
  {
    name: "proxy_done without anything pending is NotFound",
    file: "abi/flow.ts",
    from: "if (pending === undefined) return Status.NotFound;",
    to: "if (pending === undefined) return Status.Ok;",
  },
  {
    name: "an effective context that does not exist is a bad argument",
    file: "abi/flow.ts",
    from: "if (!vm.contexts.has(id)) return Status.BadArgument;",
    to: "",
  },
  {
    name: "`host` is the header :authority",
    file: "http/header-map.ts",
    from: 'return name === "host" && this.kind === "requestHeaders" ? ":authority" : name;',
    to: "return name;",
  },
  {
    name: "inline headers are joined by a comma",
    file: "http/header-map.ts",
    from: "if (this.#inline.has(key)) {",
    to: "if (false) {",
  },
  {
    name: "pseudo headers stand before the others",
    file: "http/header-map.ts",
    from: "if (this.#pseudoEnd !== this.entries.length) {",
    to: "if (false) {",
  },
  {
    name: "a local reply with a body is text/plain",
    file: "http/local-reply.ts",
    from: 'if (!headers.has("content-type")) headers.append("content-type", "text/plain");',
    to: "",
  },
  {
    name: "a local reply to a gRPC request has status 200",
    file: "http/local-reply.ts",
    from: 'headers.set(":status", "200");',
    to: "",
  },
  {
    name: "a local reply with a body tells its length",
    file: "http/local-reply.ts",
    from: 'headers.set("content-length", String(reply.body.length));',
    to: "",
  },
  {
    name: "a response without :status is answered 502",
    file: "http/filter-manager.ts",
    from: "this.sendLocalReply({ status: 502, body: reason,",
    to: "this.sendLocalReply({ status: 500, body: reason,",
  },
  {
    name: "a filter that stopped everything gets the data itself when it goes on",
    file: "http/filter-half.ts",
    from: "if (this.hasStoppedAll) this.iteratesFromCurrent = true;",
    to: "",
  },
  {
    name: "data that is not buffered is dropped",
    file: "http/filter-half.ts",
    from: "if (status !== DataStatus.StopIterationNoBuffer) {",
    to: "if (true) {",
  },
  {
    name: "a path has no query and no fragment in request.query",
    file: "properties/attributes.ts",
    from: 'return mark < 0 ? "" : path.slice(mark + 1).split("#", 1)[0]!;',
    to: "return path;",
  },
  {
    name: "a backtrace has twenty frames",
    file: "wasm/trap.ts",
    from: "const mostFrames = 20;",
    to: "const mostFrames = 19;",
  },
  {
    name: "a guest's memory ends at 1 GiB",
    file: "wasm/bounded-module.ts",
    from: "export const mostPages = 16_384;",
    to: "export const mostPages = 65_536;",
  },
  {
    name: "an expression is evaluated in the context whose callback runs",
    file: "abi/expressions.ts",
    from: "evaluate(vm.worker.current!)",
    to: "evaluate(vm.context())",
  },
  {
    name: "what a filter sets on the stream is bytes to expressions",
    file: "properties/attributes.ts",
    from: "return state.isText ? state.value : new Bytes(state.value);",
    to: "return state.value;",
  },
  {
    name: "the id of a connection is unsigned",
    file: "properties/attributes.ts",
    from: 'case "id":\n      return unsigned(info.connection.id);',
    to: 'case "id":\n      return "";',
  },
  {
    name: "a filter can ask for retries by a header",
    file: "http/retry.ts",
    from: 'headers.get("x-envoy-retry-on")',
    to: "null",
  },
  {
    name: "a request is sent once more, unless it is said how often",
    file: "http/retry.ts",
    from: "policy?.numRetries ?? 1;",
    to: "policy?.numRetries ?? 2;",
  },
  {
    name: "retries that are used up leave a flag",
    file: "http/router.ts",
    from: 'if (decision === "exhausted") info.responseFlags |= ResponseFlag.UpstreamRetryLimitExceeded;',
    to: "",
  },
  {
    name: "an attempt may take as long as a filter says",
    file: "http/upstream.ts",
    from: 'takeNumber(headers, "x-envoy-upstream-rq-per-try-timeout-ms") ?? perTryMs',
    to: "perTryMs",
  },
  {
    name: "a redirect keeps the query",
    file: "http/redirect.ts",
    from: "stripQuery === true ? target : target + query",
    to: "target",
  },
  {
    name: "what the upstream of a TCP connection sends passes the filters backwards",
    file: "tcp/downstream-connection.ts",
    from: "this.#filters.toReversed()",
    to: "this.#filters",
  },
  {
    name: "the end of the upstream's data closes it for TCP filters",
    file: "wasm/network-context.ts",
    from: "if (endStream) this.#tell(this.vm.callbacks.onUpstreamConnectionClose, CloseType.Unknown);",
    to: "",
  },
  {
    name: "shared data is set only at the version that was read",
    file: "emulator/shared-data.ts",
    from: "if (cas !== 0 && cas !== known.cas) return Status.CasMismatch;",
    to: "",
  },
];
