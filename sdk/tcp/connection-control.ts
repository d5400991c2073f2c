import { proxy_close_stream, proxy_continue_stream } from "../abi/imports";
import { Status, StreamType } from "../abi/enums";

/**
 * Lets the current TCP connection go on, after `onNewConnection` or `onDownstreamData` held it. The proxy does so when
 * the running callback has returned.
 *
 * Allowed in: callbacks of the connection other than the one that holds it, such as the answer to a callout.
 *
 * @returns `false` when the proxy refuses
 */
export function continueConnection(): bool {
  return proxy_continue_stream(StreamType.Downstream) == Status.Ok;
}

/**
 * Closes the current TCP connection, once what was written to the client has been sent. The proxy does so when the
 * running callback has returned; hold what it shows, or it still goes on.
 *
 * Allowed in: callbacks of the connection.
 *
 * @returns `false` when the proxy refuses
 */
export function closeConnection(): bool {
  return proxy_close_stream(StreamType.Downstream) == Status.Ok;
}
