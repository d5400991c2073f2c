import { isIP } from "node:net";
import type { ProxyServices } from "../emulator/services.ts";
import { ByteBuffer } from "./byte-buffer.ts";
import { requestExcess, requestTrailersExcess } from "./codec-limits.ts";
import {
  finishResponse,
  malformedRequest,
  oversizeRequest,
  prepareRequest,
  refuseRequest,
  refuseUpgrade,
  type Refusal,
} from "./connection-manager.ts";
import { flawOfResponse, flawOfTrailers } from "./framing.ts";
import { FilterManager } from "./filter-manager.ts";
import type { HeaderMap } from "./header-map.ts";
import { isGrpc } from "./local-reply.ts";
import { clusterOf, type RouteEntry, type RouteTable } from "./route-table.ts";
import { Router } from "./router.ts";
import { ResponseFlag, StreamInfo, type ConnectionInfo, type DynamicMetadata } from "./stream-info.ts";

const sentTwice = "its headers came twice, as a filter continued what was not stopped";

/** Where a stream's response goes: called as it is made, never after `reset` or an end of stream. */
export interface ResponseSink {
  headers(headers: HeaderMap, endStream: boolean): void;
  data(bytes: Uint8Array, endStream: boolean): void;
  trailers(trailers: HeaderMap): void;
  /** The stream ends without the rest of its response. */
  reset(reason: string): void;
  /** The request's body shall wait, or may come again. */
  pauseRequest(isPaused: boolean): void;
}

/** What the filters of one listener are made of. */
export interface Listener {
  readonly routes: RouteTable;
  readonly bufferLimit: number;
  /** Adds the filters of the chain but for the terminal one. */
  addFilters(manager: FilterManager): void;
}

/**
 * One request and its response on the way through a listener's filters, driven step by step.
 *
 * Everything that follows from a step without waiting has happened when it returns.
 */
export class HttpStream {
  readonly info: StreamInfo;
  readonly services: ProxyServices;
  requestHeaders: HeaderMap | null = null;
  requestTrailers: HeaderMap | null = null;
  responseHeaders: HeaderMap | null = null;
  responseTrailers: HeaderMap | null = null;
  isHeadRequest = false;
  isGrpcRequest = false;

  readonly #listener: Listener;
  readonly #sink: ResponseSink;
  readonly #manager: FilterManager;
  #router: Router | null = null;
  /** `undefined`: to be selected. */
  #route: RouteEntry | null | undefined = undefined;
  #random: number | null = null;
  #requestPauses = 0;
  #responsePauses = 0;
  #requestBlocked = false;
  #closesConnection = false;
  #isSinkGone = false;
  #hasSentHeaders = false;
  /** HTTP/1.1 sends no trailers behind a body of a length that is told. */
  #sendsTrailers = true;

  constructor(
    listener: Listener,
    services: ProxyServices,
    connection: ConnectionInfo,
    protocol: string,
    sink: ResponseSink,
    dynamicMetadata?: DynamicMetadata,
  ) {
    this.services = services;
    this.#listener = listener;
    this.#sink = sink;
    this.info = new StreamInfo(connection, protocol, services.clock.now(), dynamicMetadata);
    this.#manager = new FilterManager(this, listener.bufferLimit);
  }

  /** Bytes of a body that may be held back. */
  get bufferLimit(): number {
    return this.#listener.bufferLimit;
  }

  /** The response is complete, or the stream was reset. */
  get isComplete(): boolean {
    return this.#manager.isDestroyed;
  }

  /** The request's headers; the map now belongs to the stream. */
  headers(headers: HeaderMap, endStream: boolean): void {
    const excess = requestExcess(headers);
    if (excess !== null) {
      this.#refuse(oversizeRequest(excess));
      this.services.dispatcher.run();
      return;
    }
    this.requestHeaders = headers;
    this.isHeadRequest = headers.get(":method") === "HEAD";
    this.isGrpcRequest = isGrpc(headers);
    this.#manager.isRemoteComplete = endStream;
    this.#closesConnection = headers.get("connection")?.toLowerCase() === "close";
    let refusal = refuseRequest(headers, this.info.protocol!);
    if (refusal === null) {
      prepareRequest(headers, this.services);
      refusal = refuseUpgrade(headers);
    }
    this.#takeForwardedAddress(headers);
    if (refusal !== null) {
      this.#refuse(refusal);
    } else {
      this.#addFilters();
      this.route();
      this.#manager.decodeHeaders(null, endStream);
    }
    this.services.dispatcher.run();
  }

  /** What came instead of a request makes no sense, or was too much to be read. */
  malformed(isTooLarge = false): void {
    this.#refuse(isTooLarge ? oversizeRequest("http1.headers_too_large") : malformedRequest);
    this.services.dispatcher.run();
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    if (this.isComplete) return;
    this.info.bytesReceived += bytes.length;
    this.#manager.isRemoteComplete = endStream;
    this.#manager.decodeData(null, ByteBuffer.of(bytes), endStream, true);
    this.services.dispatcher.run();
  }

  trailers(trailers: HeaderMap): void {
    if (this.isComplete) return;
    const excess = requestTrailersExcess(trailers);
    if (excess === null) {
      this.requestTrailers = trailers;
      this.#manager.isRemoteComplete = true;
      this.#manager.decodeTrailers(null);
    } else {
      this.#answer(oversizeRequest(excess));
    }
    this.services.dispatcher.run();
  }

