import { ConfigReader, HttpFilter, Plugin, publishConfigStatus, Text } from "@attache/sdk";
import { headerName } from "./header-text";
import { HostSet } from "./host-set";
import { RoutedStream } from "./routed-stream";
import { Route } from "./route";
import { refuse } from "./refuse";
import { RouteTable } from "./route-table";
import { StickyKeys } from "./sticky-key";
import { TrafficTag } from "./traffic-tag";

/**
 * Chooses a destination for each request by the rules of a `VirtualService` and tells the proxy by a header that its
 * routes match on. Configuration: README.md.
 */
@final
export class HeaderRouting extends Plugin {
  readonly table: RouteTable = new RouteTable();
  readonly tags: TrafficTag[] = [];
  hosts: HostSet | null = null;
  /** Where the destination is published. */
  publishedIn: Text = new Text("x-route-subset");
  stickyKeys: StickyKeys | null = null;
  /** Status for requests that no route takes; 0 lets them pass. */
  unmatchedStatus: i32 = 0;

  override configure(config: ConfigReader): void {
    config.expandEnvironment();
    const options = config.object("options");
    const publishesCluster = options.has("clusterHeader");
    const header = publishesCluster ? "clusterHeader" : "subsetHeader";
    this.publishedIn = headerName(options.get(header), options.string(header, "x-route-subset"));
    if (publishesCluster && options.has("subsetHeader")) {
      options.error("only one of subsetHeader and clusterHeader can be given");
    }
    this.stickyKeys = new StickyKeys(options.array("stickyBy"));
    this.unmatchedStatus = <i32>options.integer("unmatched", 0, 400, 599);

    const metadata = config.object("metadata");
    const spec = config.has("spec") ? config.object("spec") : config;
    this.hosts = new HostSet(spec.array("hosts"), metadata.string("namespace", ""));
    this.readRoutes(spec.array("http"), publishesCluster);
    const tags = options.array("trafficTags");
    for (let index = 0; index < tags.length; index++) this.tags.push(new TrafficTag(tags.at(index).asObject()));
    ignoreResource(config, metadata, spec);
    publishConfigStatus(config);
  }

  override createFilter(): HttpFilter {
    return new RoutedStream(this);
  }

  private readRoutes(config: ConfigReader, publishesCluster: bool): void {
    const table = this.table;
    for (let index = 0; index < config.length; index++) {
      table.add(new Route(config.at(index).asObject(), index, publishesCluster));
    }
    table.compile();
  }
}

/** What a whole resource has beside, as `kubectl get -o json` prints it. */
function ignoreResource(config: ConfigReader, metadata: ConfigReader, spec: ConfigReader): void {
  config.ignore("apiVersion");
  config.ignore("kind");
  config.ignore("status");
  for (let index = 0; index < metadata.length; index++) metadata.at(index);
  spec.ignore("gateways");
  spec.ignore("exportTo");
  refuse(spec, "tcp");
  refuse(spec, "tls");
}
