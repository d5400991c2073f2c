import { ByteView, Text } from "@attache/sdk";
import { Attribute, Attributes } from "./expression/attribute";
import { CommonAttributes } from "./expression/common-attributes";
import { TextBuffer } from "./expression/text-buffer";
import { Reporter, Side } from "./reporter";
import { writeResponseFlags } from "./response-flags";
import { Service } from "./service";
import { StandardLabel } from "./standard-labels";
import { Workload, WorkloadField } from "./workload";

export const enum Protocol {
  Unknown,
  Http,
  Grpc,
}

/**
 * Values of Istio's standard labels for the stream that has ended, as its `istio_stats` filter finds them. Only what some
 * metric uses is asked for.
 */
export class StandardValues {
  /** One bit per {@link StandardLabel} that some metric uses. */
  used: u32 = 0;
  private readonly starts: StaticArray<usize> = new StaticArray<usize>(StandardLabel.Count);
  private readonly lengths: StaticArray<i32> = new StaticArray<i32>(StandardLabel.Count);

  private readonly own: Workload;
  private readonly peer: Workload = new Workload();
  private readonly endpoint: Workload = new Workload();
  private readonly isIstio: bool;
  private readonly service: Service;

  private readonly downstreamPeer: Attribute;
  private readonly upstreamPeer: Attribute;
  private readonly upstreamEndpoint: Attribute;
  private readonly peerPrincipal: Attribute;
  private readonly localPrincipal: Attribute;
  private readonly tls: Attribute;
  private readonly peerSan: Attribute;
  private readonly localSan: Attribute;
  private readonly upstreamTls: Attribute;
  private readonly upstreamPeerSan: Attribute;
  private readonly upstreamLocalSan: Attribute;
  private readonly contentType: Attribute;
  private readonly code: Attribute;
  private readonly flags: Attribute;
  private readonly grpcStatus: Attribute;

  private readonly unknown: Text = new Text("unknown");
  private readonly latest: Text = new Text("latest");
  private readonly source: Text = new Text("source");
  private readonly destination: Text = new Text("destination");
  private readonly waypoint: Text = new Text("waypoint");
  private readonly http: Text = new Text("http");
  private readonly grpc: Text = new Text("grpc");
  private readonly none: Text = new Text("none");
  private readonly mutualTls: Text = new Text("mutual_tls");
  private readonly codeText: TextBuffer = new TextBuffer();
  private readonly grpcText: TextBuffer = new TextBuffer();
  private readonly flagsText: TextBuffer = new TextBuffer();

  constructor(
    attributes: Attributes,
    private readonly reporter: Reporter,
    usesHost: bool,
  ) {
    const own = Workload.own();
    this.own = own;
    this.isIstio = own.isKnown;
    this.service = new Service(attributes, usesHost, own.isKnown);
    this.downstreamPeer = attributes.text("filter_state\0downstream_peer");
    this.upstreamPeer = attributes.text("filter_state\0upstream_peer");
    this.upstreamEndpoint = attributes.text("xds\0upstream_host_metadata\0filter_metadata\0istio\0workload");
    this.peerPrincipal = attributes.text("filter_state\0io.istio.peer_principal");
    this.localPrincipal = attributes.text("filter_state\0io.istio.local_principal");
    this.tls = attributes.text("connection\0tls_version");
    this.peerSan = attributes.text("connection\0uri_san_peer_certificate");
    this.localSan = attributes.text("connection\0uri_san_local_certificate");
    this.upstreamTls = attributes.text("upstream\0tls_version");
    this.upstreamPeerSan = attributes.text("upstream\0uri_san_peer_certificate");
    this.upstreamLocalSan = attributes.text("upstream\0uri_san_local_certificate");
    this.contentType = attributes.text("request\0headers\0content-type");
    this.code = attributes.integer("response\0code");
    this.flags = attributes.integer("response\0flags");
    this.grpcStatus = attributes.integer("response\0grpc_status");
  }

  /**
   * Tells what is asked of every stream.
   *
   * @param readsProtocol whether the protocol is read when the stream has ended
   */
  addCommon(common: CommonAttributes, readsProtocol: bool): void {
    if (this.uses(StandardLabel.RequestProtocol, StandardLabel.ResponseFlags)) {
      common.add(this.code);
      common.add(this.flags);
      if (readsProtocol) common.add(this.contentType);
    }
    if (this.usesOtherThanResponse) this.reporter.addCommon(common);
    if (this.usesService) this.service.addCommon(common);
  }

  startOf(label: StandardLabel): usize {
    return unchecked(this.starts[label]);
  }

  lengthOf(label: StandardLabel): i32 {
    return unchecked(this.lengths[label]);
  }

