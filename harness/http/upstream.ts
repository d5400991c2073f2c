import type { HeaderMap } from "./header-map.ts";
import type { UpstreamInfo } from "./stream-info.ts";

/** Why a request to an upstream ended early; the texts are those Envoy puts into its answers. */
export type ResetReason =
  "remote connection failure" | "connection termination" | "remote reset" | "protocol error" | "local reset";

/** What comes back from an upstream. */
export interface UpstreamListener {
  /** A connection was found or made. */
  connected(info: UpstreamInfo): void;
  headers(headers: HeaderMap, endStream: boolean): void;
  data(bytes: Uint8Array, endStream: boolean): void;
  trailers(trailers: HeaderMap): void;
  /** Nothing more comes. `transportFailure` says what the transport had to say about it. */
  reset(reason: ResetReason, transportFailure?: string): void;
}

/** One request to an upstream. */
export interface UpstreamStream {
  headers(headers: HeaderMap, endStream: boolean): void;
  data(bytes: Uint8Array, endStream: boolean): void;
  trailers(trailers: HeaderMap): void;
  /** The listener hears nothing more. */
  cancel(): void;
  /** Holds back, or lets come, the response's body. */
  pauseResponse(isPaused: boolean): void;
}

/** A cluster that requests can be sent to. */
export interface UpstreamCluster {
  readonly name: string;
  /** Whether there is an endpoint at all. */
  readonly hasHosts: boolean;
  /** `requestBlocked` is told when the upstream takes no more of the body for now. */
  open(listener: UpstreamListener, requestBlocked: (isBlocked: boolean) => void): UpstreamStream;
}

/** The body of the answer Envoy makes when a request was reset before its response began. */
export function resetBody(reason: ResetReason): string {
  return `upstream connect error or disconnect/reset before headers. reset reason: ${reason}`;
}

/** How long the upstream may take: a header can say so; the upstream is told. 0: for ever. */
export function takeTimeout(headers: HeaderMap, defaultMs: number): number {
  const wanted = headers.get("x-envoy-upstream-rq-timeout-ms");
  if (wanted !== null) headers.remove("x-envoy-upstream-rq-timeout-ms");
  const timeoutMs = wanted !== null && /^\d+$/.test(wanted) ? Number(wanted) : defaultMs;
  if (timeoutMs > 0) headers.set("x-envoy-expected-rq-timeout-ms", String(timeoutMs));
  return timeoutMs;
}
