import { CalloutJoin } from "./callout-join";

/** How a callout ended. */
export enum CalloutOutcome {
  /** Not sent yet, or not answered yet. */
  Pending,
  /** The cluster answered, with whatever status. */
  Ok,
  /**
   * The cluster did not answer in time. Of an HTTP answer that began and did not end, this is a guess by the clock, which
   * a connection that breaks within the last tenth of the time looks like too.
   */
  Timeout,
  /** No connection could be made, or it broke before the answer was complete. */
  Reset,
  /** The proxy did not take the callout; {@link Callout.refusal} says why. */
  Refused,
  /** `cancel()` was called, or the stream or plugin that sent the callout is gone. */
  Cancelled,
}

/** Why the proxy did not take a callout. */
export enum CalloutRefusal {
  /** It was taken, or not sent yet. */
  None,
  /**
   * The request cannot be sent: an empty method, path or authority, a header that `CalloutRequest.header` or
   * `GrpcRequest.metadata` refuses, more than 1,024 headers or 1 MiB of them.
   */
  InvalidRequest,
  /** The proxy has no such cluster. Of gRPC that is {@link Unavailable}. */
  UnknownCluster,
  /** The cluster cannot take a request now: it has no healthy host, or a circuit breaker is open. */
  Unavailable,
  /** Another reason, whose number is in the log: the proxy allows no callouts, say. */
  Other,
}

/**
 * What all callouts have in common. A callout belongs to the stream, or else the plugin, whose callback sends it: its
 * callbacks act on that stream or plugin, and are dropped without being called when it is gone.
 *
 * A subclass cannot have fields of the same names as this class's, private or not.
 */
export abstract class Callout {
  /** @internal Context it belongs to. */
  calloutOwner: u32 = 0;
  /** @internal Whether it is in the lists of {@link ./in-flight}. */
  calloutIsListed: bool = false;
  /** @internal Others whose owners share a list. */
  calloutBefore: Callout | null = null;
  /** @internal */
  calloutNext: Callout | null = null;
  /** @internal */
  calloutNextByToken: Callout | null = null;
  /** @internal Number by which the proxy knows it; 0: none. */
  calloutToken: u32 = 0;
  /** @internal */
  calloutJoin: CalloutJoin | null = null;
  /** @internal */
  calloutOutcome: CalloutOutcome = CalloutOutcome.Pending;
  /** @internal */
  calloutRefusal: CalloutRefusal = CalloutRefusal.None;

  /** Whether an answer is waited for. */
  get isInFlight(): bool {
    return this.calloutIsListed;
  }

  /** How it ended last. */
  get outcome(): CalloutOutcome {
    return this.calloutOutcome;
  }

  /** Why the proxy did not take it last; `None` when it did. */
  get refusal(): CalloutRefusal {
    return this.calloutRefusal;
  }

  /** @internal No answer is wanted any more: lets go of what the proxy or a timer holds. */
  abstract abandonCallout(): void;
}