  /** The protocol of the stream of this callback, by the type of its request. */
  readProtocol(): Protocol {
    const type = this.contentType.view;
    return type !== null && isGrpcType(type) ? Protocol.Grpc : Protocol.Http;
  }

  /**
   * Finds the values for the stream of this callback.
   *
   * @param protocol its own, where it was read before
   */
  evaluate(protocol: Protocol): void {
    if (this.used == 0) return;
    if (this.uses(StandardLabel.RequestProtocol, StandardLabel.ResponseFlags)) {
      this.fillResponse((protocol != Protocol.Unknown ? protocol : this.readProtocol()) == Protocol.Grpc);
    }
    if (!this.usesOtherThanResponse) return;
    const side = this.reporter.side;
    const reporter = side == Side.Source ? this.source : side == Side.Destination ? this.destination : this.waypoint;
    this.set(StandardLabel.Reporter, reporter);
    this.fillWorkloads(side);
    if (this.usesService) this.fillService(side);
  }

  private fillResponse(isGrpc: bool): void {
    this.set(StandardLabel.RequestProtocol, isGrpc ? this.grpc : this.http);
    this.write(StandardLabel.ResponseCode, this.codeText.begin().writeInteger(this.code.numberOr(0)));
    const grpcText = this.grpcText.begin();
    if (isGrpc && this.grpcStatus.evaluate()) grpcText.writeInteger(this.grpcStatus.number);
    this.write(StandardLabel.GrpcResponseStatus, grpcText);
    this.write(StandardLabel.ResponseFlags, writeResponseFlags(this.flagsText.begin(), this.flags.numberOr(0)));
  }

  private fillWorkloads(side: Side): void {
    const peer = this.peer;
    const isSource = side == Side.Source;
    if (this.isIstio) {
      peer.readObject((isSource ? this.upstreamPeer : this.downstreamPeer).view);
      if (isSource && !peer.isKnown) peer.readEndpoint(this.upstreamEndpoint.view);
    }
    let principal: ByteView | null = null;
    let ownPrincipal: ByteView | null = null;
    if (isSource) {
      if (this.upstreamTls.evaluate()) {
        principal = this.upstreamPeerSan.nonEmpty;
        ownPrincipal = this.upstreamLocalSan.nonEmpty;
      }
      if (principal === null && peer.lengthOf(WorkloadField.Identity) > 0) {
        principal = ByteView.of(peer.startOf(WorkloadField.Identity), peer.lengthOf(WorkloadField.Identity));
      }
    } else {
      if (this.isIstio) {
        principal = this.peerPrincipal.nonEmpty;
        if (principal !== null) ownPrincipal = this.localPrincipal.nonEmpty;
      }
      if (principal === null && this.tls.evaluate()) {
        principal = this.peerSan.nonEmpty;
        ownPrincipal = this.localSan.nonEmpty;
      }
    }
    const isMutual = principal !== null && ownPrincipal !== null;
    const policy = isSource ? this.unknown : isMutual ? this.mutualTls : this.none;
    this.set(StandardLabel.ConnectionSecurityPolicy, policy);

    if (side == Side.Source) {
      this.fillSource(this.own, ownPrincipal, null);
      this.fillDestination(peer, principal, namespaceOf(principal), this.latest);
    } else {
      this.fillSource(peer, principal, namespaceOf(principal));
      if (side == Side.Destination) this.fillDestination(this.own, ownPrincipal, null, this.latest);
      else this.fillEndpoint();
    }
  }

  /** A waypoint's destination is what its own upstream side has told. */
  private fillEndpoint(): void {
    const endpoint = this.endpoint;
    endpoint.readObject(this.upstreamPeer.view);
    const size = endpoint.lengthOf(WorkloadField.Identity);
    const identity = size > 0 ? ByteView.of(endpoint.startOf(WorkloadField.Identity), size) : null;
    this.fillDestination(endpoint, identity, null, this.unknown);
  }

  private fillSource(workload: Workload, principal: ByteView | null, namespace: ByteView | null): void {
    this.setField(StandardLabel.SourceWorkload, workload, WorkloadField.Workload, this.unknown);
    this.setField(StandardLabel.SourceCanonicalService, workload, WorkloadField.Service, this.unknown);
    this.setField(StandardLabel.SourceCanonicalRevision, workload, WorkloadField.Revision, this.latest);
    this.setField(StandardLabel.SourceWorkloadNamespace, workload, WorkloadField.Namespace, this.unknown);
    if (namespace !== null) this.setView(StandardLabel.SourceWorkloadNamespace, namespace);
    this.setView(StandardLabel.SourcePrincipal, principal);
    this.setField(StandardLabel.SourceApp, workload, WorkloadField.App, this.unknown);
    this.setField(StandardLabel.SourceVersion, workload, WorkloadField.Version, this.unknown);
    this.setField(StandardLabel.SourceCluster, workload, WorkloadField.Cluster, this.unknown);
  }

