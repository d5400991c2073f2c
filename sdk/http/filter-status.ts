/** What the proxy shall do after a headers callback. */
export enum FilterHeaders {
  /** Pass the headers to the next filter. */
  Continue = 0,
  /**
   * Hold the headers. Envoy holds body and trailers as well, and stops reading when its buffer is full, unless the
   * plugin is configured with `allow_on_headers_stop_iteration`: then body callbacks go on.
   */
  StopIteration = 1,
  /** Hold everything; answer 413 (request) or 500 (response) when the body outgrows the proxy's buffer. */
  StopAllIterationAndBuffer = 3,
  /** Hold everything; stop reading when the proxy's buffer is full. */
  StopAllIterationAndWatermark = 4,
}

/** What the proxy shall do after a body callback. */
export enum FilterData {
  /**
   * Pass this piece on, with everything held before it: earlier pieces, and headers that were held. The next callback
   * sees only its own piece.
   */
  Continue = 0,
  /**
   * Hold this piece. The next callback sees everything held so far and its own piece after it, in one `Body`.
   *
   * When that outgrows the proxy's buffer (Envoy: `per_connection_buffer_limit_bytes`, 1 MiB by default), a request is
   * answered 413; a response is answered 500, or reset when its headers have gone to the client.
   */
  StopIterationAndBuffer = 1,
  /**
   * Hold this piece, and stop reading when the proxy's buffer is full. The next callback sees only its own piece; those
   * held before can neither be read nor changed any more, and go on in order with the next `Continue`.
   */
  StopIterationAndWatermark = 2,
  /** Drop this piece. What was held before stays held; the next callback sees only its own piece. */
  StopIterationNoBuffer = 3,
}

/** What the proxy shall do after a trailers callback. */
export enum FilterTrailers {
  /** Pass the trailers on, with everything held before them. */
  Continue = 0,
  /** Hold the trailers, and headers and body that were held, until `continueRequest` or `continueResponse`. */
  StopIteration = 1,
}
