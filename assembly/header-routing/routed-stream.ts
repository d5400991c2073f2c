import { FilterHeaders, HttpFilter, LocalReply, RequestHeaders, ResponseHeaders } from "@attache/sdk";
import { CorsPolicy } from "./cors-policy";
import { Destination } from "./destination";
import { HeaderRouting } from "./header-routing";
import { Route } from "./route";

/** Routes one request, and carries out what its route says about the response. */
@final
export class RoutedStream extends HttpFilter {
  private route: Route | null = null;
  private destination: Destination | null = null;
  private cors: CorsPolicy | null = null;
  /** The origin that may read the response by {@link cors}. */
  private origin: string = "";
  private newCookie: string | null = null;

  constructor(private readonly plugin: HeaderRouting) {
    super();
  }

  override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    const plugin = this.plugin;
    const facts = plugin.table.facts;
    facts.begin(headers);
    const stickyKeys = plugin.stickyKeys!;
    stickyKeys.begin();
    for (let index = 0; index < plugin.tags.length; index++) plugin.tags[index].apply(facts, stickyKeys);
    this.newCookie = stickyKeys.newCookie;
    const isForThis = plugin.hosts!.takes(headers);
    const route = isForThis ? plugin.table.find() : null;
    if (route === null) return this.passUnmatched(headers, isForThis);

    const cors = route.corsPolicy;
    if (cors !== null) {
      const origin = cors.allowedOrigin(headers);
      if (origin !== null) {
        this.cors = cors;
        this.origin = origin;
      }
      if (cors.answers(headers, origin)) return cors.answer(headers);
    }
    this.route = route;
    if (route.answers) return route.answer(facts, plugin.table.matched);

    const destination = route.split.choose(facts, stickyKeys);
    this.destination = destination;
    this.newCookie = stickyKeys.newCookie;
    const rewrite = route.rewrite;
    if (rewrite !== null) rewrite.apply(facts, plugin.table.matched);
    route.rewriteAuthority(headers, destination);
    if (!headers.setOf(plugin.publishedIn, destination.published)) headers.deleteOf(plugin.publishedIn);
    route.upstreamPolicy.apply(headers);
    destination.requestHeaders.apply(headers);
    route.requestHeaders.apply(headers);
    return FilterHeaders.Continue;
  }

  override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
    const destination = this.destination;
    if (destination !== null) destination.responseHeaders.apply(headers);
    const route = this.route;
    if (route !== null) route.responseHeaders.apply(headers);
    const cors = this.cors;
    if (cors !== null) cors.mark(headers, this.origin);
    const cookie = this.newCookie;
    if (cookie !== null) headers.append("set-cookie", cookie);
    return FilterHeaders.Continue;
  }

  /** @param isForThis whether the host is one of the configuration's */
  private passUnmatched(headers: RequestHeaders, isForThis: bool): FilterHeaders {
    const plugin = this.plugin;
    const isListed = isForThis && plugin.table.routes.length == 0;
    if (plugin.unmatchedStatus != 0 && !isListed) {
      return new LocalReply(plugin.unmatchedStatus).details("header_routing_unmatched").send();
    }
    // A client must not choose the destination by sending the header itself.
    if (headers.getBytesOf(plugin.publishedIn) !== null) headers.deleteOf(plugin.publishedIn);
    return FilterHeaders.Continue;
  }
}
