import { Found } from "@attache/sdk";
import { RequestFacts, RequestMatch, StringMatch } from "@attache/istio";
import { Field } from "./field";
import { IndexBuilder } from "./index-builder";
import { Route } from "./route";

/**
 * The routes in order, of which the first that matches is taken.
 *
 * Each alternative of a route's match stands in an index under one of its parts: of path, authority and headers, the one
 * that fewest others share. A request is looked up once for each thing that an index exists for, and the alternatives
 * found are tried, unless one before them has matched. So the cost follows the routes that a request could take,
 * not the routes there are.
 */
@final
export class RouteTable extends Found {
  readonly routes: Route[] = [];
  readonly facts: RequestFacts = new RequestFacts();
  /** All alternatives of all routes, in order, and the numbers of their routes. */
  private readonly alternatives: RequestMatch[] = [];
  private readonly owners: i32[] = [];
  /** The part of each alternative that holds when an index has found it, if there is one. */
  private readonly known: (StringMatch | null)[] = [];
  private fields: Field[] = [];
  /** Numbers of the alternatives that no index can find, the last one first. */
  private readonly unindexed: i32[] = [];
  /** The first alternative that is known to match. */
  private best: i32 = 0;

  add(route: Route): void {
    const alternatives = route.alternatives;
    for (let index = 0; index < alternatives.length; index++) {
      this.alternatives.push(alternatives[index]);
      this.owners.push(this.routes.length);
      this.known.push(null);
    }
    this.routes.push(route);
  }

  /** Builds the indexes, once all routes are there. */
  compile(): void {
    const alternatives = this.alternatives;
    const builder = new IndexBuilder(this);
    for (let number = 0; number < alternatives.length; number++) builder.announce(alternatives[number]);
    // Of one key the number added last is found first: the lowest, which can spare trying the others.
    for (let number = alternatives.length - 1; number >= 0; number--) {
      if (builder.add(alternatives[number], number)) this.known[number] = builder.known;
      else this.unindexed.push(number);
    }
    this.fields = builder.compile();
  }

  /** The first route that takes the request in {@link facts}, or `null`. */
  find(): Route | null {
    const none = this.alternatives.length;
    this.best = none;
    const fields = this.fields;
    for (let index = 0; index < fields.length; index++) unchecked(fields[index]).visitValues(this.facts);
    const unindexed = this.unindexed;
    for (let index = unindexed.length - 1; index >= 0; index--) {
      const number = unchecked(unindexed[index]);
      if (number >= this.best) break;
      this.take(number);
    }
    return this.best < none ? unchecked(this.routes[unchecked(this.owners[this.best])]) : null;
  }

  /** The alternative by which {@link find} found its route. */
  get matched(): RequestMatch {
    return this.alternatives[this.best];
  }

  take(number: i32): bool {
    if (number >= this.best) return false;
    if (unchecked(this.alternatives[number]).matches(this.facts, unchecked(this.known[number]))) this.best = number;
    return false;
  }
}
