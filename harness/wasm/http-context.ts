import { BufferType, MapType, Status, StreamType } from "../abi/status.ts";
import type { Plugin } from "../emulator/plugin.ts";
import type { PluginHandle } from "../emulator/worker.ts";
import type { ByteBuffer } from "../http/byte-buffer.ts";
import { DataStatus, HeadersStatus, TrailersStatus, type HttpFilter } from "../http/filter.ts";
import type { DecoderHalf, EncoderHalf } from "../http/filter-half.ts";
import type { FilterManager } from "../http/filter-manager.ts";
import type { HeaderMap } from "../http/header-map.ts";
import type { StreamInfo } from "../http/stream-info.ts";
import { Context, type LocalResponse, type PropertyMaps } from "./context.ts";
import type { GuestBuffer } from "./guest-buffer.ts";
import type { PluginContext } from "./plugin-context.ts";
import type { Vm } from "./vm.ts";

/** A Wasm filter in one HTTP stream: the guest's stream context, and what the filter manager calls. */
export class HttpContext extends Context implements HttpFilter {
  readonly root: PluginContext;
  readonly plugin: Plugin;
  readonly #manager: FilterManager;
  readonly #decoder: DecoderHalf;
  readonly #encoder: EncoderHalf;

  // A map can be read and changed from its callback on until a callback returns Continue.
  #requestHeaders: HeaderMap | null = null;
  #requestTrailers: HeaderMap | null = null;
  #responseHeaders: HeaderMap | null = null;
  #responseTrailers: HeaderMap | null = null;
  /** By `proxy_close_stream`. */
  #hasClosed = false;
  #requestBody: ByteBuffer | null = null;
  #responseBody: ByteBuffer | null = null;
  #buffersRequest = false;
  #buffersResponse = false;
  #endOfStream = false;
  #isCreated = false;
  #isDestroyed = false;
  #hasFailed = false;
  #failureReplySent = false;

  readonly #handle: PluginHandle;

  constructor(vm: Vm, root: PluginContext, manager: FilterManager, handle: PluginHandle) {
    super(vm, vm.allocateContextId());
    this.#handle = handle;
    handle.retain();
    this.root = root;
    this.plugin = root.plugin;
    this.#manager = manager;
    const { decoder, encoder } = manager.add(this, false);
    this.#decoder = decoder;
    this.#encoder = encoder;
  }

  get logPrefix(): string {
    return this.plugin.logPrefix;
  }

  override get streamInfo(): StreamInfo {
    return this.#manager.stream.info;
  }

  override get propertyMaps(): PropertyMaps {
    const stream = this.#manager.stream;
    const isLogging = this.isInAccessLog;
    return {
      requestHeaders: this.#requestHeaders ?? (isLogging ? stream.requestHeaders : null),
      responseHeaders: this.#responseHeaders ?? (isLogging ? stream.responseHeaders : null),
      responseTrailers: this.#responseTrailers ?? (isLogging ? stream.responseTrailers : null),
    };
  }

  override mutableMap(type: number): HeaderMap | null {
    switch (type) {
      case MapType.HttpRequestHeaders:
        return this.#requestHeaders;
      case MapType.HttpRequestTrailers:
        if (this.#requestTrailers === null && this.#requestBody !== null && this.#endOfStream) {
          this.#requestTrailers = this.#manager.addDecodedTrailers();
        }
        return this.#requestTrailers;
      case MapType.HttpResponseHeaders:
        return this.#responseHeaders;
      case MapType.HttpResponseTrailers:
        if (this.#responseTrailers === null && this.#responseBody !== null && this.#endOfStream) {
          this.#responseTrailers = this.#manager.addEncodedTrailers();
        }
        return this.#responseTrailers;
      default:
        return null;
    }
  }

  override readableMap(type: number): HeaderMap | null {
    const stream = this.#manager.stream;
    switch (type) {
      case MapType.HttpRequestHeaders:
        return this.isInAccessLog ? stream.requestHeaders : this.#requestHeaders;
      case MapType.HttpRequestTrailers:
        return this.isInAccessLog ? null : this.#requestTrailers;
      case MapType.HttpResponseHeaders:
        return this.isInAccessLog ? stream.responseHeaders : this.#responseHeaders;
      case MapType.HttpResponseTrailers:
        return this.isInAccessLog ? stream.responseTrailers : this.#responseTrailers;
      default:
        return this.root.calloutMap(type);
    }
  }

  override headersModified(type: number): void {
    if (type === MapType.HttpRequestHeaders) this.#manager.stream.clearRouteCache();
  }

  override clearRouteCache(): void {
    this.#manager.stream.clearRouteCache();
  }

