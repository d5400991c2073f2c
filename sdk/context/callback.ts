import { collectIfGrown } from "../memory/collector";
import { resetArena } from "../memory/arena";
import { writeBytes } from "../memory/byte-writer";
import { encodeText, textSize } from "../memory/utf8";

/** What the proxy is telling the filter; named in the message of an abort, in this order. */
export const enum Callback {
  None,
  ContextCreate,
  Configure,
  RequestHeaders,
  ResponseHeaders,
  Log,
  Done,
  Delete,
}

/** Context the running callback is for; 0 outside of callbacks. */
export let currentContext: u32 = 0;

/** The running callback. */
export let currentCallback: Callback = Callback.None;

/** Counts callbacks: whatever was read from the proxy in another one is out of date. */
export let callbackNumber: u32 = 0;

let depth: i32 = 0;

/** To be called first in every callback. */
// @ts-ignore: decorator
@inline
export function enterCallback(context: u32, callback: Callback): void {
  currentContext = context;
  currentCallback = callback;
  callbackNumber += 1;
  depth += 1;
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

const NAMES = "module start,createFilter,configure,onRequestHeaders,onResponseHeaders,onLog,onDone,onDelete";

/** Writes the name the author of the filter knows the running callback by. */
export function writeCallbackName(): void {
  const names = encodeText(NAMES);
  const end = names + textSize(names);
  let start = names;
  for (let skipped = 0; skipped < <i32>currentCallback; skipped++) start = nextComma(start, end) + 1;
  writeBytes(start, nextComma(start, end) - start);
}

function nextComma(start: usize, end: usize): usize {
  while (start < end && load<u8>(start) != 0x2c) start += 1;
  return start;
}
