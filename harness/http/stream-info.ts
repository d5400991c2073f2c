import type { RouteEntry } from "./route-table.ts";

/** Letters of `%RESPONSE_FLAGS%` and the bits `response.flags` answers. */
export const ResponseFlag = {
  FailedLocalHealthCheck: 0x1,
  NoHealthyUpstream: 0x2,
  UpstreamRequestTimeout: 0x4,
  LocalReset: 0x8,
  UpstreamRemoteReset: 0x10,
  UpstreamConnectionFailure: 0x20,
  UpstreamConnectionTermination: 0x40,
  UpstreamOverflow: 0x80,
  NoRouteFound: 0x100,
  DownstreamConnectionTermination: 0x4000,
  UpstreamRetryLimitExceeded: 0x8000,
  DownstreamProtocolError: 0x40000,
  UpstreamProtocolError: 0x800000,
  NoClusterFound: 0x1000000,
} as const;

/** A client's connection, as far as a filter can see it. */
export interface ConnectionInfo {
  /** Numbers connections of the proxy from 0. */
  id: number;
  remoteAddress: string;
  remotePort: number;
  localAddress: string;
  localPort: number;
  /** Absent: the connection is plain text. */
  tls?: TlsInfo;
}

/** What the TLS of a client's connection tells. */
export interface TlsInfo {
  /** The server name (SNI) that the client asked for. */
  requestedServerName?: string;
  /** Of the client's certificate; absent: it showed none. */
  peerCertificate?: PeerCertificate;
}

/** A client's certificate; of several names the first. */
export interface PeerCertificate {
  /** In a mesh the SPIFFE id. */
  uriSan?: string;
  dnsSan?: string;
  subject?: string;
}

/** What filters before the first one wrote for others: texts by filter and key. */
export type DynamicMetadata = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface UpstreamInfo {
  cluster: string;
  address: string;
  port: number;
  localAddress: string;
}

/** State a filter keeps on a stream for itself and others, by name. */
export interface FilterStateEntry {
  value: string;
  isReadOnly: boolean;
  /** Text for expressions, too, which take others for bytes. */
  isText: boolean;
}

/** What the proxy knows about a stream; properties and the access log read it. */
export class StreamInfo {
  readonly connection: ConnectionInfo;
  /** `null` of a TCP connection. */
  readonly protocol: string | null;
  /** The client's address, or what `x-forwarded-for` says instead; its port is then 0. */
  sourceAddress: string;
  sourcePort: number;
  /** Milliseconds since the epoch. */
  readonly startTime: number;
  endTime: number | null = null;
  route: RouteEntry | null = null;
  /** The cluster the router chose. */
  cluster: string | null = null;
  upstream: UpstreamInfo | null = null;
  /** How often the request was sent. */
  attempts = 0;
  responseCode: number | null = null;
  responseCodeDetails: string | null = null;
  responseFlags = 0;
  bytesReceived = 0;
  bytesSent = 0;
  /** When the request left for the upstream and when its answer was complete. */
  upstreamStart: number | null = null;
  upstreamEnd: number | null = null;
  filterState: Map<string, FilterStateEntry> | null = null;
  readonly dynamicMetadata: DynamicMetadata;

  constructor(
    connection: ConnectionInfo,
    protocol: string | null,
    startTime: number,
    dynamicMetadata: DynamicMetadata = {},
  ) {
    this.connection = connection;
    this.dynamicMetadata = dynamicMetadata;
    this.sourceAddress = connection.remoteAddress;
    this.sourcePort = connection.remotePort;
    this.protocol = protocol;
    this.startTime = startTime;
  }
}
