import { ConfigReader, randomBelow, RequestHeaders, Text, xxHash64 } from "@attache/sdk";
import { HeaderOperations } from "./header-operations";
import { checkHeaderValue } from "./header-text";
import { findStickyKey, StickyKey } from "./sticky-key";

/** Where a route's requests can go, by weight. */
export class Destination {
  /** What the proxy's routes match on: the subset, or the host when there is none. */
  readonly published: Text;
  readonly requestHeaders: HeaderOperations;
  readonly responseHeaders: HeaderOperations;
  readonly weight: u32;
  readonly hasValidWeight: bool;

  constructor(config: ConfigReader, defaultWeight: i64) {
    const destination = config.required("destination").asObject();
    const host = destination.string("host", "");
    const subset = destination.string("subset", "");
    if (host.length == 0 && subset.length == 0) destination.error("host or subset must be given");
    checkHeaderValue(destination.get("host"), host);
    checkHeaderValue(destination.get("subset"), subset);
    // The port picks one of the host's in the proxy's own routes; it is no part of what this filter decides.
    destination.object("port").integer("number", 80, 1, 65535);
    this.published = new Text(subset.length > 0 ? subset : host);
    const weight = config.has("weight") ? config.integer("weight", -1, 0, i32.MAX_VALUE) : defaultWeight;
    this.hasValidWeight = weight >= 0;
    this.weight = <u32>max(weight, 0);
    const headers = config.object("headers");
    this.requestHeaders = new HeaderOperations(headers.object("request"));
    this.responseHeaders = new HeaderOperations(headers.object("response"));
  }
}

/**
 * A weighted choice. Destinations take their shares of the range from 0 to the sum of weights in the order they are
 * listed; a request falls at a random place, or at one its sticky key always has.
 *
 * With two destinations, raising one weight at the cost of the other moves users only towards it.
 */
export class Split {
  private total: u32 = 0;

  /** @param salt sets the sticky choice of one route apart from that of another with the same weights */
  constructor(
    private readonly destinations: Destination[],
    private readonly salt: u64,
  ) {
    for (let index = 0; index < destinations.length; index++) this.total += destinations[index].weight;
  }

  choose(headers: RequestHeaders, stickyKeys: StickyKey[]): Destination {
    const destinations = this.destinations;
    if (destinations.length == 1) return unchecked(destinations[0]);
    let place = this.place(headers, stickyKeys);
    let index = 0;
    while (place >= unchecked(destinations[index]).weight) place -= unchecked(destinations[index++]).weight;
    return unchecked(destinations[index]);
  }

  private place(headers: RequestHeaders, stickyKeys: StickyKey[]): u32 {
    const key = findStickyKey(headers, stickyKeys);
    if (key === null) return randomBelow(this.total);
    const hash = xxHash64(key.start, key.length, this.salt);
    return <u32>(((hash & 0xffffffff) * <u64>this.total) >>> 32);
  }
}

/** @param salt text the sticky choice is salted with; its XXH64 is the seed of each key's hash */
export function readDestinations(config: ConfigReader, required: bool, salt: string): Split {
  const destinations: Destination[] = [];
  const count = config.length;
  if (required && count == 0) config.error("at least one destination must be given");
  let total: u64 = 0;
  let areValid = count > 0;
  for (let index = 0; index < count; index++) {
    const destination = new Destination(config.at(index).asObject(), count == 1 ? 100 : 0);
    total += destination.weight;
    areValid = areValid && destination.hasValidWeight;
    destinations.push(destination);
  }
  if (areValid && total == 0) config.error("total destination weight = 0: give at least one destination a weight");
  if (total > u32.MAX_VALUE) config.error("the weights add up to more than 4294967295");
  const text = String.UTF8.encode(salt);
  return new Split(destinations, xxHash64(changetype<usize>(text), text.byteLength));
}
