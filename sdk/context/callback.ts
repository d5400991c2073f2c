import { collectIfGrown } from "../memory/collector";
import { resetArena } from "../memory/arena";

/** Context the running callback is for. */
export let currentContext: u32 = 0;

/**
 * The name the author of the filter knows the running callback by, for the message of an abort. A literal at each call:
 * only those of the callbacks a module exports end up in it.
 */
export let currentCallback: string = "module start";

/** Counts callbacks: whatever was read from the proxy in another one is out of date. */
export let callbackNumber: u32 = 0;

let depth: i32 = 0;

/** To be called first in every callback. */
// @ts-ignore: decorator
@inline
export function enterCallback(context: u32, callback: string): void {
  currentContext = context;
  currentCallback = callback;
  callbackNumber += 1;
  depth += 1;
}

/** Names what the running callback has gone on to. */
// @ts-ignore: decorator
@inline
export function renameCallback(callback: string): void {
  currentCallback = callback;
}

/** To be called last in every callback: scratch memory is given back, garbage collected if there is enough of it. */
// @ts-ignore: decorator
@inline
export function leaveCallback(): void {
  depth -= 1;
  if (depth == 0) {
    resetArena();
    collectIfGrown();
  }
}
