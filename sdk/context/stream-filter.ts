/** What filters of HTTP streams ({@link HttpFilter}) and of TCP connections ({@link TcpFilter}) have in common. */
export abstract class StreamFilter {
  /** The stream is complete, and its attributes are final. Envoy calls it before {@link onDone} for HTTP, after it for TCP. */
  onLog(): void {}

  /** The stream has ended, completely or not. */
  onDone(): void {}

  /** The stream is gone; the object is dropped after this. */
  onDelete(): void {}
}
