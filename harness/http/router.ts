import { ByteBuffer } from "./byte-buffer.ts";
import { DataStatus, HeadersStatus, TrailersStatus, type HttpFilter } from "./filter.ts";
import type { FilterManager } from "./filter-manager.ts";
import type { HeaderMap } from "./header-map.ts";
import { redirectTarget } from "./redirect.ts";
import { Retry, type RetryDecision } from "./retry.ts";
import type { RouteEntry } from "./route-table.ts";
import type { HttpStream } from "./stream.ts";
import type { Timer } from "../emulator/clock.ts";
import { ResponseFlag, type UpstreamInfo } from "./stream-info.ts";
import {
  expectTimeout,
  resetBody,
  takeTimeouts,
  type ResetReason,
  type Timeouts,
  type UpstreamCluster,
  type UpstreamListener,
  type UpstreamStream,
} from "./upstream.ts";

/** The terminal filter: sends the request to the cluster of its route, and brings back the response. */
export class Router implements HttpFilter, UpstreamListener {
  readonly #manager: FilterManager;
  readonly #stream: HttpStream;
  #cluster: UpstreamCluster | null = null;
  #upstream: UpstreamStream | null = null;
  #timeouts: Timeouts = { wholeMs: 0, perTryMs: 0 };
  /** Of the whole exchange, of the attempt that runs, and before the next attempt. */
  #timeout: Timer | null = null;
  #tryTimeout: Timer | null = null;
  #backOff: Timer | null = null;
  /** `null`: the request is not sent again, whatever happens. */
  #retry: Retry | null = null;
  /** The request's body so far, as long as it might be sent again. */
  #sentBody: Uint8Array[] = [];
  #sentBytes = 0;
  #responseStarted = false;
  #requestComplete = false;

  constructor(manager: FilterManager) {
    this.#manager = manager;
    this.#stream = manager.stream;
    manager.add(this, true);
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): HeadersStatus {
    const stream = this.#stream;
    const route = stream.route();
    if (route === null) {
      stream.info.responseFlags |= ResponseFlag.NoRouteFound;
      return this.#answer(404, "", "route_not_found");
    }
    const { action } = route;
    if (action.kind === "directResponse") {
      const { status, body } = action;
      const location = status === 201 || (status >= 300 && status < 400) ? ["location", urlOf(headers)] : [];
      return this.#answer(status, body, "direct_response", location);
    }
    if (action.kind === "redirect") {
      const location = redirectTarget(action.redirect, action.prefix, headers);
      return this.#answer(action.redirect.responseCode ?? 301, "", "direct_response", ["location", location]);
    }
    return this.#sendTo(stream.clusterOf(route, headers)!, route, headers, endStream);
  }

