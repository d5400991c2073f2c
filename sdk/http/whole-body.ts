import { proxy_send_local_response } from "../abi/imports";
import { BufferType } from "../abi/enums";
import { currentContext, renameCallback } from "../context/callback";
import { HttpFilter } from "../context/http-filter";
import { claimLocalReply, findStream } from "../context/streams";
import { decimal } from "../json/text";
import { ByteView } from "../memory/byte-view";
import { encodeText, textSize } from "../memory/utf8";
import { Body, requestBody, responseBody } from "./body";
import { bodyLimit, BodyState, bodyState, setBodyLimit, setBodyState } from "./body-state";
import { FilterData, FilterHeaders } from "./filter-status";
import { HeaderMap } from "./header-map";
import { requestHeaders, responseHeaders } from "./headers";

/** What happens to a body that is longer than the limit of `collectBody`. */
export enum OverLimit {
  /**
   * A request is answered 413. A response becomes 502 (the fault is the upstream's; Envoy's own limit answers 500) when
   * its `content-length` tells the size or the headers are held; else its headers have gone out already, and the stream
   * is reset. The filter's whole-body callback is not called.
   */
  Reject,
  /** It passes untouched, and the filter's whole-body callback is not called. */
  PassThrough,
  /**
   * The filter gets the first bytes, as many as the limit allows, with `isTruncated` set; it cannot change them. The
   * rest passes after them unseen. For filters that look at the beginning only, or that decide by themselves.
   */
  Truncate,
}

/** What a filter does with the body that it collects. */
export enum BodyAccess {
  /** Reads it only: changing it is refused. Headers go ahead as they are. */
  Read,
  /**
   * May change it. Headers go ahead without `content-length`, so HTTP/1.1 sends the body in chunks.
   */
  Change,
  /**
   * May change it, and headers wait for the body: they can still be changed (keep the headers object), a local reply can
   * still take the place of a response, and `content-length` is corrected rather than removed.
   *
   * The plugin must be configured with `allow_on_headers_stop_iteration: true` (Envoy 1.36): without it the proxy holds
   * the body together with the headers, and the stream waits until it times out.
   */
  HoldHeaders,
}

/** What `collectBody` of request and response headers does. */
export function collectBody(
  type: BufferType,
  headers: HeaderMap,
  endOfStream: bool,
  limit: i32,
  overLimit: OverLimit,
  access: BodyAccess,
): FilterHeaders {
  let state: u32 = access == BodyAccess.Read ? 0 : BodyState.Changeable;
  if (endOfStream) {
    setBodyState(type, state);
    bodyOf(type).arrived(0);
    return complete(type, false) == FilterData.Continue ? FilterHeaders.Continue : FilterHeaders.StopIteration;
  }
  const contentLength = headers.getBytes("content-length");
  if (contentLength !== null && overLimit != OverLimit.Truncate && numberIn(contentLength) > <u64>max(limit, 0)) {
    return overLimit == OverLimit.Reject && reject(type) ? FilterHeaders.StopIteration : FilterHeaders.Continue;
  }
  if (access == BodyAccess.Change && contentLength !== null) headers.delete("content-length");
  if (access == BodyAccess.HoldHeaders) state |= BodyState.HoldsHeaders;
  if (overLimit == OverLimit.Reject) state |= BodyState.Rejects;
  if (overLimit == OverLimit.Truncate) state |= BodyState.Truncates;
  setBodyState(type, state | BodyState.Collecting);
  setBodyLimit(type, max(limit, 0));
  return access == BodyAccess.HoldHeaders ? FilterHeaders.StopIteration : FilterHeaders.Continue;
}

/** A piece of a body has come; what the proxy shall do with it. */
export function bodyArrived(type: BufferType, filter: HttpFilter, size: u32, endOfStream: bool): FilterData {
  const body = bodyOf(type);
  body.arrived(size);
  const state = bodyState(type);
  if ((state & BodyState.Collecting) != 0) {
    if (size > bodyLimit(type)) return outgrown(type, state);
    return endOfStream ? complete(type, false) : FilterData.StopIterationAndBuffer;
  }
  if ((state & BodyState.Waits) != 0) return FilterData.StopIterationAndWatermark;
  if ((state & BodyState.Passes) != 0) return FilterData.Continue;
  return type == BufferType.HttpRequestBody
    ? filter.onRequestBody(body, endOfStream)
    : filter.onResponseBody(body, endOfStream);
}

/** Trailers have come and end a body that was being collected. Whether everything goes on. */
export function trailersArrived(type: BufferType): bool {
  const state = bodyState(type);
  if ((state & BodyState.Collecting) != 0) return complete(type, false) == FilterData.Continue;
  return (state & BodyState.Waits) == 0;
}

/** The filter lets a body go on that it held. */
export function bodyReleased(type: BufferType): void {
  const state = bodyState(type);
  setBodyState(type, state & ~(<u32>BodyState.Waits));
  if ((state & BodyState.HoldsHeaders) == 0 || (state & BodyState.Changed) == 0) return;
  const headers: HeaderMap = type == BufferType.HttpRequestBody ? requestHeaders : responseHeaders;
  if (headers.has("content-length")) headers.set("content-length", decimal(bodyOf(type).length));
}

function outgrown(type: BufferType, state: u32): FilterData {
  setBodyState(type, (state & ~(<u32>BodyState.Collecting)) | BodyState.Passes);
  if ((state & BodyState.Truncates) != 0) {
    bodyOf(type).truncate(bodyLimit(type));
    return complete(type, true);
  }
  return (state & BodyState.Rejects) != 0 && reject(type) ? FilterData.StopIterationNoBuffer : FilterData.Continue;
}

/** Hands the body to the filter. */
function complete(type: BufferType, isTruncated: bool): FilterData {
  const filter = findStream<HttpFilter>(currentContext);
  if (filter === null) return FilterData.Continue;
  // Before the filter is called, which may let the body go on at once by `continueRequest`.
  setBodyState(type, (bodyState(type) & ~(<u32>BodyState.Collecting)) | BodyState.Waits);
  let status: FilterData;
  if (type == BufferType.HttpRequestBody) {
    renameCallback("onWholeRequestBody");
    status = filter.onWholeRequestBody(requestBody);
  } else {
    renameCallback("onWholeResponseBody");
    status = filter.onWholeResponseBody(responseBody);
  }
  if (status == FilterData.Continue) {
    bodyReleased(type);
    return status;
  }
  return isTruncated ? FilterData.StopIterationAndWatermark : FilterData.StopIterationAndBuffer;
}

/** Answers that a body is too large. Not done when the stream was answered before. */
function reject(type: BufferType): bool {
  if (!claimLocalReply(currentContext)) return false;
  const isRequest = type == BufferType.HttpRequestBody;
  const reason = encodeText(isRequest ? "request body too large" : "response body too large");
  proxy_send_local_response(isRequest ? 413 : 502, reason, textSize(reason), reason, textSize(reason), 0, 0, -1);
  return true;
}

/** The decimal number in `digits`; some number above every limit when it is very large. */
function numberIn(digits: ByteView): u64 {
  let number: u64 = 0;
  for (let index = 0; index < digits.length && number <= u32.MAX_VALUE; index++) {
    number = number * 10 + (digits.at(index) - 0x30);
  }
  return number;
}

function bodyOf(type: BufferType): Body {
  return type == BufferType.HttpRequestBody ? requestBody : responseBody;
}
