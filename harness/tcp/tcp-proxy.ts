import type { ProxyServices } from "../emulator/services.ts";
import { ByteBuffer } from "../http/byte-buffer.ts";
import { ResponseFlag } from "../http/stream-info.ts";
import type { DownstreamConnection } from "./downstream-connection.ts";
import { CloseType, type NetworkFilter } from "./network-filter.ts";
import { takesTcp, type TcpUpstreamConnection } from "./tcp-upstream.ts";

/** The last filter of a TCP connection (Envoy's `tcp_proxy`): hands bytes to an upstream and back. */
export class TcpProxy implements NetworkFilter {
  readonly #connection: DownstreamConnection;
  readonly #cluster: string;
  readonly #services: ProxyServices;
  #upstream: TcpUpstreamConnection | null = null;
  /** What a filter stopped on its way to the client comes again with what the upstream sends next. */
  readonly #fromUpstream = new ByteBuffer();
  #requestEnded = false;

  constructor(connection: DownstreamConnection, cluster: string, services: ProxyServices) {
    this.#connection = connection;
    this.#cluster = cluster;
    this.#services = services;
    // Nothing is read before there is an upstream that takes it.
    connection.pauseReading();
    connection.clientBlocked = (isBlocked) => this.#upstream?.pause(isBlocked);
  }

  onNewConnection(): boolean {
    const connection = this.#connection;
    const { info } = connection;
    const cluster = this.#services.clusters.get(this.#cluster);
    if (cluster === undefined || !cluster.hasHosts || !takesTcp(cluster)) {
      info.responseFlags |= cluster === undefined ? ResponseFlag.NoClusterFound : ResponseFlag.NoHealthyUpstream;
      connection.close();
      return false;
    }
    info.cluster = this.#cluster;
    this.#upstream = cluster.connectTcp({
      connected: (upstream) => {
        info.upstream = upstream;
        info.attempts = 1;
        connection.resumeReading();
      },
      data: (bytes) => {
        this.#fromUpstream.add(bytes);
        connection.writeToClient(this.#fromUpstream, false);
      },
      blocked: (isBlocked) => (isBlocked ? connection.pauseReading() : connection.resumeReading()),
      ended: () => {
        connection.writeToClient(this.#fromUpstream, true);
        // Both directions have ended: the upstream's connection is gone, and so ends the client's.
        if (this.#requestEnded) connection.close();
      },
      closed: (isReset) => {
        this.#upstream = null;
        connection.close(isReset);
      },
    });
    return false;
  }

  onData(data: ByteBuffer, endStream: boolean): boolean {
    if (data.length > 0) this.#upstream?.write(data.takeBytes());
    if (endStream && !this.#requestEnded) {
      this.#requestEnded = true;
      this.#upstream?.end();
    }
    return false;
  }

  onWrite(): boolean {
    return true;
  }

  onClose(type: CloseType): void {
    const isReset = type === CloseType.Remote && this.#connection.wasReset && this.#services.rules.passesResetsOn;
    this.#upstream?.close(isReset);
    this.#upstream = null;
  }
}
