import { ConfigReader, istioCluster, Text } from "@attache/sdk";
import { RequestFacts } from "@attache/istio";
import { HeaderOperations } from "./header-operations";
import { headerValue } from "./header-text";
import { StickyKeys } from "./sticky-key";
import { WeightedChoice } from "./weighted-choice";

/** Where a route's requests can go. */
@final
export class Destination {
  /** What the proxy's routes match on: the subset, or the host when there is none; or the cluster. */
  readonly published: Text;
  readonly requestHeaders: HeaderOperations;
  readonly responseHeaders: HeaderOperations;

  /** @param headers operations of its own */
  constructor(config: ConfigReader, headers: ConfigReader, publishesCluster: bool) {
    const destination = config.required("destination").asObject();
    const host = destination.string("host", "");
    const subset = destination.string("subset", "");
    if (host.length == 0 && subset.length == 0) destination.error("host or subset must be given");
    headerValue(destination.get("host"), host);
    headerValue(destination.get("subset"), subset);
    const port = <i32>destination.object("port").integer("number", 0, 1, 65535);
    const cluster = port > 0 ? istioCluster(host, port, subset) : host;
    this.published = new Text(publishesCluster ? cluster : subset.length > 0 ? subset : host);
    const none = headers.at(headers.length);
    this.requestHeaders = new HeaderOperations(headers.object("request"), none, true);
    this.responseHeaders = new HeaderOperations(headers.object("response"), none, false);
  }
}

/** The destinations of a route, by weight. */
@final
export class Split {
  private readonly destinations: Destination[] = [];
  private readonly choice: WeightedChoice;

  constructor(config: ConfigReader, salt: string, publishesCluster: bool) {
    const choice = new WeightedChoice(salt);
    this.choice = choice;
    const count = config.length;
    for (let index = 0; index < count; index++) {
      const entry = config.at(index).asObject();
      // What is said about the headers of the only destination stands with the route's own, as in Istio.
      const headers = count == 1 ? config.at(count) : entry.object("headers");
      this.destinations.push(new Destination(entry, headers, publishesCluster));
      choice.add(entry, count == 1 ? 100 : 0);
    }
    if (config.isPresent && count == 0) config.error("at least one destination must be given");
    choice.check(config);
  }

  choose(facts: RequestFacts, stickyKeys: StickyKeys): Destination {
    const destinations = this.destinations;
    if (destinations.length == 1) return unchecked(destinations[0]);
    return unchecked(destinations[this.choice.choose(stickyKeys.find(facts))]);
  }
}
