import {
  ByteView,
  closeConnection,
  ConfigReader,
  Counter,
  FilterTcp,
  Glob,
  log,
  Plugin,
  registerPlugin,
  TcpData,
  TcpFilter,
} from "@attache/sdk";
import { ClientHelloReader, Sniffed } from "./client-hello";
export * from "@attache/sdk/proxy";

/** A TLS record with a ClientHello is at most this long; a client that sends more without one is sent away. */
const MOST_BYTES = 5 + 16384;

class TcpSniffing extends Plugin {
  serverNames: Glob[] = [];
  admitted: Counter = new Counter("tcp_sniffing_admitted");
  refused: Counter = new Counter("tcp_sniffing_refused");

  override configure(config: ConfigReader): void {
    const names = config.array("serverNames");
    if (names.length == 0) names.error("names no server: nobody could connect");
    for (let i = 0; i < names.length; i++) this.serverNames.push(new Glob(names.at(i).asString().toLowerCase()));
  }

  override createTcpFilter(): TcpFilter {
    return new SniffedConnection(this);
  }

  admits(serverName: ByteView): bool {
    const name = ByteView.ofText(serverName.toString().toLowerCase());
    for (let i = 0; i < this.serverNames.length; i++) {
      if (this.serverNames[i].matches(name.start, name.length)) return true;
    }
    return false;
  }
}

class SniffedConnection extends TcpFilter {
  private isAdmitted: bool = false;

  constructor(private plugin: TcpSniffing) {
    super();
  }

  override onDownstreamData(data: TcpData, endOfStream: bool): FilterTcp {
    if (this.isAdmitted) return FilterTcp.Continue;
    const hello = new ClientHelloReader(data.bytes(0, MOST_BYTES));
    const mayBecomeOne = hello.sniffed == Sniffed.Incomplete && !endOfStream && data.length < MOST_BYTES;
    if (mayBecomeOne) return FilterTcp.StopIteration;
    const serverName = hello.serverName;
    if (serverName !== null && this.plugin.admits(serverName)) {
      this.isAdmitted = true;
      this.plugin.admitted.increment();
      return FilterTcp.Continue;
    }
    this.plugin.refused.increment();
    log.info(serverName === null ? "refused: no TLS server name" : "refused: " + serverName.toString());
    closeConnection();
    return FilterTcp.StopIteration;
  }
}

registerPlugin(() => new TcpSniffing());
