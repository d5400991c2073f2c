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
  /** Whether the next request needs no new connection. */
  readonly hasIdleConnection: boolean;
  /** `requestBlocked` is told when the upstream takes no more of the body for now. */
  open(listener: UpstreamListener, requestBlocked: (isBlocked: boolean) => void): UpstreamStream;
}

/** The body of the answer Envoy makes when a request was reset before its response began. */
export function resetBody(reason: ResetReason, isRetried = false): string {
  const which = isRetried ? "retried and the latest reset reason" : "reset reason";
  return `upstream connect error or disconnect/reset before headers. ${which}: ${reason}`;
}

/** How long an upstream may take, for all attempts and for each. 0: for ever. */
export interface Timeouts {
  wholeMs: number;
  perTryMs: number;
}

/** What headers say instead of the defaults, which they are taken off for; the upstream is told. */
export function takeTimeouts(headers: HeaderMap, wholeMs: number, perTryMs: number): Timeouts {
  const whole = takeNumber(headers, "x-envoy-upstream-rq-timeout-ms") ?? wholeMs;
  const perTry = takeNumber(headers, "x-envoy-upstream-rq-per-try-timeout-ms") ?? perTryMs;
  const timeouts = { wholeMs: whole, perTryMs: whole > 0 && perTry >= whole ? 0 : perTry };
  expectTimeout(headers, timeouts, 0);
  return timeouts;
}

/** Tells the upstream how long it may take when `elapsedMs` are gone. */
export function expectTimeout(headers: HeaderMap, { wholeMs, perTryMs }: Timeouts, elapsedMs: number): void {
  const expected = perTryMs > 0 ? perTryMs : wholeMs;
  if (expected === 0) return;
  const left = wholeMs === 0 ? expected : Math.max(1, Math.min(expected, Math.floor(wholeMs - elapsedMs)));
  headers.set("x-envoy-expected-rq-timeout-ms", String(left));
}

/** The number that a header holds, which is taken off. */
export function takeNumber(headers: HeaderMap, name: string): number | null {
  const value = headers.get(name);
  if (value === null) return null;
  headers.remove(name);
  return /^\d+$/.test(value) ? Number(value) : null;
}
