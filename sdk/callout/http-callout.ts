import { Status } from "../abi/enums";
import { proxy_http_call } from "../abi/imports";
import { actFor, currentContext } from "../context/callback";
import { Plugin } from "../context/plugin";
import { decimal } from "../json/text";
import { log } from "../log/log";
import { writtenBytes, writtenSize } from "../memory/byte-writer";
import { encodeText, textSize } from "../memory/utf8";
import { currentTimeNs } from "../time/time";
import { Callout, CalloutOutcome, CalloutRefusal } from "./callout";
import { CalloutRequest } from "./callout-request";
import { calloutResponse, CalloutResponse } from "./callout-response";
import { addCallout, endCallout, findCallout, forgetToken, removeCallout, setToken } from "./in-flight";
import { RetryPolicy, RetryTimer } from "./retry-policy";

const NS_PER_MS: u64 = 1_000_000;
const TIMER_LAG_NS: u64 = 5 * NS_PER_MS;

/**
 * Asks a cluster something over HTTP:
 *
 * ```ts
 * class Check extends HttpCallout {
 *   override onOutcome(outcome: CalloutOutcome, response: CalloutResponse): void {
 *     if (outcome == CalloutOutcome.Ok && response.status == 200) continueRequest();
 *     else new LocalReply(403).send();
 *   }
 * }
 * // in onRequestHeaders():
 * if (new Check().send(new CalloutRequest("auth", "auth.example.com", "/check"))) return FilterHeaders.StopIteration;
 * return new LocalReply(503).send();
 * ```
 *
 * AssemblyScript has no closures: what the callback needs is given to the object, usually the filter.
 *
 * A callout belongs to the stream, or else the plugin, whose callback sends it ({@link Callout}).
 */
export abstract class HttpCallout extends Callout {
  // A subclass cannot have fields of the same names, private or not.
  private calloutRequest: CalloutRequest | null = null;
  /** @internal */
  retryPolicy: RetryPolicy | null = null;
  /** @internal While it waits to be sent again. */
  calloutTimer: RetryTimer | null = null;
  private calloutAttempts: i32 = 0;
  private calloutSentNs: u64 = 0;

  /**
   * The callout has ended: `Ok`, `Timeout`, `Reset`, or `Refused` when a later attempt was. Called once for each
   * {@link send} that answered `true`, unless it is cancelled or its stream is gone.
   *
   * Acts on the stream that sent the callout as that stream's own callbacks do: it can let it go on, answer it, and read
   * and change headers that are held.
   */
  abstract onOutcome(outcome: CalloutOutcome, response: CalloutResponse): void;

  /**
   * Sends `request`. The proxy takes it or not; the answer comes later.
   *
   * Allowed in: every callback but the plugin's `configure` while the proxy starts, when it has no clusters yet: `Refused`.
   * Traps when this callout is in flight.
   * Cost: one host call, two with a timeout; two for the answer, and one for its body if that is read.
   *
   * @returns `false` when the proxy refuses it: {@link refusal} says why, and {@link onOutcome} is not called
   */
  send(request: CalloutRequest, retry: RetryPolicy | null = null): bool {
    if (this.calloutIsListed) throw new Error("a callout was sent that is in flight: make another one");
    this.calloutRequest = request;
    this.retryPolicy = retry;
    this.calloutAttempts = 0;
    if (!this.dispatchCallout(request)) {
      this.calloutOutcome = CalloutOutcome.Refused;
      return false;
    }
    addCallout(this, currentContext);
    this.calloutOutcome = CalloutOutcome.Pending;
    return true;
  }

  /** How often the request was sent, refusals included. */
  get attempts(): i32 {
    return this.calloutAttempts;
  }

  /**
   * Gives the callout up: {@link onOutcome} will not be called. The request itself cannot be taken back. No effect when it
   * is not in flight.
   */
  cancel(): void {
    if (!this.calloutIsListed) return;
    this.abandonCallout();
    this.finishCallout(CalloutOutcome.Cancelled);
  }

  /** @internal */
  abandonCallout(): void {
    const retry = this.retryPolicy;
    if (retry !== null) retry.stopWaiting(this);
  }

