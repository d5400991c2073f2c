import { CloseType, FilterTcp } from "../tcp/tcp-status";
import { TcpData } from "../tcp/tcp-data";
import { StreamFilter } from "./stream-filter";

/**
 * Follows one TCP connection of a client and the connection to the upstream behind it. Override what you need; a callback
 * that no filter of a module overrides is not even called by the proxy.
 *
 * How bytes are cut into pieces is up to the network: look for what you need in everything that has come
 * ({@link onDownstreamData}), and never count on one piece being one message.
 */
export class TcpFilter extends StreamFilter {
  /**
   * A client has connected. `FilterTcp.StopIteration` holds the connection until {@link continueConnection}: no upstream
   * is connected before, and Envoy's `tcp_proxy` reads nothing before there is one. So to look at the first bytes, go on
   * here and hold them in {@link onDownstreamData}.
   */
  onNewConnection(): FilterTcp {
    return FilterTcp.Continue;
  }

  /**
   * The client has sent something.
   *
   * @param data everything the client has sent since bytes were let pass last; writable
   * @param endOfStream `true` when the client sends nothing more
   */
  onDownstreamData(data: TcpData, endOfStream: bool): FilterTcp {
    return FilterTcp.Continue;
  }

  /**
   * The upstream has sent something.
   *
   * @param data what is about to be sent to the client; writable. Bytes that `FilterTcp.StopIteration` held come again,
   * with those that follow; nothing else lets them go on.
   * @param endOfStream `true` when the upstream sends nothing more
   */
  onUpstreamData(data: TcpData, endOfStream: bool): FilterTcp {
    return FilterTcp.Continue;
  }

  /** The upstream sends nothing more: follows {@link onUpstreamData} with `endOfStream`. */
  onUpstreamClose(): void {}

  /** The client's connection is closed. */
  onDownstreamClose(closedBy: CloseType): void {}
}
