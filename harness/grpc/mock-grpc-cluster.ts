import type { ProxyServices } from "../emulator/services.ts";
import { RecentList } from "../emulator/recent-list.ts";
import type { GrpcCluster, UpstreamRequest } from "../host.ts";
import { HeaderMap } from "../http/header-map.ts";
import type { UpstreamCluster, UpstreamListener, UpstreamStream } from "../http/upstream.ts";
import { MockCall } from "./mock-call.ts";

/** A gRPC upstream written in the test. What a client sends arrives in the proxy's next turn. */
export class MockGrpcUpstream implements UpstreamCluster {
  readonly name: string;
  readonly hasHosts = true;
  readonly hasIdleConnection = false;
  readonly services: ProxyServices;
  readonly port: number;
  /** Of all clusters that had this name. */
  readonly received: RecentList<UpstreamRequest>;
  readonly answer: GrpcCluster;

  constructor(
    name: string,
    answer: GrpcCluster,
    services: ProxyServices,
    port: number,
    received: RecentList<UpstreamRequest> | null = null,
  ) {
    this.name = name;
    this.answer = answer;
    this.services = services;
    this.port = port;
    this.received = received ?? new RecentList(services.retention);
  }

  get requests(): readonly UpstreamRequest[] {
    return this.received.items;
  }

  open(listener: UpstreamListener): UpstreamStream {
    return new MockGrpcStream(this, listener);
  }
}

class MockGrpcStream implements UpstreamStream {
  readonly #cluster: MockGrpcUpstream;
  readonly #listener: UpstreamListener;
  #call: MockCall | null = null;
  #isCancelled = false;

  constructor(cluster: MockGrpcUpstream, listener: UpstreamListener) {
    this.#cluster = cluster;
    this.#listener = listener;
  }

  headers(headers: HeaderMap, endStream: boolean): void {
    const { answer, services, name, port } = this.#cluster;
    const listener = this.#listener;
    const isOpen = () => !this.#isCancelled;
    const list = headers.list().filter(([header]) => !header.startsWith(":"));
    this.#call = new MockCall(answer, headers.get(":path") ?? "", headers.get(":authority") ?? "", list, {
      headers: (pairs, end) => isOpen() && listener.headers(HeaderMap.from("responseHeaders", pairs), end),
      data: (bytes) => isOpen() && listener.data(bytes, false),
      trailers: (pairs) => isOpen() && listener.trailers(HeaderMap.from("responseTrailers", pairs)),
      reset: () => isOpen() && listener.reset("remote reset"),
      wait: (milliseconds, then) => void services.clock.setTimer(milliseconds, () => isOpen() && then()),
    });
    this.#post(() =>
      listener.connected({ cluster: name, address: "127.0.0.1", port, localAddress: "127.0.0.1:40000" }),
    );
    if (endStream) this.#end();
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    if (bytes.length > 0) this.#post(() => this.#call!.data(bytes));
    if (endStream) this.#end();
  }

  trailers(): void {
    this.#end();
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#call?.cancel();
  }

  pauseResponse(): void {}

  #end(): void {
    this.#post(() => {
      this.#cluster.received.add(this.#call!.request);
      this.#call!.end();
    });
  }

  #post(step: () => void): void {
    this.#cluster.services.dispatcher.post(() => {
      if (!this.#isCancelled) step();
    });
  }
}