  #sendTo(name: string, route: RouteEntry, headers: HeaderMap, endStream: boolean): HeadersStatus {
    const { info, services } = this.#stream;
    const cluster = services.clusters.get(name);
    if (cluster === undefined) {
      info.responseFlags |= ResponseFlag.NoClusterFound;
      return this.#answer(503, "", "cluster_not_found");
    }
    this.#timeouts = takeTimeouts(headers, route.timeoutMs, route.retryPolicy?.perTryTimeoutMs ?? 0);
    info.cluster = name;
    if (!cluster.hasHosts) {
      info.responseFlags |= ResponseFlag.NoHealthyUpstream;
      return this.#answer(503, "no healthy upstream", "no_healthy_upstream");
    }
    const flaw = flawOf(headers);
    if (flaw !== null) return this.#refuse(flaw, cluster);
    this.#cluster = cluster;
    this.#retry = Retry.of(route.retryPolicy, headers);
    this.#requestComplete = endStream;
    this.#attempt(headers);
    if (endStream) this.#requestEnded();
    return HeadersStatus.StopIteration;
  }

  /** Found when the headers are written, for which there must be a connection. */
  #refuse(flaw: string, cluster: UpstreamCluster): HeadersStatus {
    const details = `filter_removed_required_request_headers{${flaw.replaceAll(" ", "_")}}`;
    const isConnected = cluster.hasIdleConnection;
    cluster.open(this, this.#stream.blockRequest).cancel(); // which the connection does not outlive
    if (isConnected) return this.#answer(503, flaw, details);
    this.#stream.services.dispatcher.post(() => {
      if (!this.#manager.isDestroyed) this.#answer(503, flaw, details);
    });
    return HeadersStatus.StopIteration;
  }

  decodeData(data: ByteBuffer, endStream: boolean): DataStatus {
    const bytes = data.takeBytes();
    this.#keepForRetry(bytes);
    this.#upstream?.data(bytes, endStream);
    if (endStream) this.#requestEnded();
    return DataStatus.StopIterationNoBuffer;
  }

  decodeTrailers(trailers: HeaderMap): TrailersStatus {
    this.#upstream?.trailers(trailers);
    this.#requestEnded();
    return TrailersStatus.StopIteration;
  }

  encodeHeaders(): HeadersStatus {
    return HeadersStatus.Continue;
  }

  encodeData(): DataStatus {
    return DataStatus.Continue;
  }

  encodeTrailers(): TrailersStatus {
    return TrailersStatus.Continue;
  }

  complete(): void {}

  destroy(): void {
    this.#timeout?.cancel();
    this.#timeout = null;
    this.#backOff?.cancel();
    this.#abandon();
  }

  pauseResponse(isPaused: boolean): void {
    this.#upstream?.pauseResponse(isPaused);
  }

  connected(info: UpstreamInfo): void {
    this.#stream.info.upstream = info;
  }

  // A filter can continue a request twice; the answer that comes second finds the stream gone.

  headers(headers: HeaderMap, endStream: boolean): void {
    if (this.#manager.isDestroyed) return;
    if (this.#retry !== null && this.#isRetried(this.#retry.afterResponse(headers))) return;
    const { info, services } = this.#stream;
    this.#tryTimeout?.cancel();
    this.#responseStarted = true;
    info.responseCode = Number(headers.get(":status"));
    info.responseCodeDetails = "via_upstream";
    if (info.upstreamStart !== null) {
      const elapsedMs = services.clock.now() - info.upstreamStart;
      headers.set("x-envoy-upstream-service-time", String(Math.floor(elapsedMs)));
    }
    if (endStream) this.#responseEnded();
    this.#stream.responseHeaders = headers;
    this.#manager.encodeHeaders(null, endStream);
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    if (this.#manager.isDestroyed) return;
    if (endStream) this.#responseEnded();
    this.#manager.encodeData(null, ByteBuffer.of(bytes), endStream, true);
  }

  trailers(trailers: HeaderMap): void {
    if (this.#manager.isDestroyed) return;
    this.#responseEnded();
    this.#stream.responseTrailers = trailers;
    this.#manager.encodeTrailers(null);
  }

  reset(reason: ResetReason, transportFailure?: string): void {
    if (this.#manager.isDestroyed) return;
    this.#abandon();
    if (this.#retry !== null && !this.#responseStarted && this.#isRetried(this.#retry.afterReset(reason))) return;
    this.#timeout?.cancel();
    const { info } = this.#stream;
    if (reason === "remote connection failure") info.responseFlags |= ResponseFlag.UpstreamConnectionFailure;
    else if (reason === "connection termination") info.responseFlags |= ResponseFlag.UpstreamConnectionTermination;
    else if (reason === "protocol error") info.responseFlags |= ResponseFlag.UpstreamProtocolError;
    else info.responseFlags |= ResponseFlag.UpstreamRemoteReset;
    const cause = reason + (transportFailure === undefined ? "" : `|${transportFailure}`);
    const when = this.#responseStarted ? "after" : "before";
    const details = `upstream_reset_${when}_response_started{${cause.replaceAll(" ", "_")}}`;
    if (this.#responseStarted) {
      info.responseCodeDetails = details;
      this.#stream.reset(reason);
    } else {
      this.#answer(reason === "protocol error" ? 502 : 503, resetBody(reason, info.attempts > 1), details);
    }
  }

  /** Sends the request, as much of it as there is. */
  #attempt(headers: HeaderMap): void {
    const { info, blockRequest, requestTrailers } = this.#stream;
    info.attempts++;
    if (info.route!.countsAttempts) headers.set("x-envoy-attempt-count", String(info.attempts));
    this.#upstream = this.#cluster!.open(this, blockRequest);
    const hasMore = this.#sentBody.length > 0 || requestTrailers !== null;
    this.#upstream.headers(headers, this.#requestComplete && !hasMore);
    for (const [i, bytes] of this.#sentBody.entries()) {
      const isLast = i === this.#sentBody.length - 1;
      this.#upstream?.data(bytes, isLast && this.#requestComplete && requestTrailers === null);
    }
    if (requestTrailers !== null && this.#requestComplete) this.#upstream?.trailers(requestTrailers);
  }

  #keepForRetry(bytes: Uint8Array): void {
    if (this.#retry === null) return;
    this.#sentBody.push(bytes);
    this.#sentBytes += bytes.length;
    // A request with a longer body is not sent again.
    if (this.#sentBytes <= this.#stream.bufferLimit) return;
    this.#retry = null;
    this.#sentBody = [];
  }

  /** Acts on a decision; whether another attempt is on its way. */
  #isRetried(decision: RetryDecision): boolean {
    const { info, services, requestHeaders } = this.#stream;
    if (decision === "exhausted") info.responseFlags |= ResponseFlag.UpstreamRetryLimitExceeded;
    if (decision !== "retry") return false;
    this.#abandon();
    this.#backOff = services.clock.setTimer(this.#retry!.nextDelayMs(services.random.next()), () => {
      this.#backOff = null;
      const elapsed = services.clock.now() - (info.upstreamStart ?? services.clock.now());
      expectTimeout(requestHeaders!, this.#timeouts, elapsed);
      this.#attempt(requestHeaders!);
      if (this.#requestComplete) this.#armTryTimeout();
    });
    return true;
  }

  /** Nothing more is wanted from the attempt that runs. */
  #abandon(): void {
    this.#tryTimeout?.cancel();
    this.#tryTimeout = null;
    this.#upstream?.cancel();
    this.#upstream = null;
  }

  #requestEnded(): void {
    const { services, info } = this.#stream;
    this.#requestComplete = true;
    if (info.upstreamStart !== null) return;
    info.upstreamStart = services.clock.now();
    const isPending = this.#upstream !== null || this.#backOff !== null;
    if (!isPending || this.#manager.isDestroyed) return;
    const { wholeMs } = this.#timeouts;
    if (wholeMs > 0) this.#timeout = services.clock.setTimer(wholeMs, () => this.#timedOut("response_timeout"));
    if (this.#upstream !== null) this.#armTryTimeout();
  }

  #armTryTimeout(): void {
    const { perTryMs } = this.#timeouts;
    if (perTryMs === 0) return;
    this.#tryTimeout = this.#stream.services.clock.setTimer(perTryMs, () => {
      this.#abandon();
      if (this.#retry === null || !this.#isRetried(this.#retry.afterReset("local reset"))) {
        this.#timedOut("upstream_per_try_timeout");
      }
    });
  }

  #responseEnded(): void {
    this.#timeout?.cancel();
    this.#timeout = null;
    this.#stream.info.upstreamEnd = this.#stream.services.clock.now();
    // A response can be complete before its request is; then the rest of the request is not wanted.
    if (this.#requestComplete) this.#upstream = null;
  }

  #timedOut(details: string): void {
    this.#timeout?.cancel();
    this.#timeout = null;
    this.#backOff?.cancel();
    this.#abandon();
    const { info } = this.#stream;
    info.responseFlags |= ResponseFlag.UpstreamRequestTimeout;
    if (this.#responseStarted) {
      info.responseCodeDetails = details;
      this.#stream.reset("local reset");
    } else {
      this.#answer(504, "upstream request timeout", details);
    }
  }

  #answer(status: number, body: string, details: string, headers: readonly string[] = []): HeadersStatus {
    this.#manager.sendLocalReply({ status, body, headers, grpcStatus: null, details });
    return HeadersStatus.StopIteration;
  }
}

function urlOf(headers: HeaderMap): string {
  return `${headers.get(":scheme") ?? ""}://${headers.get(":authority") ?? ""}${headers.get(":path") ?? ""}`;
}

/** Why no upstream could be sent these headers. */
export function flawOf(headers: HeaderMap): string | null {
  for (const name of [":method", ":path"]) if (!headers.has(name)) return `missing required header: ${name}`;
  const invalid = headers.isSuspect ? headers.firstInvalid() : null;
  if (invalid === null) return null;
  const name = invalid.name.replaceAll("\r", "\\r").replaceAll("\n", "\\n");
  return `invalid header ${invalid.part === "name" ? "name:" : "value for:"} ${name}`;
}
