import { HarnessError } from "../errors.ts";
import { MockGrpcUpstream } from "../grpc/mock-grpc-cluster.ts";
import type { Cluster, HostOptions, RealCluster } from "../host.ts";
import { EmptyUpstream } from "../http/empty-cluster.ts";
import { MockUpstream } from "../http/mock-cluster.ts";
import type { UpstreamCluster } from "../http/upstream.ts";
import { RealUpstream } from "../serve/real-cluster.ts";
import { MockTcpUpstream } from "../tcp/mock-tcp-cluster.ts";
import { takesTcp } from "../tcp/tcp-upstream.ts";
import type { ProxyServices } from "./services.ts";

/** The clusters of a configuration; those that had the same name before hand over what they have received. */
export function createClusters(options: HostOptions, services: ProxyServices): Map<string, UpstreamCluster> {
  const clusters = new Map<string, UpstreamCluster>();
  let port = 20_000;
  for (const [name, cluster] of Object.entries(options.clusters ?? {})) {
    clusters.set(name, createCluster(name, cluster, services, port++));
  }
  checkTcp(options, clusters);
  return clusters;
}

export function isHttpMock(cluster: UpstreamCluster | undefined): cluster is MockUpstream | MockGrpcUpstream {
  return cluster instanceof MockUpstream || cluster instanceof MockGrpcUpstream;
}

function createCluster(name: string, cluster: Cluster, services: ProxyServices, port: number): UpstreamCluster {
  const before = services.clusters.get(name);
  const received = isHttpMock(before) ? before.received : null;
  if (typeof cluster === "function") return new MockUpstream(name, cluster, services, port, received);
  if ("grpc" in cluster) return new MockGrpcUpstream(name, cluster, services, port, received);
  if ("tcp" in cluster) {
    const connections = before instanceof MockTcpUpstream ? before.connections : [];
    return new MockTcpUpstream(name, cluster, services.dispatcher, port, connections);
  }
  if ("hosts" in cluster) return new EmptyUpstream(name);
  return new RealUpstream(name, checkAddress(name, cluster), services.dispatcher);
}

function checkAddress(name: string, cluster: RealCluster): RealCluster {
  if (cluster.http2 === true) {
    throw new HarnessError(
      "OPTION_INVALID",
      `clusters.${name}.http2: the emulator reaches real upstreams over HTTP/1.1`,
    );
  }
  const { host, port } = cluster;
  if (typeof host === "string" && host !== "" && Number.isInteger(port) && port > 0 && port < 65536) return cluster;
  throw new HarnessError("OPTION_INVALID", `clusters.${name}: needs a host and a port from 1 to 65535`);
}

function checkTcp({ tcp }: HostOptions, clusters: ReadonlyMap<string, UpstreamCluster>): void {
  const cluster = tcp === undefined ? undefined : clusters.get(tcp.cluster);
  if (cluster === undefined || takesTcp(cluster) || !cluster.hasHosts) return;
  throw new HarnessError(
    "OPTION_INVALID",
    `tcp.cluster: ${tcp!.cluster} answers HTTP: write it as { tcp: (peer) => … }`,
  );
}
