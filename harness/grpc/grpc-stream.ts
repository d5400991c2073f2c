import type { Timer } from "../emulator/clock.ts";
import type { ProxyServices } from "../emulator/services.ts";
import { HeaderMap } from "../http/header-map.ts";
import { grpcStatusOf } from "../http/local-reply.ts";
import { flawOf } from "../http/router.ts";
import {
  resetBody,
  takeTimeouts,
  type ResetReason,
  type UpstreamCluster,
  type UpstreamListener,
  type UpstreamStream,
} from "../http/upstream.ts";
import { frame, FrameReader } from "./framing.ts";

/** gRPC's statuses that the proxy gives by itself. */
const unknown = 2;
const internal = 13;
const unavailable = 14;

/** What becomes of a call. */
export interface GrpcListener {
  initialMetadata(headers: HeaderMap): void;
  message(message: Uint8Array): void;
  trailingMetadata(trailers: HeaderMap): void;
  /** Comes last, unless the call was given up by {@link GrpcStream.cancel}. */
  closed(status: number, message: string): void;
}

export interface GrpcRequestOptions {
  service: string;
  method: string;
  /** `:authority`; the cluster's name when empty. */
  authority: string;
  /** Names and values in turn. */
  metadata: readonly string[];
  /** `null`: for ever. */
  timeoutMs: number | null;
}

/** A gRPC call of a plugin, as Envoy's client makes it: a message that ends the call says why, then `{details}`. */
export class GrpcStream implements UpstreamListener {
  readonly #listener: GrpcListener;
  readonly #services: ProxyServices;
  readonly #headers: HeaderMap;
  readonly #timeoutMs: number;
  readonly #reader = new FrameReader();
  #upstream: UpstreamStream | null = null;
  #timer: Timer | null = null;
  #startTime = 0;
  #requestEnded = false;
  #responseStarted = false;
  #isOver = false;

  constructor(request: GrpcRequestOptions, services: ProxyServices, listener: GrpcListener) {
    this.#listener = listener;
    this.#services = services;
    const { service, method, authority, metadata, timeoutMs } = request;
    this.#headers = new HeaderMap("requestHeaders");
    this.#headers.append(":method", "POST");
    this.#headers.append(":path", `/${service}/${method}`);
    this.#headers.append(":authority", authority);
    this.#headers.append("te", "trailers");
    if (timeoutMs !== null) this.#headers.append("grpc-timeout", grpcTimeout(timeoutMs));
    this.#headers.append("content-type", "application/grpc");
    for (let i = 0; i < metadata.length; i += 2) {
      const name = metadata[i]!.toLowerCase();
      const value = metadata[i + 1]!;
      this.#headers.addUnchecked(name, name.endsWith("-bin") ? Buffer.from(value, "latin1").toString("base64") : value);
    }
    this.#headers.append("x-envoy-internal", "true");
    this.#timeoutMs = takeTimeouts(this.#headers, timeoutMs ?? 0, 0).wholeMs;
  }

  /** Sends the headers. Whether the call is under way: if not, the listener has heard why. */
  start(cluster: UpstreamCluster | undefined): boolean {
    const flaw = flawOf(this.#headers);
    if (cluster === undefined) {
      this.#close(unavailable, "Cluster not available", "");
    } else if (!cluster.hasHosts) {
      this.#answer(unavailable, "no healthy upstream", "no_healthy_upstream");
    } else if (flaw !== null) {
      const details = `filter_removed_required_request_headers{${flaw.replaceAll(" ", "_")}}`;
      this.#services.dispatcher.post(() => {
        if (!this.#isOver) this.#answer(unavailable, flaw, details);
      });
    } else if (this.#headers.get("te") !== "trailers") {
      // HTTP/2 knows no other value.
      this.#services.dispatcher.post(() => this.reset("protocol error"));
    } else {
      this.#upstream = cluster.open(this, () => {});
      this.#upstream.headers(this.#headers, false);
    }
    return !this.#isOver;
  }

