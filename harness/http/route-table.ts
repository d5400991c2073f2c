import { HarnessError } from "../errors.ts";
import type { HostOptions, Redirect, RetryPolicy, Route, WeightedCluster } from "../host.ts";
import type { EnvoyRules } from "../emulator/envoy-version.ts";
import type { HeaderMap } from "./header-map.ts";
import { retryConditions } from "./retry.ts";

/** What a route does with the requests it takes. */
export type RouteAction =
  | { kind: "cluster"; cluster: string }
  | { kind: "clusterHeader"; header: string }
  | { kind: "weightedClusters"; clusters: readonly WeightedCluster[]; total: number }
  | { kind: "redirect"; redirect: Redirect; prefix: string | undefined }
  | { kind: "directResponse"; status: number; body: string };

export interface RouteEntry {
  readonly name: string;
  readonly action: RouteAction;
  /** 0: none. */
  readonly timeoutMs: number;
  readonly retryPolicy: RetryPolicy | null;
  /** Upstreams are told which attempt it is. */
  readonly countsAttempts: boolean;
}

interface CompiledRoute extends RouteEntry {
  matches(path: string, pathOnly: string, headers: HeaderMap): boolean;
}

const defaultTimeoutMs = 15_000;

/** Finds the route of a request; the first that matches is taken. */
export class RouteTable {
  readonly #routes: CompiledRoute[];

  constructor(options: HostOptions, { matchesAnyLine }: EnvoyRules) {
    const routes = routesOf(options);
    for (const [i, route] of routes.entries()) checkClusters(route, `routes[${i}]`, options.clusters ?? {});
    const countsAttempts = options.includeRequestAttemptCount ?? false;
    this.#routes = routes.map((route, i) => compileRoute(route, `routes[${i}]`, countsAttempts, matchesAnyLine));
  }

