import { onContextEnd } from "../context/callback";
import { Callout, CalloutOutcome } from "./callout";
import { CalloutJoin } from "./callout-join";

/**
 * The callouts that wait for an answer: by the proxy's token, and for each stream or plugin the list of its own. When
 * that is gone its callouts are forgotten, so an answer that comes later finds nobody.
 */

// @ts-ignore: decorator
@lazy
const byToken = new Map<u32, Callout>();

/** The first callout of each owner; the others follow by `calloutNext`. */
// @ts-ignore: decorator
@lazy
const byOwner = new Map<u32, Callout>();

/** Enters a callout that was sent as one of `owner`'s. */
export function addCallout(callout: Callout, owner: u32): void {
  onContextEnd(changetype<u32>(forgetCallouts.index));
  callout.calloutOwner = owner;
  callout.calloutIsListed = true;
  callout.calloutBefore = null;
  callout.calloutNext = null;
  if (byOwner.has(owner)) {
    const first = byOwner.get(owner);
    first.calloutBefore = callout;
    callout.calloutNext = first;
  }
  byOwner.set(owner, callout);
}

/** Takes out a callout that has ended. */
export function removeCallout(callout: Callout): void {
  forgetToken(callout);
  const before = callout.calloutBefore;
  const next = callout.calloutNext;
  if (next !== null) next.calloutBefore = before;
  if (before !== null) before.calloutNext = next;
  else if (next !== null) byOwner.set(callout.calloutOwner, next);
  else byOwner.delete(callout.calloutOwner);
  callout.calloutBefore = null;
  callout.calloutNext = null;
  callout.calloutIsListed = false;
}

/** Takes out a callout that has ended so. The join that waits for it, which is to be told. */
export function endCallout(callout: Callout, outcome: CalloutOutcome): CalloutJoin | null {
  const join = callout.calloutJoin;
  callout.calloutJoin = null;
  callout.calloutOutcome = outcome;
  removeCallout(callout);
  return join;
}

/** Remembers the number by which the proxy will name the callout. */
export function setToken(callout: Callout, token: u32): void {
  callout.calloutToken = token;
  byToken.set(token, callout);
}

/** The proxy will not name the callout's token again. */
export function forgetToken(callout: Callout): void {
  if (callout.calloutToken != 0) byToken.delete(callout.calloutToken);
  callout.calloutToken = 0;
}

/** The callout with this token, or `null` when nobody waits for it any more. */
export function findCallout(token: u32): Callout | null {
  return byToken.has(token) ? byToken.get(token) : null;
}

function forgetCallouts(owner: u32): void {
  while (byOwner.has(owner)) {
    const callout = byOwner.get(owner);
    callout.abandonCallout();
    callout.calloutOutcome = CalloutOutcome.Cancelled;
    callout.calloutJoin = null;
    removeCallout(callout);
  }
}