  send(message: Uint8Array, endStream: boolean): void {
    if (this.#isOver || this.#requestEnded) return;
    this.#upstream?.data(frame(message), endStream);
    if (endStream) this.#requestDone();
  }

  /** No message follows. */
  end(): void {
    if (this.#isOver || this.#requestEnded) return;
    this.#upstream?.data(new Uint8Array(0), true);
    this.#requestDone();
  }

  /** Gives the call up; the listener hears nothing more. */
  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    this.#upstream?.cancel();
  }

  connected(): void {}

  headers(headers: HeaderMap, endStream: boolean): void {
    if (this.#isOver) return;
    this.#responseStarted = true;
    // Envoy's router measures from the end of the request: an answer that begins before has no such time.
    if (this.#requestEnded) {
      headers.set("x-envoy-upstream-service-time", String(Math.floor(this.#services.clock.now() - this.#startTime)));
    }
    const status = Number(headers.get(":status"));
    const isEnd = endStream && (status === 200 || headers.has("grpc-status"));
    this.#listener.initialMetadata(isEnd || status !== 200 ? noHeaders() : headers);
    if (this.#isOver) return;
    if (isEnd) this.trailers(headers);
    else if (status !== 200) this.#fail(grpcStatusOf(status), "", "via_upstream");
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    if (this.#isOver) return;
    const frames = this.#reader.add(bytes);
    if (frames === null) return this.#fail(internal, "", "via_upstream");
    for (const { flag, message } of frames) {
      if (flag !== 0 && message.length > 0) return this.#fail(internal, "", "via_upstream");
      this.#listener.message(message);
      if (this.#isOver) return;
    }
    if (endStream) this.#fail(unknown, "", "via_upstream");
  }

  trailers(trailers: HeaderMap): void {
    if (this.#isOver) return;
    this.#listener.trailingMetadata(trailers);
    if (this.#isOver) return;
    this.#close(statusIn(trailers), trailers.get("grpc-message") ?? "", "via_upstream");
  }

  reset(reason: ResetReason, transportFailure?: string): void {
    if (this.#isOver) return;
    const cause = transportFailure === undefined ? reason : `${reason}|${transportFailure}`;
    const when = this.#responseStarted ? "after" : "before";
    const details = `upstream_reset_${when}_response_started{${cause.replaceAll(" ", "_")}}`;
    if (this.#responseStarted) this.#fail(internal, "", details);
    else this.#answer(unavailable, resetBody(reason), details);
  }

  #requestDone(): void {
    this.#requestEnded = true;
    this.#startTime = this.#services.clock.now();
    if (this.#timeoutMs > 0) this.#timer = this.#services.clock.setTimer(this.#timeoutMs, () => this.#timedOut());
  }

  #timedOut(): void {
    if (this.#isOver) return;
    if (this.#responseStarted) this.#fail(internal, "", "response_timeout");
    else this.#answer(unavailable, "upstream request timeout", "response_timeout");
  }

  /** Ends the call by an answer that the proxy makes up. */
  #answer(status: number, message: string, details: string): void {
    const headers = new HeaderMap("responseHeaders");
    headers.append(":status", "200");
    headers.append("content-type", "application/grpc");
    headers.append("grpc-status", String(status));
    if (message !== "") headers.append("grpc-message", message);
    this.#listener.initialMetadata(noHeaders());
    if (this.#isOver) return;
    this.#listener.trailingMetadata(headers);
    if (!this.#isOver) this.#close(status, message, details);
  }

  /** Ends the call because of what the upstream did. */
  #fail(status: number, message: string, details: string): void {
    this.#listener.trailingMetadata(noHeaders());
    if (!this.#isOver) this.#close(status, message, details);
  }

  #close(status: number, message: string, details: string): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#upstream?.cancel();
    this.#listener.closed(status, message === "" || details === "" ? message + details : `${message}{${details}}`);
  }
}

function noHeaders(): HeaderMap {
  return new HeaderMap("responseTrailers");
}

/** -1 for what is no status. */
function statusIn(trailers: HeaderMap): number {
  const text = trailers.get("grpc-status");
  if (text === null || text === "") return unknown;
  return /^\d+$/.test(text) && Number(text) <= 16 ? Number(text) : -1;
}

/** At most eight digits and a unit ("Timeout" in gRPC over HTTP/2). */
function grpcTimeout(milliseconds: number): string {
  const steps: [unit: string, size: number][] = [
    ["m", 1],
    ["S", 1000],
    ["M", 60_000],
    ["H", 3_600_000],
  ];
  const [unit, size] = steps.find(([, size]) => Math.floor(milliseconds / size) <= 99_999_999)!;
  return `${Math.floor(milliseconds / size)}${unit}`;
}
