import { ConfigReader, FilterHeaders, RequestHeaders } from "@attache/sdk";
import { RequestMatch } from "@attache/istio";
import { Destination, readDestinations, Split } from "./destination";
import { DirectResponse } from "./direct-response";
import { HeaderOperations } from "./header-operations";
import { Redirect } from "./redirect";
import { StickyKey } from "./sticky-key";

/** One entry of a VirtualService's `http`: which requests, and what becomes of them. */
export class Route {
  readonly requestHeaders: HeaderOperations;
  readonly responseHeaders: HeaderOperations;
  /** Any of these must match. A route without a match has one that takes every request. */
  readonly alternatives: RequestMatch[];
  private readonly split: Split;
  private readonly redirect: Redirect | null;
  private readonly directResponse: DirectResponse | null;

  /** @param position in the list of routes; salts the sticky split of a route without a name */
  constructor(config: ConfigReader, position: i32) {
    const name = config.string("name", "");
    this.alternatives = readAlternatives(config.array("match"));
    const headers = config.object("headers");
    this.requestHeaders = new HeaderOperations(headers.object("request"));
    this.responseHeaders = new HeaderOperations(headers.object("response"));

    const hasRoute = config.has("route");
    const hasRedirect = config.has("redirect");
    const hasDirectResponse = config.has("directResponse");
    const actions = <i32>hasRoute + <i32>hasRedirect + <i32>hasDirectResponse;
    this.split = readDestinations(config.array("route"), hasRoute, name.length > 0 ? name : position.toString());
    this.redirect = hasRedirect ? new Redirect(config.object("redirect")) : null;
    this.directResponse = hasDirectResponse ? new DirectResponse(config.object("directResponse")) : null;
    if (actions != 1) config.error("exactly one of route, redirect and directResponse must be given");
  }

  /** Whether the filter itself answers the requests of this route. */
  get answers(): bool {
    return this.redirect !== null || this.directResponse !== null;
  }

  answer(headers: RequestHeaders): FilterHeaders {
    const redirect = this.redirect;
    return redirect !== null ? redirect.answer(headers) : this.directResponse!.answer();
  }

  chooseDestination(headers: RequestHeaders, stickyKeys: StickyKey[]): Destination {
    return this.split.choose(headers, stickyKeys);
  }
}

function readAlternatives(config: ConfigReader): RequestMatch[] {
  const alternatives: RequestMatch[] = [];
  for (let index = 0; index < config.length; index++) alternatives.push(new RequestMatch(config.at(index).asObject()));
  if (alternatives.length == 0) alternatives.push(new RequestMatch(config.at(0)));
  return alternatives;
}
