import { Callout } from "./callout";

/**
 * Waits for several callouts: {@link onJoined} is called once, after the own callback of the last of them.
 *
 * ```ts
 * this.user.send(userRequest);
 * this.quota.send(quotaRequest);
 * const both = new Both(this);
 * both.add(this.user);
 * both.add(this.quota);
 * return both.isPending ? FilterHeaders.StopIteration : both.decide();
 * ```
 *
 * The answers are readable in each callout's own callback only: keep what you need in fields.
 */
export abstract class CalloutJoin {
  // A subclass cannot have a field of the same name.
  private joinPending: i32 = 0;

  /**
   * All callouts have ended, each with its `outcome`. Not called when the last of them was given up by `cancel`: whoever does
   * that goes on itself.
   */
  abstract onJoined(): void;

  /**
   * Waits for `callout` too. To be called in the callback that sent it. One that is not in flight, for the proxy refused
   * it, is not waited for.
   */
  add(callout: Callout): void {
    if (!callout.isInFlight) return;
    callout.calloutJoin = this;
    this.joinPending += 1;
  }

  /** Whether a callout is waited for. If not, {@link onJoined} will not be called. */
  get isPending(): bool {
    return this.joinPending != 0;
  }

  /** @internal A callout has ended. */
  calloutEnded(isCancelled: bool): void {
    this.joinPending -= 1;
    if (this.joinPending == 0 && !isCancelled) this.onJoined();
  }
}