  /** @internal The proxy has called back. */
  calloutAnswered(plugin: Plugin, headerCount: u32, bodySize: u32): void {
    forgetToken(this);
    if (this.calloutOwner != currentContext && !actFor(this.calloutOwner)) {
      removeCallout(this);
      return;
    }
    calloutResponse.arrived(bodySize);
    this.outcomeKnown(plugin, headerCount == 0 ? this.brokenOff() : calloutResponse.classify());
    calloutResponse.arrived(0);
  }

  /** @internal The time to wait before another attempt is over. */
  sendCalloutAgain(plugin: Plugin): void {
    const request = this.calloutRequest!;
    this.calloutTimer = null;
    if (this.dispatchCallout(request)) return;
    if (this.calloutOwner != currentContext && !actFor(this.calloutOwner)) {
      removeCallout(this);
      return;
    }
    calloutResponse.arrived(0);
    this.outcomeKnown(plugin, CalloutOutcome.Refused);
  }

  private outcomeKnown(plugin: Plugin, outcome: CalloutOutcome): void {
    const retry = this.retryPolicy;
    if (retry === null || !retry.sendLater(this, plugin, outcome)) this.finishCallout(outcome);
  }

  private finishCallout(outcome: CalloutOutcome): void {
    this.calloutRequest = null;
    const join = endCallout(this, outcome);
    const isCancelled = outcome == CalloutOutcome.Cancelled;
    if (!isCancelled) this.onOutcome(outcome, calloutResponse);
    if (join !== null) join.calloutEnded(isCancelled);
  }

  /**
   * Why an answer that had begun did not end: the proxy does not tell, so the clock has to. The proxy's timers go by a time
   * that lags behind, and fire early by that much.
   */
  private brokenOff(): CalloutOutcome {
    const timeoutNs = <u64>this.calloutRequest!.timeoutMs * NS_PER_MS;
    const earliest = this.calloutSentNs + timeoutNs - timeoutNs / 10;
    return timeoutNs != 0 && currentTimeNs() + TIMER_LAG_NS >= earliest ? CalloutOutcome.Timeout : CalloutOutcome.Reset;
  }

  /** Whether the proxy takes the request. */
  private dispatchCallout(request: CalloutRequest): bool {
    this.calloutAttempts += 1;
    this.calloutRefusal = CalloutRefusal.InvalidRequest;
    if (!request.isValid || !request.headers.write()) return false;
    const headers = writtenBytes();
    const headersSize = writtenSize();
    let trailers: usize = 0;
    let trailersSize: usize = 0;
    if (!request.trailers.isEmpty) {
      if (!request.trailers.write()) return false;
      trailers = writtenBytes();
      trailersSize = writtenSize();
    }
    const bytes = request.bodyBytes;
    const body = bytes === null ? encodeText(request.bodyText) : changetype<usize>(bytes);
    const bodySize = bytes === null ? textSize(body) : <usize>bytes.length;
    const cluster = encodeText(request.cluster);
    const token = memory.data(4, 4);
    if (request.timeoutMs != 0) this.calloutSentNs = currentTimeNs();
    const status = proxy_http_call(
      cluster,
      textSize(cluster),
      headers,
      headersSize,
      body,
      bodySize,
      trailers,
      trailersSize,
      request.timeoutMs,
      token,
    );
    this.calloutRefusal = refusalOf(status);
    if (status != Status.Ok) return false;
    setToken(this, load<u32>(token));
    return true;
  }
}

/** The proxy has an answer, or none: nothing happens when nobody waits for it. */
export function httpCalloutAnswered(plugin: Plugin, token: u32, headerCount: u32, bodySize: u32): void {
  const callout = findCallout(token);
  if (callout !== null) (callout as HttpCallout).calloutAnswered(plugin, headerCount, bodySize);
}

export function refusalOf(status: i32): CalloutRefusal {
  if (status == Status.Ok) return CalloutRefusal.None;
  // The other reasons for it have been ruled out.
  if (status == Status.BadArgument) return CalloutRefusal.UnknownCluster;
  if (status == Status.InternalFailure) return CalloutRefusal.Unavailable;
  log.error("the proxy refused a callout: status " + decimal(status));
  return CalloutRefusal.Other;
}
