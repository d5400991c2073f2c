import type { Dispatcher } from "../emulator/dispatcher.ts";
import { HarnessError } from "../errors.ts";
import type { BodyInit, TcpCluster, TcpHandlers, TcpPeer, UpstreamConnection } from "../host.ts";
import type { UpstreamStream } from "../http/upstream.ts";
import { bodyChunks } from "../message.ts";
import { Received } from "./received.ts";
import type { TcpUpstreamCluster, TcpUpstreamConnection, TcpUpstreamListener } from "./tcp-upstream.ts";

/** A TCP upstream written in the test. */
export class MockTcpUpstream implements TcpUpstreamCluster {
  readonly name: string;
  readonly hasHosts = true;
  readonly hasIdleConnection = false;
  readonly connections: UpstreamConnection[];
  readonly #cluster: TcpCluster;
  readonly #dispatcher: Dispatcher;
  readonly #port: number;

  /** @param connections those of the clusters that had this name before */
  constructor(
    name: string,
    cluster: TcpCluster,
    dispatcher: Dispatcher,
    port: number,
    connections: UpstreamConnection[] = [],
  ) {
    this.name = name;
    this.connections = connections;
    this.#cluster = cluster;
    this.#dispatcher = dispatcher;
    this.#port = port;
  }

  open(): UpstreamStream {
    throw new HarnessError(
      "OPTION_INVALID",
      `clusters.${this.name}: answers TCP, and a route leads HTTP requests to it`,
    );
  }

  connectTcp(listener: TcpUpstreamListener): TcpUpstreamConnection {
    const connection = new MockConnection(listener, this.#dispatcher);
    this.connections.push(connection);
    this.#dispatcher.post(() => {
      listener.connected({
        cluster: this.name,
        address: "127.0.0.1",
        port: this.#port,
        localAddress: "127.0.0.1:40000",
      });
      connection.serve(this.#cluster);
    });
    return connection;
  }
}

/** Both ends of a connection: what the proxy holds, and what the test's upstream does. */
class MockConnection implements TcpUpstreamConnection, TcpPeer, UpstreamConnection {
  readonly #listener: TcpUpstreamListener;
  readonly #dispatcher: Dispatcher;
  readonly #received = new Received();
  #handlers: TcpHandlers = {};
  #hasEnded = false;
  #isClosed = false;

  constructor(listener: TcpUpstreamListener, dispatcher: Dispatcher) {
    this.#listener = listener;
    this.#dispatcher = dispatcher;
  }

  get received(): Uint8Array {
    return this.#received.bytes;
  }

  get state(): "open" | "ended" | "reset" {
    return this.#received.state;
  }

  serve(cluster: TcpCluster): void {
    this.#handlers = cluster.tcp({
      write: (data) => this.#send(data),
      end: () => this.#sendEnd(),
      reset: () => this.reset(),
    });
  }

  write(data: BodyInit): void {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    this.#received.add(bytes);
    this.#dispatcher.post(() => this.#handlers.data?.(bytes));
  }

  end(): void {
    this.#received.end("ended");
    this.#dispatcher.post(() => (this.#handlers.end === undefined ? this.#sendEnd() : this.#handlers.end()));
  }

  pause(): void {}

  close(isReset: boolean): void {
    this.#isClosed = true;
    const wasOpen = this.#received.state === "open";
    this.#received.end(isReset ? "reset" : "ended");
    if (wasOpen && !isReset) this.#dispatcher.post(() => this.#handlers.end?.());
  }

  reset(): void {
    this.#later(() => {
      this.#isClosed = true;
      this.#listener.closed(true);
    });
  }

  #send(data: BodyInit): void {
    if (this.#hasEnded) return;
    for (const chunk of bodyChunks(data)) this.#later(() => this.#listener.data(chunk));
  }

  #sendEnd(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#later(() => this.#listener.ended());
  }

  #later(action: () => void): void {
    this.#dispatcher.post(() => {
      if (!this.#isClosed) action();
    });
    this.#dispatcher.run();
  }
}
