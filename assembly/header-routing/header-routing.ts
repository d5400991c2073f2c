import { ConfigReader, FilterHeaders, HttpFilter, Plugin, RequestHeaders, ResponseHeaders, Text } from "@attache/sdk";
import { Destination } from "./destination";
import { checkHeaderName } from "./header-text";
import { Route } from "./route";
import { RouteTable } from "./route-table";
import { readStickyKeys, StickyKey } from "./sticky-key";

/**
 * Chooses a destination for each request by the rules of a `VirtualService` and tells the proxy by a header that its
 * routes match on. Configuration: README.md.
 */
export class HeaderRouting extends Plugin {
  readonly table: RouteTable = new RouteTable();
  subsetHeader: Text = new Text("x-route-subset");
  stickyKeys: StickyKey[] = [];

  override configure(config: ConfigReader): void {
    const options = config.object("options");
    const subsetHeader = options.string("subsetHeader", "x-route-subset");
    checkHeaderName(options.get("subsetHeader"), subsetHeader);
    this.subsetHeader = new Text(subsetHeader);
    this.stickyKeys = readStickyKeys(options.array("stickyBy"));
    const routes = config.array("http");
    for (let index = 0; index < routes.length; index++) this.table.add(new Route(routes.at(index).asObject(), index));
    this.table.compile();
  }

  override createFilter(): HttpFilter {
    return new RoutedStream(this);
  }

  /** The first route that matches, or `null`. */
  findRoute(headers: RequestHeaders): Route | null {
    this.table.facts.begin(headers);
    return this.table.find();
  }
}

class RoutedStream extends HttpFilter {
  private route: Route | null = null;
  private destination: Destination | null = null;

  constructor(private readonly plugin: HeaderRouting) {
    super();
  }

  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    const plugin = this.plugin;
    const route = plugin.findRoute(headers);
    if (route === null) {
      // A client must not choose the destination by sending the header itself.
      if (headers.getBytesOf(plugin.subsetHeader) !== null) headers.deleteOf(plugin.subsetHeader);
      return FilterHeaders.Continue;
    }
    this.route = route;
    if (route.answers) return route.answer(headers);
    const destination = route.chooseDestination(headers, plugin.stickyKeys);
    this.destination = destination;
    if (!headers.setOf(plugin.subsetHeader, destination.published)) headers.deleteOf(plugin.subsetHeader);
    destination.requestHeaders.apply(headers);
    route.requestHeaders.apply(headers);
    return FilterHeaders.Continue;
  }

  override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
    const destination = this.destination;
    if (destination !== null) destination.responseHeaders.apply(headers);
    const route = this.route;
    if (route !== null) route.responseHeaders.apply(headers);
    return FilterHeaders.Continue;
  }
}