  select(headers: HeaderMap): RouteEntry | null {
    const path = headers.get(":path");
    // As Envoy, which takes a request without these for one that was rejected earlier.
    if (path === null || !headers.has("x-forwarded-proto")) return null;
    const query = path.search(/[?#]/);
    const pathOnly = query < 0 ? path : path.slice(0, query);
    for (const route of this.#routes) if (route.matches(path, pathOnly, headers)) return route;
    return null;
  }
}

/**
 * Name of the cluster a route sends these headers to; `null` when it sends them to none. `random` is the request's own number,
 * so that it always goes to the same one.
 */
export function clusterOf(route: RouteEntry | null, headers: HeaderMap, random: () => number): string | null {
  switch (route?.action.kind) {
    case "cluster":
      return route.action.cluster;
    case "clusterHeader":
      return headers.get(route.action.header) ?? "";
    case "weightedClusters": {
      let at = random() % route.action.total;
      return route.action.clusters.find(({ weight }) => (at -= weight) < 0)!.name;
    }
    default:
      return null;
  }
}

/** The routes given. Without any, everything goes to the only cluster for HTTP, or is answered 200 when there is none. */
export function routesOf({ routes, clusters = {} }: HostOptions): readonly Route[] {
  if (routes !== undefined) return routes;
  const [cluster, ...others] = Object.keys(clusters).filter((name) => !("tcp" in clusters[name]!));
  if (cluster === undefined) return [{ match: { prefix: "/" }, directResponse: { status: 200 } }];
  if (others.length > 0) throw new HarnessError("OPTION_INVALID", "routes: needed when there are several clusters");
  return [{ match: { prefix: "/" }, cluster }];
}

function compileRoute(route: Route, where: string, countsAttempts: boolean, matchesAnyLine: boolean): CompiledRoute {
  const { prefix, path } = route.match;
  exactlyOne(`${where}.match`, { prefix, path });
  const wanted = (route.match.headers ?? []).map(({ name, exact }) => ({ name: name.toLowerCase(), exact }));
  const hasValue = (headers: HeaderMap, name: string, value: string) =>
    matchesAnyLine ? headers.hasValue(name, value) : headers.getAll(name) === value;
  return {
    name: route.name ?? "",
    countsAttempts,
    timeoutMs: wholeNumber(`${where}.timeoutMs`, route.timeoutMs ?? defaultTimeoutMs),
    retryPolicy: checkRetryPolicy(route.retryPolicy ?? null, `${where}.retryPolicy`),
    action: actionOf(route, where),
    matches(whole, pathOnly, headers) {
      if (prefix !== undefined ? !whole.startsWith(prefix) : pathOnly !== path) return false;
      for (const { name, exact } of wanted) {
        if (exact === undefined ? !headers.has(name) : !hasValue(headers, name, exact)) return false;
      }
      return true;
    },
  };
}

/** Envoy, too, takes no route to a cluster that is not there. */
function checkClusters(
  { cluster, weightedClusters = [] }: Route,
  where: string,
  clusters: NonNullable<HostOptions["clusters"]>,
): void {
  const named = weightedClusters.map(({ name }, i): [string, string] => [`weightedClusters[${i}].name`, name]);
  if (cluster !== undefined) named.push(["cluster", cluster]);
  for (const [field, name] of named) {
    if (Object.hasOwn(clusters, name)) continue;
    const known = Object.keys(clusters).join(", ");
    throw new HarnessError("OPTION_INVALID", `${where}.${field}: there is no cluster ${name}; there are: ${known}`);
  }
}

function actionOf(route: Route, where: string): RouteAction {
  const { cluster, clusterHeader, weightedClusters, redirect, directResponse } = route;
  exactlyOne(where, { cluster, clusterHeader, weightedClusters, redirect, directResponse });
  if (cluster !== undefined) return { kind: "cluster", cluster };
  if (clusterHeader !== undefined) return { kind: "clusterHeader", header: clusterHeader.toLowerCase() };
  if (redirect !== undefined) return { kind: "redirect", redirect, prefix: route.match.prefix };
  if (directResponse !== undefined) {
    return { kind: "directResponse", status: directResponse.status, body: toLatin1(directResponse.body ?? "") };
  }
  const total = weightedClusters!.reduce(
    (sum, { weight }, i) => sum + wholeNumber(`${where}.weightedClusters[${i}].weight`, weight),
    0,
  );
  if (total === 0) throw new HarnessError("OPTION_INVALID", `${where}.weightedClusters: their weights add up to 0`);
  return { kind: "weightedClusters", clusters: weightedClusters!, total };
}

function checkRetryPolicy(policy: RetryPolicy | null, where: string): RetryPolicy | null {
  if (policy === null) return null;
  for (const word of policy.retryOn.split(",").map((text) => text.trim())) {
    if (retryConditions.includes(word)) continue;
    const known = retryConditions.join(", ");
    throw new HarnessError("OPTION_INVALID", `${where}.retryOn: ${JSON.stringify(word)} is none of ${known}`);
  }
  wholeNumber(`${where}.numRetries`, policy.numRetries ?? 1);
  wholeNumber(`${where}.perTryTimeoutMs`, policy.perTryTimeoutMs ?? 0);
  if (policy.backOff === undefined) return policy;
  const { baseIntervalMs, maxIntervalMs = baseIntervalMs } = policy.backOff;
  if (baseIntervalMs > 0 && maxIntervalMs >= baseIntervalMs) return policy;
  throw new HarnessError("OPTION_INVALID", `${where}.backOff: needs 0 < baseIntervalMs <= maxIntervalMs`);
}

function wholeNumber(where: string, value: number): number {
  if (Number.isInteger(value) && value >= 0) return value;
  throw new HarnessError("OPTION_INVALID", `${where}: ${value} is no whole number from 0 on`);
}

function exactlyOne(where: string, fields: Record<string, unknown>): void {
  const given = Object.keys(fields).filter((name) => fields[name] !== undefined);
  if (given.length === 1) return;
  const names = Object.keys(fields).join(", ");
  const found = given.length === 0 ? "none is there" : `found ${given.join(" and ")}`;
  throw new HarnessError("OPTION_INVALID", `${where}: needs exactly one of ${names}; ${found}`);
}

function toLatin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
