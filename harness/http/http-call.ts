import type { ProxyServices } from "../emulator/services.ts";
import type { Clock, Timer } from "../emulator/clock.ts";
import { ByteBuffer } from "./byte-buffer.ts";
import { HeaderMap } from "./header-map.ts";
import { grpcStatusOf, isGrpc } from "./local-reply.ts";
import { Retry, type RetryDecision } from "./retry.ts";
import { flawOf } from "./router.ts";
import {
  expectTimeout,
  resetBody,
  takeNumber,
  type ResetReason,
  type Timeouts,
  type UpstreamCluster,
  type UpstreamListener,
  type UpstreamStream,
} from "./upstream.ts";

/** The answer of a callout. */
export interface HttpCallResponse {
  headers: HeaderMap;
  body: Uint8Array;
  trailers: HeaderMap | null;
}

/** Answers longer than this are given up. */
const responseLimit = 32 * 1024 * 1024;

/** An HTTP callout of a plugin. What goes wrong before an answer begins comes back as an answer: 503 or 504. */
export class HttpCall implements UpstreamListener {
  readonly #done: (response: HttpCallResponse | null) => void;
  readonly #cluster: UpstreamCluster;
  readonly #request: HeaderMap;
  readonly #requestBody: Uint8Array;
  readonly #timeouts: Timeouts;
  readonly #services: ProxyServices;
  readonly #clock: Clock;
  readonly #retry: Retry | null;
  #upstream: UpstreamStream;
  #isRetried = false;
  readonly #startTime: number;
  #timer: Timer | null = null;
  #tryTimer: Timer | null = null;
  /** Before the next attempt. */
  #backOff: Timer | null = null;
  /** However far the answer has come by then. */
  #longest: Timer | null = null;
  #headers: HeaderMap | null = null;
  readonly #body = new ByteBuffer();
  #isDone = false;
  /** Failures are told in gRPC's form. */
  readonly #isGrpc: boolean;
  #late: () => void = () => {};

  /** `done` is told `null` when the answer broke off. */
  constructor(
    cluster: UpstreamCluster,
    headers: HeaderMap,
    body: Uint8Array,
    timeouts: Timeouts,
    services: ProxyServices,
    done: (response: HttpCallResponse | null) => void,
  ) {
    this.#done = done;
    this.#cluster = cluster;
    this.#request = headers;
    this.#requestBody = body;
    this.#timeouts = timeouts;
    this.#services = services;
    this.#clock = services.clock;
    this.#startTime = services.clock.now();
    this.#isGrpc = isGrpc(headers);
    const longestMs = takeNumber(headers, "x-envoy-upstream-stream-duration-ms") ?? 0;
    const alternative = "x-envoy-upstream-rq-timeout-alt-response";
    const hasAlternative = headers.has(alternative);
    headers.remove(alternative);
    this.#retry = Retry.of(null, headers);
    this.#upstream = cluster.open(this, () => {});
    const flaw = flawOf(headers);
    if (flaw !== null) {
      services.dispatcher.post(() => this.#answer(503, flaw));
      return;
    }
    this.#late = () => (hasAlternative ? this.#giveUp(204, "") : this.#giveUp(504, "upstream request timeout"));
    this.#send();
    const tooLong = () => this.#giveUp(408, "upstream max stream duration reached");
    if (timeouts.wholeMs > 0) this.#timer = this.#clock.setTimer(timeouts.wholeMs, this.#late);
    if (longestMs > 0) this.#longest = this.#clock.setTimer(longestMs, tooLong);
  }

  /** No answer is wanted any more. */
  cancel(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#stopTimers();
    this.#upstream.cancel();
  }

  #stopTimers(): void {
    for (const timer of [this.#timer, this.#longest, this.#tryTimer, this.#backOff]) timer?.cancel();
  }

  /** Sends the request, or sends it again, then with its body even if that is empty. */
  #send(): void {
    const body = this.#requestBody;
    const hasBody = body.length > 0 || this.#isRetried;
    this.#upstream.headers(this.#request, !hasBody);
    if (hasBody) this.#upstream.data(body, true);
    const { perTryMs } = this.#timeouts;
    if (perTryMs === 0) return;
    this.#tryTimer = this.#clock.setTimer(perTryMs, () => {
      if (this.#headers !== null || !this.#triesAgain(this.#retry?.afterReset("local reset"))) this.#late();
    });
  }

  #triesAgain(decision: RetryDecision | undefined): boolean {
    if (decision !== "retry") return false;
    const { random } = this.#services;
    this.#isRetried = true;
    this.#tryTimer?.cancel();
    this.#upstream.cancel();
    this.#backOff = this.#clock.setTimer(this.#retry!.nextDelayMs(random.next()), () => {
      expectTimeout(this.#request, this.#timeouts, this.#clock.now() - this.#startTime);
      this.#upstream = this.#cluster.open(this, () => {});
      this.#send();
    });
    return true;
  }

  connected(): void {}

  headers(headers: HeaderMap, endStream: boolean): void {
    if (this.#triesAgain(this.#retry?.afterResponse(headers))) return;
    this.#tryTimer?.cancel();
    this.#headers = headers;
    headers.set("x-envoy-upstream-service-time", String(Math.floor(this.#clock.now() - this.#startTime)));
    if (endStream) this.#finish(null);
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    this.#body.add(bytes);
    if (this.#body.length > responseLimit) {
      this.cancel();
      this.#done(null);
    } else if (endStream) {
      this.#finish(null);
    }
  }

  trailers(trailers: HeaderMap): void {
    this.#finish(trailers);
  }

  reset(reason: ResetReason): void {
    if (this.#isDone) return;
    if (this.#headers === null) {
      if (this.#triesAgain(this.#retry?.afterReset(reason))) return;
      this.#answer(reason === "protocol error" ? 502 : 503, resetBody(reason, this.#isRetried));
      return;
    }
    this.cancel();
    this.#done(null);
  }

  #giveUp(status: number, body: string): void {
    if (this.#isDone) return;
    const hasStarted = this.#headers !== null;
    this.#upstream.cancel();
    if (hasStarted) {
      this.cancel();
      this.#done(null);
    } else {
      this.#answer(status, body);
    }
  }

  #answer(status: number, body: string): void {
    const headers = new HeaderMap("responseHeaders");
    if (this.#isGrpc) {
      headers.append(":status", "200");
      headers.append("content-type", "application/grpc");
      headers.append("grpc-status", String(grpcStatusOf(status)));
      if (body !== "") headers.append("grpc-message", body);
    } else {
      headers.append(":status", String(status));
      if (body !== "") {
        headers.append("content-length", String(body.length));
        headers.append("content-type", "text/plain");
        this.#body.add(Buffer.from(body));
      }
    }
    this.#headers = headers;
    this.#finish(null);
  }

  #finish(trailers: HeaderMap | null): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#stopTimers();
    this.#done({ headers: this.#headers!, body: this.#body.takeBytes(), trailers });
  }
}
