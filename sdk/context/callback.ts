import { Status } from "../abi/enums";
import { proxy_set_effective_context } from "../abi/imports";
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

/** To be called after a callback that came within another one: that one goes on. */
export function returnToCallback(context: u32, callback: string): void {
  currentContext = context;
  currentCallback = callback;
}

/**
 * Lets the rest of the callback act on another context, as if the callback were for it. The proxy goes back by itself
 * when the callback returns.
 *
 * @returns `false`, with nothing changed, when the proxy knows no such context any more
 */
export function actFor(context: u32): bool {
  if (proxy_set_effective_context(context) != Status.Ok) return false;
  currentContext = context;
  // Header views hold what they read of the other context.
  callbackNumber += 1;
  return true;
}

/**
 * Index of the function that is told of each stream and plugin that is gone; 0: none. An index, since a variable of a
 * function type would cost every module the type.
 */
export let contextEnded: u32 = 0;

/** Sets the function that lets go of what is kept for a context: its `index`. */
export function onContextEnd(listener: u32): void {
  contextEnded = listener;
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
