import { stickyPlace } from "../../examples/routing-recipes/sticky-hash.ts";

/** What header-routing has beyond native routes, as plainly as it can be said; texts are ASCII. */
export interface Configuration {
  hosts?: string[];
  http: Route[];
  options: { stickyBy?: StickyKey[]; trafficTags?: Tag[]; unmatched?: number };
}

export interface Match {
  headers?: Record<string, Text>;
  withoutHeaders?: Record<string, Text>;
  cookies?: Record<string, Text>;
}
export type Text = { exact: string } | { prefix: string } | { regex: string } | Record<string, never>;
export interface Operations {
  rename?: Record<string, string>;
  copy?: Record<string, string>;
  remove?: string[];
  set?: Record<string, string>;
  add?: Record<string, string>;
  dedupe?: string[];
}
export interface Route {
  name: string;
  match?: Match[];
  headers?: { request?: Operations; response?: Operations };
  route: {
    destination: { subset: string };
    weight: number;
    headers?: { request?: Operations; response?: Operations };
  }[];
}
export interface StickyKey {
  header?: string;
  cookie?: string;
  claim?: string;
  remoteAddress?: true;
  ttl?: string;
}
export interface Tag {
  header: string;
  trustIncoming?: boolean;
  rules?: { match: Match[]; value: string }[];
  weights?: { value: string; weight: number }[];
  default?: string;
}

export interface Request {
  host: string;
  /** In order; several lines can have one name. */
  headers: Headers;
  claims: Record<string, unknown> | null;
  address: string;
}

export type Headers = readonly (readonly [string, string])[];

/** What becomes of a request. What chance decides is told by the `newId` that the user was given, or left open. */
export interface Decision {
  /** Of an answer by the filter itself; 0: the request goes on. */
  status: number;
  /** What the upstream sees. */
  headers: Headers;
  /** Changes the upstream's. */
  response: (headers: Headers) => Headers;
  /** Name of the cookie that a user without a key is given. */
  cookie: string | null;
  /** Whether chance has a part in the headers. */
  isOpen: boolean;
}

/** @param newId the key that the user has been given with the answer */
export function decide(configuration: Configuration, request: Request, newId: string | null): Decision {
  const { hosts, http, options } = configuration;
  let headers: Headers = request.headers;
  let cookie: string | null = null;
  let isOpen = false;

  /** The number of one of several weighted things. */
  function choose(weights: number[], salt: string): number {
    const sum = weights.reduce((total, weight) => total + weight, 0);
    let key = findKey(options.stickyBy ?? [], headers, request);
    if (key === null) {
      cookie = options.stickyBy?.find(({ ttl }) => ttl !== undefined)?.cookie ?? null;
      key = cookie === null ? null : newId;
      isOpen ||= key === null;
    }
    let place = key === null ? 0 : stickyPlace(key, salt, sum);
    return weights.findIndex((weight) => (place -= weight) < 0);
  }

  for (const tag of options.trafficTags ?? []) {
    if (tag.trustIncoming && first(headers, tag.header) !== null) continue;
    const rule = tag.rules?.find(({ match }) => match.some((one) => matches(one, headers, request)));
    const weights = tag.weights ?? [];
    const weighted = () =>
      weights[
        choose(
          weights.map(({ weight }) => weight),
          tag.header,
        )
      ]!.value;
    const value = rule?.value ?? (weights.length > 0 ? weighted() : tag.default);
    headers = value === undefined ? without(headers, tag.header) : set(headers, tag.header, value);
  }
  const isForThis = hosts === undefined || hosts.some((host) => isHost(host, request.host));
  const route = isForThis
    ? http.find(({ match }) => match === undefined || match.some((one) => matches(one, headers, request)))
    : undefined;
  const unchanged = (all: Headers) => all;
  if (route === undefined) {
    const passes = options.unmatched === undefined || (isForThis && http.length === 0);
    headers = without(headers, "x-route-subset");
    return { status: passes ? 0 : options.unmatched!, headers, response: unchanged, cookie, isOpen };
  }
  const isOnly = route.route.length === 1;
  const weights = route.route.map(({ weight }) => weight);
  const chosen = route.route[isOnly ? 0 : choose(weights, route.name)]!;
  headers = set(headers, "x-route-subset", chosen.destination.subset);
  const operate = (all: Headers, side: "request" | "response") => {
    const [own, shared] = [chosen.headers?.[side], route.headers?.[side]];
    return isOnly ? apply(all, [shared, own]) : apply(apply(all, [own]), [shared]);
  };
  return {
    status: 0,
    headers: operate(headers, "request"),
    response: (all) => operate(all, "response"),
    cookie,
    isOpen,
  };
}

