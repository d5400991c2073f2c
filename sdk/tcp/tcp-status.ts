/** What the proxy shall do after a callback of a {@link TcpFilter}. */
export enum FilterTcp {
  /** Pass the connection, or everything the callback was shown, to the next filter. */
  Continue = 0,
  /** Hold it. The next callback shows it again, with what has come meanwhile. */
  StopIteration = 1,
}

/** Who closed a connection. */
export enum CloseType {
  /** The proxy does not say. */
  Unknown = 0,
  /** The proxy: a filter, the upstream's end, a timeout. */
  Local = 1,
  /** The client. */
  Remote = 2,
}
