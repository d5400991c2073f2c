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