  /** The client went away. */
  clientReset(): void {
    if (this.isComplete) return;
    this.info.responseCodeDetails = "downstream_remote_disconnect";
    this.info.responseFlags |= ResponseFlag.DownstreamConnectionTermination;
    this.#complete();
    this.services.dispatcher.run();
  }

  /** The client takes no more of the response for now, or takes it again. */
  clientBlocked(isBlocked: boolean): void {
    this.pauseResponse(isBlocked);
    this.services.dispatcher.run();
  }

  route(): RouteEntry | null {
    if (this.#route === undefined) {
      const headers = this.requestHeaders;
      this.#route = this.info.route = headers === null ? null : this.#listener.routes.select(headers);
      const cluster = headers === null ? null : this.clusterOf(this.#route, headers);
      this.info.cluster = cluster !== null && this.services.clusters.has(cluster) ? cluster : null;
    }
    return this.#route;
  }

  /** The cluster that a route sends the request to: of several, always the same. */
  clusterOf(route: RouteEntry | null, headers: HeaderMap): string | null {
    return clusterOf(route, headers, () => (this.#random ??= this.services.random.next()));
  }

  /** The route is selected anew when it is needed next; until then its attributes stay. */
  clearRouteCache(): void {
    this.#route = undefined;
  }

  /** The filters or the proxy end the stream where it is. */
  reset(reason: string): void {
    if (this.isComplete) return;
    if (!this.#isSinkGone) this.#sink.reset(reason);
    this.#complete();
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.isComplete) return;
    finishResponse(headers, this.services, this.#closesConnection || !this.#manager.isRemoteComplete);
    this.info.responseCode = Number(headers.get(":status"));
    if (this.#isSinkGone) return;
    const flaw = this.#hasSentHeaders ? sentTwice : flawOfResponse(headers);
    this.#hasSentHeaders = true;
    this.#sendsTrailers = !headers.has("content-length");
    if (flaw === null) this.#sink.headers(headers, endStream);
    else this.#sendUnreadable(flaw);
  }

  encodeData(data: ByteBuffer, endStream: boolean): void {
    const bytes = data.takeBytes();
    this.info.bytesSent += bytes.length;
    if (!this.#isSinkGone) this.#sink.data(bytes, endStream);
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.#isSinkGone) return;
    const flaw = this.#sendsTrailers ? flawOfTrailers(trailers) : null;
    if (flaw === null) this.#sink.trailers(trailers);
    else this.#sendUnreadable(flaw);
  }

  /** The response has gone out whole. */
  endResponse(): void {
    this.#complete();
  }

  /** What waited comes in the proxy's next turn, not within what let it go on. */
  pauseRequest(isPaused: boolean): void {
    this.#requestPauses += isPaused ? 1 : -1;
    if (isPaused && this.#requestPauses === 1) this.#sink.pauseRequest(true);
    if (isPaused || this.#requestPauses > 0) return;
    this.services.dispatcher.post(() => {
      if (this.#requestPauses === 0 && !this.isComplete) this.#sink.pauseRequest(false);
    });
  }

  pauseResponse(isPaused: boolean): void {
    this.#responsePauses += isPaused ? 1 : -1;
    if (isPaused && this.#responsePauses === 1) this.#router?.pauseResponse(true);
    if (isPaused || this.#responsePauses > 0) return;
    this.services.dispatcher.post(() => {
      if (this.#responsePauses === 0 && !this.isComplete) this.#router?.pauseResponse(false);
    });
  }

  /** The upstream takes no more of the request for now, or takes it again. */
  readonly blockRequest = (isBlocked: boolean): void => {
    if (this.isComplete || this.#requestBlocked === isBlocked) return;
    this.#requestBlocked = isBlocked;
    this.pauseRequest(isBlocked);
    this.services.dispatcher.run();
  };

  /** Envoy does not check what it sends, but the client gives up; filters that hold the rest of the response see it go. */
  #sendUnreadable(flaw: string): void {
    this.services.diagnostics.report("UNREADABLE_RESPONSE", "", `no client can read the response: ${flaw}`);
    this.#sink.reset(flaw);
    this.#isSinkGone = true;
    this.services.dispatcher.post(() => this.clientReset());
  }

  #addFilters(): void {
    this.#listener.addFilters(this.#manager);
    this.#router = new Router(this.#manager);
    this.#manager.seal();
  }

  #refuse(refusal: Refusal): void {
    if (!refusal.hasHeaders) this.requestHeaders = null;
    this.#addFilters();
    this.#answer(refusal);
  }

  #answer(refusal: Refusal): void {
    const { status, body, details, hasHeaders, closesConnection } = refusal;
    if (!hasHeaders) this.info.responseFlags |= ResponseFlag.DownstreamProtocolError;
    this.#closesConnection ||= closesConnection;
    this.#manager.sendLocalReply({ status, body, details, headers: [], grpcStatus: null });
  }

  #takeForwardedAddress(headers: HeaderMap): void {
    const last = headers.get("x-forwarded-for")?.split(",").at(-1)?.trim() ?? "";
    if (isIP(last) === 0) return;
    this.info.sourceAddress = last;
    this.info.sourcePort = 0;
  }

  #complete(): void {
    this.info.endTime = this.services.clock.now();
    this.#manager.destroy();
  }
}
