import { ByteBuffer } from "./byte-buffer.ts";
import { DataStatus, HeadersStatus, TrailersStatus, type HttpFilter } from "./filter.ts";
import type { FilterManager } from "./filter-manager.ts";
import type { HeaderMap } from "./header-map.ts";
import { clusterOf } from "./route-table.ts";
import type { HttpStream } from "./stream.ts";
import type { Timer } from "../emulator/clock.ts";
import { ResponseFlag, type UpstreamInfo } from "./stream-info.ts";
import { resetBody, takeTimeout, type ResetReason, type UpstreamListener, type UpstreamStream } from "./upstream.ts";

/** The terminal filter: sends the request to the cluster of its route, and brings back the response. */
export class Router implements HttpFilter, UpstreamListener {
  readonly #manager: FilterManager;
  readonly #stream: HttpStream;
  #upstream: UpstreamStream | null = null;
  #timeout: Timer | null = null;
  #timeoutMs = 0;
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
    const name = clusterOf(route, headers)!;
    const cluster = stream.services.clusters.get(name);
    if (cluster === undefined) {
      stream.info.responseFlags |= ResponseFlag.NoClusterFound;
      return this.#answer(503, "", "cluster_not_found");
    }
    this.#timeoutMs = takeTimeout(headers, route.timeoutMs);
    stream.info.cluster = name;
    if (!cluster.hasHosts) {
      stream.info.responseFlags |= ResponseFlag.NoHealthyUpstream;
      return this.#answer(503, "no healthy upstream", "no_healthy_upstream");
    }
    const flaw = flawOf(headers);
    if (flaw !== null) {
      return this.#answer(503, flaw, `filter_removed_required_request_headers{${flaw.replaceAll(" ", "_")}}`);
    }
    this.#upstream = cluster.open(this, stream.blockRequest);
    this.#upstream.headers(headers, endStream);
    if (endStream) this.#requestEnded();
    return HeadersStatus.StopIteration;
  }

  decodeData(data: ByteBuffer, endStream: boolean): DataStatus {
    this.#upstream?.data(data.takeBytes(), endStream);
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
    this.#upstream?.cancel();
    this.#upstream = null;
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
    const { info, services } = this.#stream;
    this.#responseStarted = true;
    info.responseCode = Number(headers.get(":status"));
    info.responseCodeDetails = "via_upstream";
    const now = services.clock.now();
    const started = info.upstreamStart ?? now;
    headers.set("x-envoy-upstream-service-time", String(Math.floor(now - started)));
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
    this.#upstream = null;
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
      this.#answer(reason === "protocol error" ? 502 : 503, resetBody(reason), details);
    }
  }

  #requestEnded(): void {
    if (this.#requestComplete) return;
    this.#requestComplete = true;
    const { services, info } = this.#stream;
    info.upstreamStart ??= services.clock.now();
    if (this.#timeoutMs === 0 || this.#upstream === null || this.#manager.isDestroyed) return;
    this.#timeout = services.clock.setTimer(this.#timeoutMs, () => this.#timedOut());
  }

  #responseEnded(): void {
    this.#timeout?.cancel();
    this.#timeout = null;
    this.#stream.info.upstreamEnd = this.#stream.services.clock.now();
    // A response can be complete before its request is; then the rest of the request is not wanted.
    if (this.#requestComplete) this.#upstream = null;
  }

  #timedOut(): void {
    this.#timeout = null;
    this.#upstream?.cancel();
    this.#upstream = null;
    const { info } = this.#stream;
    info.responseFlags |= ResponseFlag.UpstreamRequestTimeout;
    if (this.#responseStarted) {
      info.responseCodeDetails = "response_timeout";
      this.#stream.reset("local reset");
    } else {
      this.#answer(504, "upstream request timeout", "response_timeout");
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
