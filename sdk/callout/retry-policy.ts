import { randomBelow } from "../random/random";
import { Plugin } from "../context/plugin";
import { Timer } from "../time/timer";
import { CalloutOutcome } from "./callout";
import { calloutResponse, CalloutResponse } from "./callout-response";
import { HttpCallout } from "./http-callout";

const MOST_ATTEMPTS: i32 = 10;

/**
 * Sends a callout again that failed, after a while. The waiting time is random from 0 up to a bound that doubles with
 * each attempt ("full jitter"), so that many proxies do not try again all at once.
 *
 * Timeouts and resets are tried again, and refusals of later attempts; answers of the cluster only as
 * {@link onServerErrors} says. A cluster may have acted on a request whose answer was lost: only retry what may be done
 * twice.
 */
export class RetryPolicy {
  private readonly attempts: i32;
  private baseMs: u32 = 25;
  private longestMs: u32 = 250;
  private triesServerErrors: bool = false;
  private triesTimeouts: bool = true;
  /** @internal Whether the callout will be sent again. A reference, so that filters without retries have no code for them. */
  readonly sendLater: (callout: HttpCallout, plugin: Plugin, outcome: CalloutOutcome) => bool;
  /** @internal The callout is not to be sent again. */
  readonly stopWaiting: (callout: HttpCallout) => void;

  /** @param attempts how often to send at most, the first time included; 1 to 10 */
  constructor(attempts: i32) {
    this.attempts = min(max(attempts, 1), MOST_ATTEMPTS);
    this.sendLater = sendLater;
    this.stopWaiting = stopWaiting;
  }

  /** The bound of the first waiting time, and of all, in milliseconds: 25 and 250 when not set. */
  backoff(baseMs: u32, longestMs: u32): RetryPolicy {
    this.baseMs = max(baseMs, 1);
    this.longestMs = max(longestMs, this.baseMs);
    return this;
  }

  /** Also tries again when the cluster answers with a status from 500 on. */
  onServerErrors(): RetryPolicy {
    this.triesServerErrors = true;
    return this;
  }

  /** Does not try again after a timeout. */
  exceptTimeouts(): RetryPolicy {
    this.triesTimeouts = false;
    return this;
  }

  /** @internal Whether to send again what was sent `sent` times. */
  wants(sent: i32, outcome: CalloutOutcome, response: CalloutResponse): bool {
    if (sent >= this.attempts) return false;
    if (outcome == CalloutOutcome.Ok) return this.triesServerErrors && response.status >= 500;
    return outcome != CalloutOutcome.Timeout || this.triesTimeouts;
  }

  /** @internal Milliseconds to wait after `sent` attempts. */
  delayMs(sent: i32): u32 {
    const bound = min<u64>((<u64>this.baseMs) << (sent - 1), this.longestMs);
    return randomBelow(<u32>min<u64>(bound + 1, u32.MAX_VALUE));
  }
}

/** @internal Sends a callout again. */
export class RetryTimer extends Timer {
  constructor(
    private callout: HttpCallout,
    private plugin: Plugin,
  ) {
    super();
  }

  override onTimer(): void {
    this.callout.sendCalloutAgain(this.plugin);
  }
}

function sendLater(callout: HttpCallout, plugin: Plugin, outcome: CalloutOutcome): bool {
  const retry = callout.retryPolicy!;
  if (!retry.wants(callout.attempts, outcome, calloutResponse)) return false;
  const timer = new RetryTimer(callout, plugin);
  callout.calloutTimer = timer;
  plugin.startTimer(timer, retry.delayMs(callout.attempts), false);
  return true;
}

function stopWaiting(callout: HttpCallout): void {
  const timer = callout.calloutTimer;
  if (timer !== null) timer.stop();
  callout.calloutTimer = null;
}
