import { Body } from "../http/body";
import { FilterData, FilterHeaders, FilterTrailers } from "../http/filter-status";
import { RequestHeaders, ResponseHeaders } from "../http/headers";
import { RequestTrailers, ResponseTrailers } from "../http/trailers";
import { StreamFilter } from "./stream-filter";

/**
 * Follows one HTTP stream: a request and its response. Override what you need; a callback that no filter of a module
 * overrides is not even called by the proxy.
 *
 * Always write `override`: a misspelt callback would never run, so the build refuses a method that is nearly named like
 * one.
 */
export class HttpFilter extends StreamFilter {
  /**
   * Request headers have arrived.
   *
   * @param headers readable and writable until this stream goes on, that is until `FilterHeaders.Continue` is returned
   * @param endOfStream `true` when neither body nor trailers follow
   */
  onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    return FilterHeaders.Continue;
  }

  /**
   * A piece of the request body has come, or everything held so far ({@link FilterData}). How a body is cut into pieces is up
   * to the network. Often the last piece is empty: Envoy ends HTTP/1.1 bodies so.
   *
   * @param body readable, and writable after `headers.allowBodyChange()`
   * @param endOfStream `true` for the last piece, unless trailers follow: then it is never `true`
   */
  onRequestBody(body: Body, endOfStream: bool): FilterData {
    return FilterData.Continue;
  }

  /**
   * The whole request body has come, after `headers.collectBody` asked for it. Called once: in the last body callback of the
   * proxy, in its trailers callback when trailers follow, or within `collectBody` when there is no body. Not called for
   * a body over the limit, unless that is `OverLimit.Truncate`.
   *
   * Every status but `FilterData.Continue` holds the request until `continueRequest`.
   */
  onWholeRequestBody(body: Body): FilterData {
    return FilterData.Continue;
  }

  /** Request trailers have come; they end the request. Most messages have none, then this is not called. */
  onRequestTrailers(trailers: RequestTrailers): FilterTrailers {
    return FilterTrailers.Continue;
  }

  /**
   * Response headers are about to be sent to the client: the upstream's, or those of a local reply, this filter's own
   * included. Informational (1xx) responses pass unseen.
   *
   * @param endOfStream `true` when neither body nor trailers follow
   */
  onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
    return FilterHeaders.Continue;
  }

  /**
   * A piece of the response body has come, or everything held so far ({@link FilterData}). How a body is cut into pieces is up
   * to the network. Often the last piece is empty: Envoy ends HTTP/1.1 bodies so.
   *
   * @param body readable, and writable after `headers.allowBodyChange()`
   * @param endOfStream `true` for the last piece, unless trailers follow: then it is never `true`
   */
  onResponseBody(body: Body, endOfStream: bool): FilterData {
    return FilterData.Continue;
  }

  /**
   * The whole response body has come, after `headers.collectBody` asked for it. Called once: in the last body callback of the
   * proxy, in its trailers callback when trailers follow, or within `collectBody` when there is no body. Not called for
   * a body over the limit, unless that is `OverLimit.Truncate`.
   *
   * Every status but `FilterData.Continue` holds the response until `continueResponse`.
   */
  onWholeResponseBody(body: Body): FilterData {
    return FilterData.Continue;
  }

  /** Response trailers have come; they end the response. Most messages have none, then this is not called. */
  onResponseTrailers(trailers: ResponseTrailers): FilterTrailers {
    return FilterTrailers.Continue;
  }
}
