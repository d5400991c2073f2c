import { proxy_close_stream, proxy_continue_stream } from "../abi/imports";
import { BufferType, Status, StreamType } from "../abi/enums";
import { currentContext } from "../context/callback";
import { claimReset } from "../context/streams";
import { log } from "../log/log";
import { bodyReleased } from "./whole-body";

/** Whether the running callback let the stream go on. */
let hasContinued: bool = false;

/** @internal {@link hasContinued}, which begins anew. */
export function takeContinued(): bool {
  const taken = hasContinued;
  hasContinued = false;
  return taken;
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
  hasContinued = true;
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
  hasContinued = true;
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