function isHost(pattern: string, authority: string): boolean {
  const host = authority.replace(/:\d*$/, "").toLowerCase();
  return pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern;
}

function matches({ headers = {}, withoutHeaders = {}, cookies = {} }: Match, all: Headers, request: Request): boolean {
  const has = ([name, text]: [string, Text]) => valuesOf(name, all, request).some((value) => holds(text, value));
  const lacks = ([name, text]: [string, Text]) => {
    const values = valuesOf(name, all, request);
    const isEmptyTaken = !name.startsWith("@") && Object.keys(text).length > 0 && values.length === 0;
    return !(isEmptyTaken ? holds(text, "") : values.some((value) => holds(text, value)));
  };
  const hasCookie = ([name, text]: [string, Text]) => {
    const value = cookieOf(name, all);
    return value !== null && holds(text, value);
  };
  return (
    Object.entries(headers).every(has) &&
    Object.entries(withoutHeaders).every(lacks) &&
    Object.entries(cookies).every(hasCookie)
  );
}

function holds(text: Text, value: string): boolean {
  if ("exact" in text) return value === text.exact;
  if ("prefix" in text) return value.startsWith(text.prefix!);
  return !("regex" in text) || new RegExp(`^(?:${text.regex})$`).test(value);
}

function valuesOf(name: string, headers: Headers, { claims }: Request): string[] {
  const path = /^@request\.auth\.claims[.[](.*?)\]?$/.exec(name)?.[1];
  if (path === undefined) return linesOf(headers, name);
  const claim = claimAt(path.split(/\]\[|\./), claims);
  return (Array.isArray(claim) ? claim : [claim]).filter((value) => typeof value === "string");
}

function claimAt(path: string[], claims: unknown): unknown {
  return path.reduce((value, name) => (value as Record<string, unknown> | null | undefined)?.[name], claims);
}

function cookieOf(name: string, headers: Headers): string | null {
  const all = linesOf(headers, "cookie").flatMap((line) => line.split("; "));
  return all.find((cookie) => cookie.startsWith(`${name}=`))?.slice(name.length + 1) ?? null;
}

function findKey(keys: StickyKey[], headers: Headers, request: Request): string | null {
  for (const { header, cookie, claim } of keys) {
    if (header !== undefined && first(headers, header)) return first(headers, header);
    if (cookie !== undefined && cookieOf(cookie, headers)) return cookieOf(cookie, headers);
    const value = claim === undefined ? null : claimAt(claim.split("."), request.claims);
    if ((typeof value === "string" && value !== "") || typeof value === "number") return String(value);
    if (header === undefined && cookie === undefined && claim === undefined) return request.address;
  }
  return null;
}

/** All operations of one kind before those of the next. */
function apply(headers: Headers, lists: (Operations | undefined)[]): Headers {
  const pairs = (kind: "rename" | "copy" | "set" | "add") =>
    lists.flatMap((list) => Object.entries(list?.[kind] ?? {}));
  const listed = (kind: "remove" | "dedupe") => lists.flatMap((list) => list?.[kind] ?? []);
  let all = headers;
  const copy = (from: string, to: string) => {
    const values = linesOf(all, from);
    if (values.length > 0) all = [...without(all, to), ...values.map((value) => [to, value] as const)];
  };
  for (const [from, to] of pairs("rename")) {
    copy(from, to);
    all = without(all, from);
  }
  for (const [from, to] of pairs("copy")) copy(from, to);
  for (const name of listed("remove")) all = without(all, name);
  for (const [name, value] of pairs("set")) all = set(all, name, value);
  for (const pair of pairs("add")) all = [...all, pair];
  for (const name of listed("dedupe")) {
    const value = first(all, name);
    if (value !== null) all = set(all, name, value);
  }
  return all;
}

export function linesOf(headers: Headers, name: string): string[] {
  return headers.filter(([other]) => other === name).map(([, value]) => value);
}

function first(headers: Headers, name: string): string | null {
  return linesOf(headers, name)[0] ?? null;
}

function without(headers: Headers, name: string): Headers {
  return headers.filter(([other]) => other !== name);
}

function set(headers: Headers, name: string, value: string): Headers {
  return [...without(headers, name), [name, value]];
}