  override buffer(type: number): GuestBuffer | null {
    switch (type) {
      case BufferType.HttpRequestBody:
        return this.sharedBuffer.showBody(this.#buffersRequest ? this.#manager.bufferedRequest : this.#requestBody);
      case BufferType.HttpResponseBody:
        return this.sharedBuffer.showBody(this.#buffersResponse ? this.#manager.bufferedResponse : this.#responseBody);
      default:
        return super.buffer(type);
    }
  }

  override continueStream(type: number): Status {
    if (type === StreamType.HttpRequest) this.vm.afterCallback(() => this.#decoder.continueWhenStopped());
    else if (type === StreamType.HttpResponse) this.vm.afterCallback(() => this.#continueResponse());
    else return super.continueStream(type);
    this.#requestHeaders = null;
    this.#requestBody = null;
    this.#requestTrailers = null;
    return Status.Ok;
  }

  #continueResponse(): void {
    if (this.#manager.stream.responseHeaders !== null) return this.#encoder.continueWhenStopped();
    const message = "letting a response go on before there is one crashes Envoy; here it is ignored";
    this.vm.report("CONTINUED_TOO_EARLY", message);
  }

  override closeStream(type: number): Status {
    if (type !== StreamType.HttpRequest && type !== StreamType.HttpResponse) return super.closeStream(type);
    const { stream } = this.#manager;
    stream.info.responseCodeDetails ??= "wasm_close_stream";
    this.#hasClosed = true;
    this.vm.afterCallback(() => {
      this.#manager.abort();
      stream.reset("local reset");
    });
    return Status.Ok;
  }

  override sendLocalResponse(response: LocalResponse): void {
    const { statusCode, body, headers, details, grpcStatus } = response;
    if (this.#manager.isDestroyed) {
      this.vm.report("LOCAL_REPLY_TOO_LATE", "a local reply when the stream is over crashes Envoy; here it is ignored");
      return;
    }
    this.vm.afterCallback(() => {
      if (this.#manager.isDestroyed) return;
      this.#manager.sendLocalReply({
        status: statusCode,
        body,
        headers,
        grpcStatus: grpcStatus <= 16 ? grpcStatus : null,
        details: details.replace(/[ \t\n\v\f\r]/g, "_"),
      });
    });
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): HeadersStatus {
    this.#create();
    this.#requestHeaders = headers;
    this.#endOfStream = endStream;
    const status = this.#callHeaders(this.vm.callbacks.onRequestHeaders, headers, endStream);
    if (status === HeadersStatus.Continue) this.#requestHeaders = null;
    return status;
  }

  decodeData(data: ByteBuffer, endStream: boolean): DataStatus {
    if (!this.#isCreated) return DataStatus.Continue;
    if (this.#buffersRequest) {
      this.#manager.addDecodedData(this.#decoder, data, false);
      // Over the limit: the stream was answered and is gone.
      if (this.#isDestroyed) return DataStatus.StopIterationAndBuffer;
    }
    this.#requestBody = data;
    this.#endOfStream = endStream;
    const size = this.#buffersRequest ? (this.#manager.bufferedRequest?.length ?? 0) : data.length;
    const status = this.#callData(this.vm.callbacks.onRequestBody, size, endStream);
    this.#buffersRequest = status === DataStatus.StopIterationAndBuffer;
    if (status === DataStatus.Continue) this.#requestBody = null;
    return status;
  }

  decodeTrailers(trailers: HeaderMap): TrailersStatus {
    if (!this.#isCreated) return TrailersStatus.Continue;
    this.#requestTrailers = trailers;
    const status = this.#callTrailers(this.vm.callbacks.onRequestTrailers, trailers);
    if (status === TrailersStatus.Continue) this.#requestTrailers = null;
    return status;
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): HeadersStatus {
    if (!this.#isCreated || this.#failureReplySent) return HeadersStatus.Continue;
    this.#responseHeaders = headers;
    this.#endOfStream = endStream;
    const status = this.#callHeaders(this.vm.callbacks.onResponseHeaders, headers, endStream);
    if (status === HeadersStatus.Continue) this.#responseHeaders = null;
    return status;
  }

  encodeData(data: ByteBuffer, endStream: boolean): DataStatus {
    if (!this.#isCreated || this.#failureReplySent) return DataStatus.Continue;
    if (this.#buffersResponse) {
      this.#manager.addEncodedData(this.#encoder, data, false);
      if (this.#isDestroyed) return DataStatus.StopIterationAndBuffer;
    }
    this.#responseBody = data;
    this.#endOfStream = endStream;
    const size = this.#buffersResponse ? (this.#manager.bufferedResponse?.length ?? 0) : data.length;
    const status = this.#callData(this.vm.callbacks.onResponseBody, size, endStream);
    this.#buffersResponse = status === DataStatus.StopIterationAndBuffer;
    if (status === DataStatus.Continue) this.#responseBody = null;
    return status;
  }

  encodeTrailers(trailers: HeaderMap): TrailersStatus {
    if (!this.#isCreated || this.#failureReplySent) return TrailersStatus.Continue;
    this.#responseTrailers = trailers;
    const status = this.#callTrailers(this.vm.callbacks.onResponseTrailers, trailers);
    if (status === TrailersStatus.Continue) {
      this.#responseTrailers = null;
      if (this.#hasClosed) {
        const message = "going on with response trailers after close_stream crashes Envoy; here the stream is reset";
        this.vm.report("CLOSED_AND_CONTINUED", message);
      }
    }
    return status;
  }

  complete(): void {
    // Requests that never reached this filter are logged too: their context begins here.
    this.#create();
    const { vm } = this;
    const { onLog } = vm.callbacks;
    if (vm.isFailed || onLog === null) return;
    this.isInAccessLog = true;
    vm.call(onLog, this, this.id);
    vm.callbackEnded();
    this.isInAccessLog = false;
  }

  destroy(): void {
    const { vm } = this;
    if (!this.#isDestroyed && this.#isCreated) {
      this.#isDestroyed = true;
      const { onDone, onDelete } = vm.callbacks;
      if (!vm.isFailed && onDone !== null) {
        vm.call(onDone, this, this.id);
        vm.callbackEnded();
      }
      if (!vm.isFailed && onDelete !== null) {
        vm.call(onDelete, this, this.id);
        vm.callbackEnded();
      }
    }
    this.#isDestroyed = true;
    this.forget();
    this.#handle.release();
  }

  #create(): void {
    const { vm } = this;
    if (this.#isCreated) return;
    const { onContextCreate } = vm.callbacks;
    if (!vm.isFailed && onContextCreate !== null) {
      vm.call(onContextCreate, this, this.id, this.root.id);
      vm.callbackEnded();
    }
    this.#isCreated = true;
  }

  #callHeaders(callback: GuestCallback, headers: HeaderMap, endStream: boolean): HeadersStatus {
    const { vm } = this;
    if (vm.isFailed) return this.#failStream() ? HeadersStatus.StopAllIterationAndWatermark : HeadersStatus.Continue;
    if (callback === null) return HeadersStatus.Continue;
    const result = vm.call(callback, this, this.id, headers.size, endStream ? 1 : 0);
    let status: HeadersStatus;
    if (vm.isFailed) {
      status = this.#failStream() ? HeadersStatus.StopAllIterationAndWatermark : HeadersStatus.Continue;
    } else if (vm.stopsNextIteration || result > HeadersStatus.StopAllIterationAndWatermark) {
      status = HeadersStatus.StopAllIterationAndWatermark;
    } else if (result === HeadersStatus.StopIteration && !this.plugin.allowOnHeadersStopIteration) {
      status = HeadersStatus.StopAllIterationAndWatermark;
    } else {
      // Envoy knows no ContinueAndEndStream and goes on.
      status = result === 2 ? HeadersStatus.Continue : (result as HeadersStatus);
    }
    vm.callbackEnded();
    return status;
  }

  #callData(callback: GuestCallback, size: number, endStream: boolean): DataStatus {
    const { vm } = this;
    if (vm.isFailed) return this.#failStream() ? DataStatus.StopIterationNoBuffer : DataStatus.Continue;
    if (callback === null) return DataStatus.Continue;
    const result = vm.call(callback, this, this.id, size, endStream ? 1 : 0);
    let status: DataStatus;
    if (vm.isFailed) status = this.#failStream() ? DataStatus.StopIterationNoBuffer : DataStatus.Continue;
    else if (vm.stopsNextIteration || result > 3) status = DataStatus.StopIterationNoBuffer;
    else status = result as DataStatus;
    vm.callbackEnded();
    return status;
  }

  #callTrailers(callback: GuestCallback, trailers: HeaderMap): TrailersStatus {
    const { vm } = this;
    if (vm.isFailed) return this.#failStream() ? TrailersStatus.StopIteration : TrailersStatus.Continue;
    if (callback === null) return TrailersStatus.Continue;
    const result = vm.call(callback, this, this.id, trailers.size);
    let status: TrailersStatus;
    if (vm.isFailed) status = this.#failStream() ? TrailersStatus.StopIteration : TrailersStatus.Continue;
    else status = vm.stopsNextIteration || result !== 0 ? TrailersStatus.StopIteration : TrailersStatus.Continue;
    vm.callbackEnded();
    return status;
  }

  /** Answers 503 once in place of a guest that trapped, whatever the failure policy. Whether the stream stops. */
  #failStream(): boolean {
    if (this.#hasFailed) return true;
    this.#hasFailed = true;
    this.#failureReplySent = true;
    this.#manager.sendLocalReply({ status: 503, body: "", headers: [], grpcStatus: 14, details: "wasm_fail_stream" });
    return true;
  }
}

type GuestCallback = Vm["callbacks"]["onRequestHeaders"];
