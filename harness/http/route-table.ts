import { HarnessError } from "../errors.ts";
import type { HostOptions, Route } from "../host.ts";
import type { HeaderMap } from "./header-map.ts";

/** What a route does with the requests it takes. */
export type RouteAction =
  | { kind: "cluster"; cluster: string }
  | { kind: "clusterHeader"; header: string }
  | { kind: "directResponse"; status: number; body: string };

export interface RouteEntry {
  readonly name: string;
  readonly action: RouteAction;
  /** 0: none. */
  readonly timeoutMs: number;
}

interface CompiledRoute extends RouteEntry {
  matches(path: string, pathOnly: string, headers: HeaderMap): boolean;
}

const defaultTimeoutMs = 15_000;

/** Finds the route of a request; the first that matches is taken. */
export class RouteTable {
  readonly #routes: CompiledRoute[];

  constructor(options: HostOptions) {
    this.#routes = routesOf(options).map(compileRoute);
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

/** Name of the cluster a route sends these headers to; `null` when it sends them to none. */
export function clusterOf(route: RouteEntry | null, headers: HeaderMap): string | null {
  if (route === null || route.action.kind === "directResponse") return null;
  return route.action.kind === "cluster" ? route.action.cluster : (headers.get(route.action.header) ?? "");
}

/** The routes given. Without any, everything goes to the only cluster for HTTP, or is answered 200 when there is none. */
export function routesOf({ routes, clusters = {} }: HostOptions): readonly Route[] {
  if (routes !== undefined) return routes;
  const [cluster, ...others] = Object.keys(clusters).filter((name) => !("tcp" in clusters[name]!));
  if (cluster === undefined) return [{ match: { prefix: "/" }, directResponse: { status: 200 } }];
  if (others.length > 0) throw new HarnessError("OPTION_INVALID", "routes: needed when there are several clusters");
  return [{ match: { prefix: "/" }, cluster }];
}

function compileRoute(route: Route, index: number): CompiledRoute {
  const where = `routes[${index}]`;
  const { prefix, path } = route.match;
  exactlyOne(`${where}.match`, { prefix, path });
  const { cluster, clusterHeader, directResponse } = route;
  exactlyOne(where, { cluster, clusterHeader, directResponse });
  const wanted = (route.match.headers ?? []).map(({ name, exact }) => ({ name: name.toLowerCase(), exact }));
  return {
    name: route.name ?? "",
    timeoutMs: defaultTimeoutMs,
    action:
      cluster !== undefined
        ? { kind: "cluster", cluster }
        : clusterHeader !== undefined
          ? { kind: "clusterHeader", header: clusterHeader.toLowerCase() }
          : { kind: "directResponse", status: directResponse!.status, body: toLatin1(directResponse!.body ?? "") },
    matches(whole, pathOnly, headers) {
      if (prefix !== undefined ? !whole.startsWith(prefix) : pathOnly !== path) return false;
      for (const { name, exact } of wanted) {
        // Of several lines of one header, one has to match.
        if (exact === undefined ? !headers.has(name) : !headers.hasValue(name, exact)) return false;
      }
      return true;
    },
  };
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
