import type { DownstreamConnection } from "./downstream-connection.ts";
import type { NetworkFilter } from "./network-filter.ts";

/** Stands in the chain for a plugin whose VM has failed and that fails closed: closes the connection. */
export class FailedNetworkFilter implements NetworkFilter {
  readonly #connection: DownstreamConnection;

  constructor(connection: DownstreamConnection) {
    this.#connection = connection;
    connection.add(this);
  }

  onNewConnection(): boolean {
    this.#connection.close();
    return false;
  }

  onData(): boolean {
    return false;
  }

  onWrite(): boolean {
    return false;
  }

  onClose(): void {}
}
