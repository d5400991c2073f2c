import { ConfigReader, decimal, FilterHeaders, RequestHeaders } from "@attache/sdk";
import { RequestFacts, RequestMatch } from "@attache/istio";
import { CorsPolicy } from "./cors-policy";
import { Destination, Split } from "./destination";
import { DirectResponse } from "./direct-response";
import { HeaderOperations } from "./header-operations";
import { refuse } from "./refuse";
import { Redirect } from "./redirect";
import { Rewrite } from "./rewrite";
import { UpstreamPolicy } from "./upstream-policy";

/** One entry of a VirtualService's `http`: which requests, and what becomes of them. */
@final
export class Route {
  readonly requestHeaders: HeaderOperations;
  readonly responseHeaders: HeaderOperations;
  /** Any of these must match. A route without a match has one that takes every request. */
  readonly alternatives: RequestMatch[];
  readonly split: Split;
  readonly rewrite: Rewrite | null;
  readonly upstreamPolicy: UpstreamPolicy;
  readonly corsPolicy: CorsPolicy | null;
  private readonly redirect: Redirect | null;
  private readonly directResponse: DirectResponse | null;

  /** @param position in the list of routes; salts the sticky split of a route without a name */
  constructor(config: ConfigReader, position: i32, publishesCluster: bool) {
    const name = config.string("name", "");
    this.alternatives = readAlternatives(config.array("match"));
    const headers = config.object("headers");
    const destinations = config.array("route");
    const only = destinations.length == 1 ? destinations.at(0).object("headers") : destinations.at(destinations.length);
    this.requestHeaders = new HeaderOperations(headers.object("request"), only.object("request"), true);
    this.responseHeaders = new HeaderOperations(headers.object("response"), only.object("response"), false);
    this.rewrite = config.has("rewrite") ? new Rewrite(config.object("rewrite")) : null;
    this.upstreamPolicy = new UpstreamPolicy(config);
    const hasRoute = config.has("route");
    // Envoy has none for what it answers itself.
    const cors = config.has("corsPolicy") ? new CorsPolicy(config.object("corsPolicy")) : null;
    this.corsPolicy = hasRoute ? cors : null;
    const hasRedirect = config.has("redirect");
    const hasDirectResponse = config.has("directResponse");
    this.split = new Split(destinations, name.length > 0 ? name : decimal(position), publishesCluster);
    this.redirect = hasRedirect ? new Redirect(config.object("redirect")) : null;
    this.directResponse = hasDirectResponse ? new DirectResponse(config.object("directResponse")) : null;
    if (<i32>hasRoute + <i32>hasRedirect + <i32>hasDirectResponse != 1 && !config.has("delegate")) {
      config.error("exactly one of route, redirect and directResponse must be given");
    }
    const rewrite = this.rewrite;
    if (rewrite !== null && rewrite.authority !== null && this.requestHeaders.hasOwnAuthority) {
      config.get("rewrite").error("sets the authority, as headers do: say it once");
    }
    const redirect = this.redirect;
    if (redirect !== null && redirect.prefixRewrite.length > 0 && !this.takesPrefixes) {
      config.get("redirect").error("redirect prefix_rewrite requires all URI matches to use prefix match type");
    }
    if (!hasRoute && config.has("rewrite")) config.get("rewrite").error("is for a route only");
    refuse(config, "fault");
    refuse(config, "mirror");
    refuse(config, "mirrors");
    refuse(config, "mirrorPercentage");
    refuse(config, "delegate");
  }

  /** Whether each match on the path is on a prefix of it. */
  private get takesPrefixes(): bool {
    for (let index = 0; index < this.alternatives.length; index++) {
      const uri = this.alternatives[index].uri;
      if (uri !== null && !uri.isPrefix) return false;
    }
    return true;
  }

  /** Whether the filter itself answers the requests of this route. */
  get answers(): bool {
    return this.redirect !== null || this.directResponse !== null;
  }

  /**
   * Gives the request the authority that its upstream is to see. As Envoy does, one of several destinations sets its own first,
   * and only the route's keeps the one so far.
   */
  rewriteAuthority(headers: RequestHeaders, destination: Destination): void {
    const ofDestination = destination.requestHeaders.authority;
    if (ofDestination !== null) ofDestination.apply(headers, false);
    const rewrite = this.rewrite;
    const rewritten = rewrite !== null ? rewrite.authority : null;
    const authority = rewritten !== null ? rewritten : this.requestHeaders.authority;
    if (authority !== null) authority.apply(headers, true);
  }

  answer(facts: RequestFacts, matched: RequestMatch): FilterHeaders {
    const redirect = this.redirect;
    return redirect !== null ? redirect.answer(facts, matched) : this.directResponse!.answer();
  }
}

function readAlternatives(config: ConfigReader): RequestMatch[] {
  const alternatives: RequestMatch[] = [];
  for (let index = 0; index < config.length; index++) alternatives.push(new RequestMatch(config.at(index).asObject()));
  if (alternatives.length == 0) alternatives.push(new RequestMatch(config.at(0)));
  return alternatives;
}
