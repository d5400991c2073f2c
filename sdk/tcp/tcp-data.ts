import { BufferType } from "../abi/enums";
import { ProxyBuffer } from "../context/proxy-buffer";

/**
 * What one side of a TCP connection has sent and the proxy has not passed on. Reading and writing are allowed in the
 * callback it is given to; what the client sent also later, while it is held. Elsewhere it is empty.
 */
export class TcpData extends ProxyBuffer {
  constructor(type: BufferType) {
    super(type);
  }

  /** Takes the first `count` bytes away, or as many as there are. */
  drop(count: u32): bool {
    return count == 0 || this.write(0, count, 0, 0);
  }

  protected claimChange(): bool {
    return true;
  }
}

/** What the client sent, and what the upstream sent, in the connection that the running callback is for. */
// @ts-ignore: decorator
@lazy
export const downstreamData = new TcpData(BufferType.DownstreamData);
// @ts-ignore: decorator
@lazy
export const upstreamData = new TcpData(BufferType.UpstreamData);
