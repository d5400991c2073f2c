import type { UpstreamCluster, UpstreamStream } from "./upstream.ts";

/** A cluster without any host; nobody opens a request to it. */
export class EmptyUpstream implements UpstreamCluster {
  readonly name: string;
  readonly hasHosts = false;
  readonly hasIdleConnection = false;

  constructor(name: string) {
    this.name = name;
  }

  open(): UpstreamStream {
    throw new Error(`the cluster ${this.name} has no hosts`);
  }
}