  private fillDestination(
    workload: Workload,
    principal: ByteView | null,
    namespace: ByteView | null,
    revision: Text,
  ): void {
    this.setField(StandardLabel.DestinationWorkload, workload, WorkloadField.Workload, this.unknown);
    this.setField(StandardLabel.DestinationWorkloadNamespace, workload, WorkloadField.Namespace, this.unknown);
    if (namespace !== null) this.setView(StandardLabel.DestinationWorkloadNamespace, namespace);
    this.setView(StandardLabel.DestinationPrincipal, principal);
    this.setField(StandardLabel.DestinationApp, workload, WorkloadField.App, this.unknown);
    this.setField(StandardLabel.DestinationVersion, workload, WorkloadField.Version, this.unknown);
    this.setField(StandardLabel.DestinationCanonicalService, workload, WorkloadField.Service, this.unknown);
    this.setField(StandardLabel.DestinationCanonicalRevision, workload, WorkloadField.Revision, revision);
    this.setField(StandardLabel.DestinationCluster, workload, WorkloadField.Cluster, this.unknown);
  }

  private fillService(side: Side): void {
    const service = this.service;
    service.read();
    if (side == Side.Destination) {
      this.setField(StandardLabel.DestinationService, this.own, WorkloadField.Service, this.unknown);
      this.setField(StandardLabel.DestinationServiceName, this.own, WorkloadField.Service, this.unknown);
      this.setField(StandardLabel.DestinationServiceNamespace, this.own, WorkloadField.Namespace, this.unknown);
    } else {
      this.set(StandardLabel.DestinationService, this.unknown);
      this.set(StandardLabel.DestinationServiceName, this.unknown);
      this.set(StandardLabel.DestinationServiceNamespace, this.unknown);
      if (side == Side.Source)
        this.copy(StandardLabel.DestinationServiceNamespace, StandardLabel.DestinationWorkloadNamespace);
      if (service.namespace !== null) this.setView(StandardLabel.DestinationServiceNamespace, service.namespace);
    }
    if (service.host !== null) this.setView(StandardLabel.DestinationService, service.host);
    if (service.name !== null) this.setView(StandardLabel.DestinationServiceName, service.name);
  }

  private uses(first: StandardLabel, last: StandardLabel): bool {
    const count = last - first + 1;
    return ((this.used >>> first) & ((1 << count) - 1)) != 0;
  }

  private get usesOtherThanResponse(): bool {
    return (
      this.uses(StandardLabel.Reporter, StandardLabel.DestinationCluster) ||
      this.uses(StandardLabel.ConnectionSecurityPolicy, StandardLabel.ConnectionSecurityPolicy)
    );
  }

  private get usesService(): bool {
    return (
      this.uses(StandardLabel.DestinationService, StandardLabel.DestinationService) ||
      this.uses(StandardLabel.DestinationServiceName, StandardLabel.DestinationServiceNamespace)
    );
  }

  private setField(label: StandardLabel, workload: Workload, field: WorkloadField, absent: Text): void {
    const length = workload.lengthOf(field);
    if (length == 0) return this.set(label, absent);
    unchecked((this.starts[label] = workload.startOf(field)));
    unchecked((this.lengths[label] = length));
  }

  private setView(label: StandardLabel, view: ByteView | null): void {
    if (view === null || view.length == 0) return this.set(label, this.unknown);
    unchecked((this.starts[label] = view.start));
    unchecked((this.lengths[label] = view.length));
  }

  private set(label: StandardLabel, text: Text): void {
    unchecked((this.starts[label] = text.encoded));
    unchecked((this.lengths[label] = text.length));
  }

  private write(label: StandardLabel, text: TextBuffer): void {
    unchecked((this.starts[label] = text.start));
    unchecked((this.lengths[label] = text.length));
  }

  private copy(to: StandardLabel, from: StandardLabel): void {
    unchecked((this.starts[to] = this.starts[from]));
    unchecked((this.lengths[to] = this.lengths[from]));
  }
}

/** `application/grpc`, alone or with a message format: `application/grpc+proto`. To Envoy nothing else is, no parameters either. */
function isGrpcType(type: ByteView): bool {
  return type.startsWith("application/grpc") && (type.length == 16 || type.at(16) == 0x2b);
}

/** The namespace in `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`; `null` without one. */
function namespaceOf(principal: ByteView | null): ByteView | null {
  if (principal === null) return null;
  for (let at = 0; at + 4 <= principal.length; at++) {
    if (load<u32>(principal.start + at) != 0x2f736e2f) continue;
    const end = principal.indexOf(0x2f, at + 4);
    const namespace = principal.slice(at + 4, end < 0 ? principal.length : end);
    return namespace.length > 0 ? namespace : null;
  }
  return null;
}
