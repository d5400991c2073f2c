import { RequestHeaders, ResponseHeaders } from "../http/headers";
import { FilterHeaders } from "../http/filter-status";

/**
 * Follows one HTTP stream: a request and its response. Override what you need; a callback that no filter of a module
 * overrides is not even called by the proxy.
 *
 * Always write `override`: a misspelt callback would never run, so the build refuses a method that is nearly named like
 * one.
 */
export class HttpFilter {
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
   * Response headers are about to be sent to the client: the upstream's, or those of a local reply, this filter's own
   * included. Informational (1xx) responses pass unseen.
   *
   * @param endOfStream `true` when neither body nor trailers follow
   */
  onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
    return FilterHeaders.Continue;
  }

  /** The stream is complete; in Envoy this comes before {@link onDone}. */
  onLog(): void {}

  /** The stream has ended, completely or not. */
  onDone(): void {}

  /** The stream is gone; the object is dropped after this. */
  onDelete(): void {}
}
