import { onContextEnd } from "../context/callback";
import { Callout, CalloutOutcome } from "./callout";
import { CalloutJoin } from "./callout-join";

/**
 * The callouts that wait for an answer: by the proxy's token, and for each stream or plugin the list of its own. When
 * that is gone its callouts are forgotten, so an answer that comes later finds nobody.
 */

// A power of two: numbers grow by one, so they spread evenly.
const LISTS: u32 = 256;

/** Lists of callouts by the lowest bits of their token. */
// @ts-ignore: decorator
@lazy
const byToken = new StaticArray<Callout | null>(LISTS);

/** Lists of callouts by the lowest bits of their owner. */
// @ts-ignore: decorator
@lazy
const byOwner = new StaticArray<Callout | null>(LISTS);

/** Enters a callout that was sent as one of `owner`'s. */
export function addCallout(callout: Callout, owner: u32): void {
  onContextEnd(changetype<u32>(forgetCallouts.index));
  callout.calloutOwner = owner;
  callout.calloutIsListed = true;
  const list = owner % LISTS;
  const first = unchecked(byOwner[list]);
  if (first !== null) first.calloutBefore = callout;
  callout.calloutBefore = null;
  callout.calloutNext = first;
  unchecked((byOwner[list] = callout));
}

/** Takes out a callout that has ended. */
export function removeCallout(callout: Callout): void {
  forgetToken(callout);
  const before = callout.calloutBefore;
  const next = callout.calloutNext;
  if (next !== null) next.calloutBefore = before;
  if (before !== null) before.calloutNext = next;
  else unchecked((byOwner[callout.calloutOwner % LISTS] = next));
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
  callout.calloutNextByToken = unchecked(byToken[token % LISTS]);
  unchecked((byToken[token % LISTS] = callout));
}

/** The proxy will not name the callout's token again. */
export function forgetToken(callout: Callout): void {
  const list = callout.calloutToken % LISTS;
  const next = callout.calloutNextByToken;
  if (callout.calloutToken == 0) return;
  callout.calloutToken = 0;
  callout.calloutNextByToken = null;
  let other = unchecked(byToken[list]);
  if (other == callout) {
    unchecked((byToken[list] = next));
    return;
  }
  while (other !== null && other.calloutNextByToken != callout) other = other.calloutNextByToken;
  if (other !== null) other.calloutNextByToken = next;
}

/** The callout with this token, or `null` when nobody waits for it any more. */
export function findCallout(token: u32): Callout | null {
  let callout = unchecked(byToken[token % LISTS]);
  while (callout !== null && callout.calloutToken != token) callout = callout.calloutNextByToken;
  return callout;
}

function forgetCallouts(owner: u32): void {
  let callout = unchecked(byOwner[owner % LISTS]);
  while (callout !== null) {
    const next = callout.calloutNext;
    if (callout.calloutOwner == owner) {
      callout.abandonCallout();
      callout.calloutOutcome = CalloutOutcome.Cancelled;
      callout.calloutJoin = null;
      removeCallout(callout);
    }
    callout = next;
  }
}
