import { proxy_close_stream, proxy_continue_stream } from "../abi/imports";
import { BufferType, Status, StreamType } from "../abi/enums";
import { currentContext } from "../context/callback";
import { claimReset } from "../context/streams";
import { log } from "../log/log";
import { bodyReleased } from "./whole-body";

/** Whose trailers the running callback decides about, as {@link markOf} tells; 0 once it has let them go. */
let undecided: u32 = 0;

function markOf(body: BufferType): u32 {
  return ((currentContext << 1) | body) + 1;
}

/** @internal A callback is given the trailers behind a body of the current stream. */
export function decideTrailers(body: BufferType): void {
  undecided = markOf(body);
}

/** @internal Whether the callback has let them go itself: its status must not do so again. */
export function haveTrailersGone(): bool {
  return undecided == 0;
}

function trailersGo(body: BufferType): void {
  if (undecided == markOf(body)) undecided = 0;
}

/**
 * Lets the request of the current stream go on, after a callback held it: headers, then what was held of body and
 * trailers. The proxy does so when the running callback has returned.
 *
 * Change headers, body and trailers of the request before: from here on they cannot be read or written.
 *
 * Allowed in: callbacks of the stream other than the one that holds it, such as the answer to a callout. No effect when
 * nothing is held or the response has begun.
 *
 * @returns `false` when the proxy refuses
 */
export function continueRequest(): bool {
  trailersGo(BufferType.HttpRequestBody);
  bodyReleased(BufferType.HttpRequestBody);
  return proxy_continue_stream(StreamType.HttpRequest) == Status.Ok;
}

/**
 * Lets the response of the current stream go on, after a callback held it. The proxy does so when the running callback
 * has returned.
 *
 * Allowed in: callbacks of the stream other than the one that holds it. No effect when nothing is held.
 *
 * @returns `false` when the proxy refuses
 */
export function continueResponse(): bool {
  trailersGo(BufferType.HttpResponseBody);
  bodyReleased(BufferType.HttpResponseBody);
  return proxy_continue_stream(StreamType.HttpResponse) == Status.Ok;
}

/**
 * Ends the current stream without an answer: the client sees its connection (HTTP/1.1) or stream (HTTP/2) reset, the
 * upstream request is dropped. `%RESPONSE_CODE_DETAILS%` says `wasm_close_stream`. Prefer a local reply while response
 * headers have not gone out.
 *
 * Allowed in: callbacks of a stream. What the running callback returns still counts until it has returned: hold, do not
 * continue. A filter ends a stream once: after a local reply this is left out, with an error in the log.
 *
 * @returns `false` when it was left out, or the proxy refuses
 */
export function resetStream(): bool {
  if (!claimReset(currentContext)) {
    log.error("a reset of a stream that has been answered or reset: left out");
    return false;
  }
  return proxy_close_stream(StreamType.HttpRequest) == Status.Ok;
}
