import type { UpstreamCluster } from "../http/upstream.ts";
import type { UpstreamInfo } from "../http/stream-info.ts";

/** What comes back on a connection to an upstream. */
export interface TcpUpstreamListener {
  connected(info: UpstreamInfo): void;
  data(bytes: Uint8Array): void;
  /** The upstream takes no more for now, or takes more again. */
  blocked(isBlocked: boolean): void;
  /** The upstream sends nothing more. */
  ended(): void;
  /** The connection is gone, or could not be made. */
  closed(isReset: boolean): void;
}

/** A connection to an upstream. */
export interface TcpUpstreamConnection {
  write(bytes: Uint8Array): void;
  /** The proxy sends nothing more. */
  end(): void;
  /** Holds back, or lets come, what the upstream sends. */
  pause(isPaused: boolean): void;
  /** Lets go of the connection; the listener hears nothing more. */
  close(isReset: boolean): void;
}

/** A cluster that TCP connections can be opened to. */
export interface TcpUpstreamCluster extends UpstreamCluster {
  connectTcp(listener: TcpUpstreamListener): TcpUpstreamConnection;
}

export function takesTcp(cluster: UpstreamCluster): cluster is TcpUpstreamCluster {
  return "connectTcp" in cluster;
}
