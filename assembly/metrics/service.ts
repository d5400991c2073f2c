import { ByteView } from "@attache/sdk";
import { Attribute, Attributes } from "./expression/attribute";
import { CommonAttributes } from "./expression/common-attributes";
import { Members } from "./members";

/** The service a request went to, as Istio's `istio_stats` filter finds it. `null`: not known. */
export class Service {
  host: ByteView | null = null;
  name: ByteView | null = null;
  namespace: ByteView | null = null;
  private readonly service: Attribute;
  private readonly members: Members = new Members();
  private readonly route: Attribute;
  private readonly cluster: Attribute;
  private readonly requestHost: Attribute;

  /**
   * @param usesHost whether the `host` header stands in for a service that the cluster does not tell
   * @param isIstio whether routes and clusters can be those that Istio makes for what has no service
   */
  constructor(
    attributes: Attributes,
    private readonly usesHost: bool,
    private readonly isIstio: bool,
  ) {
    this.service = attributes.text("xds\0cluster_metadata\0filter_metadata\0istio\0services\x000");
    this.route = attributes.text("xds\0route_name");
    this.cluster = attributes.text("xds\0cluster_name");
    this.requestHost = attributes.text("request\0host");
  }

  /** Tells what is asked of every stream. */
  addCommon(common: CommonAttributes): void {
    if (this.usesHost && !this.isIstio) common.add(this.requestHost);
  }

  read(): void {
    this.host = this.name = this.namespace = null;
    const members = this.members.begin(this.service.view);
    while (members.next()) {
      const value = members.value;
      if (value.length == 0) continue;
      if (members.name.equals("host")) this.host = value;
      else if (members.name.equals("name")) this.name = value;
      else if (members.name.equals("namespace")) this.namespace = value;
    }
    const host = this.host;
    if (host !== null) {
      if (this.name === null) this.name = firstLabel(host);
      return;
    }
    this.namespace = null;
    if (this.usesHost) this.host = this.requestHost.nonEmpty;
    this.name = this.host;
    if (this.isIstio) this.readSpecial();
  }

  /** Traffic to what Istio knows no service for. */
  private readSpecial(): void {
    const route = this.route.view;
    if (route !== null && route.equals("block_all")) {
      this.name = ByteView.ofText("BlackHoleCluster");
      return;
    }
    if (route !== null && route.equals("allow_any")) {
      this.name = ByteView.ofText("PassthroughCluster");
      return;
    }
    const cluster = this.cluster.view;
    if (cluster === null) return;
    const isSpecial =
      cluster.equals("BlackHoleCluster") ||
      cluster.equals("PassthroughCluster") ||
      cluster.equals("InboundPassthroughCluster") ||
      cluster.equals("InboundPassthroughClusterIpv4") ||
      cluster.equals("InboundPassthroughClusterIpv6");
    if (isSpecial) this.name = cluster;
  }
}

function firstLabel(host: ByteView): ByteView {
  const dot = host.indexOf(0x2e);
  return dot < 0 ? host : host.slice(0, dot);
}
