import { ConfigReader, getPropertyAt, RequestHeaders } from "@attache/sdk";
import { StringMatch } from "@attache/istio";
import { RequestMatches } from "./request-matches";

/** Which requests have limits of their own. */
@final
export class Rule {
  private readonly match: RequestMatches;
  private readonly route: StringMatch | null;

  constructor(config: ConfigReader) {
    this.match = new RequestMatches(config.array("match"));
    this.route = config.has("route") ? new StringMatch(config.object("route")) : null;
  }

  matches(headers: RequestHeaders): bool {
    const route = this.route;
    return this.match.matches(headers) && (route === null || route.matches(getPropertyAt("xds\0route_name")));
  }
}
