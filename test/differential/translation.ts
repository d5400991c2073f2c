import type {
  CorsPolicy,
  Destination,
  HeaderOperations,
  Headers,
  HttpRoute,
  Match,
  Redirect,
  StringMatch,
} from "./virtual-service.ts";

/** A message of Envoy's API, as its JSON. */
export type Json = Record<string, unknown>;

/** Envoy's `VirtualHost`, of which the comparison puts other routes into one. */
export interface VirtualHost extends Json {
  routes: Json[];
}

/** The virtual host that Istio's `pilot/pkg/networking/core/route` makes for a gateway's server at this port. */
export function translate(http: readonly HttpRoute[], port: number): VirtualHost {
  const routes = http.flatMap((route) =>
    (route.match ?? [undefined])
      // Istio leaves out what is for another port.
      .filter((match) => match?.port === undefined || match.port === port)
      .map((match) => translateRoute(route, match, port)),
  );
  // And what stands behind a route that takes everything.
  const last = routes.findIndex(({ match }) => takesEverything(match));
  return {
    name: `*:${port}`,
    domains: ["*"],
    routes: last < 0 ? routes : routes.slice(0, last + 1),
    include_request_attempt_count: true,
  };
}

/** The name of the cluster that a destination is. */
export function clusterOf({ host, subset = "", port }: Destination): string {
  return `outbound|${port.number}|${subset}|${host}`;
}

function takesEverything(match: RouteMatch): boolean {
  const { prefix, safe_regex, headers = [], cookies = [], query_parameters = [] } = match;
  const isAnyPath = prefix === "/" || safe_regex?.regex === ".*";
  return isAnyPath && headers.length + cookies.length + query_parameters.length === 0;
}

/** Envoy's, as far as it matters here. */
interface RouteMatch extends Json {
  prefix?: string;
  safe_regex?: { regex: string };
  headers?: Json[];
  cookies?: Json[];
  query_parameters?: Json[];
}

function translateRoute(route: HttpRoute, match: Match | undefined, port: number): Json & { match: RouteMatch } {
  const single = route.route?.length === 1 ? route.route[0]! : undefined;
  return {
    match: match === undefined ? { prefix: "/" } : translateMatch(match),
    ...translateHeaders(route.headers, single?.headers),
    ...(route.redirect === undefined ? {} : { redirect: translateRedirect(route.redirect, port) }),
    ...(route.directResponse === undefined ? {} : { direct_response: translateDirectResponse(route.directResponse) }),
    ...(route.route === undefined ? {} : { route: translateAction(route) }),
    ...(route.corsPolicy === undefined
      ? {}
      : { typed_per_filter_config: { "envoy.filters.http.cors": translateCors(route.corsPolicy) } }),
  };
}

function translateMatch(match: Match): RouteMatch {
  const pseudo = { ":method": match.method, ":scheme": match.scheme, ":authority": match.authority };
  return {
    ...translateUri(match.uri ?? {}),
    case_sensitive: !match.ignoreUriCase,
    headers: [
      ...entries({ ...pseudo, ...match.headers }).map(([name, value]) => ({ name, ...valueMatch(value) })),
      ...entries(match.withoutHeaders ?? {}).map(([name, value]) => ({
        name,
        ...valueMatch(value),
        invert_match: true,
        ...(isPresence(value) ? {} : { treat_missing_header_as_empty: true }),
      })),
    ],
    ...(match.cookies && { cookies: translateCookies(match.cookies) }),
    query_parameters: entries(match.queryParams ?? {}).map(([name, value]) => ({ name, ...valueMatch(value) })),
  };
}

export function translateCookies(cookies: Record<string, StringMatch>): Json[] {
  return Object.entries(cookies).map(([name, value]) => ({
    name,
    string_match: isPresence(value) ? { safe_regex: { regex: ".*" } } : stringMatch(value),
  }));
}

function entries(named: Record<string, StringMatch | undefined>): [string, StringMatch][] {
  return Object.entries(named).filter((entry): entry is [string, StringMatch] => entry[1] !== undefined);
}

function translateUri({ exact, prefix, regex, pathSeparatedPrefix }: StringMatch): Json {
  if (exact !== undefined) return { path: exact };
  if (pathSeparatedPrefix !== undefined) return { path_separated_prefix: pathSeparatedPrefix };
  return regex === undefined || regex === "*" ? { prefix: prefix ?? "/" } : { safe_regex: { regex } };
}

function isPresence({ exact, prefix, regex }: StringMatch): boolean {
  return exact === undefined && prefix === undefined && (regex === undefined || regex === "*");
}

function valueMatch(match: StringMatch): Json {
  return isPresence(match) ? { present_match: true } : { string_match: stringMatch(match) };
}

function stringMatch({ exact, prefix, regex }: StringMatch): Json {
  if (exact !== undefined) return { exact };
  return prefix !== undefined ? { prefix } : { safe_regex: { regex } };
}

function translateAction(route: HttpRoute): Json {
  const destinations = route.route!;
  const single = destinations.length === 1 ? destinations[0]! : undefined;
  const { uri, authority, uriRegexRewrite: regex } = route.rewrite ?? {};
  return {
    ...(single !== undefined
      ? { cluster: clusterOf(single.destination) }
      : {
          weighted_clusters: {
            clusters: destinations
              .filter(({ weight = 0 }) => weight > 0)
              .map(({ destination, weight, headers }) => ({
                name: clusterOf(destination),
                weight,
                ...translateHeaders(headers),
                host_rewrite_literal: authorityOf(headers),
              })),
          },
        }),
    prefix_rewrite: uri,
    regex_rewrite: regex && { pattern: { regex: regex.match }, substitution: regex.rewrite },
    host_rewrite_literal: authority ?? authorityOf(route.headers) ?? authorityOf(single?.headers),
    timeout: route.timeout ?? "0s",
    max_grpc_timeout: route.timeout ?? "0s",
    retry_policy: translateRetries(route.retries ?? { attempts: 2 }),
  };
}

function translateRetries({ attempts, retryOn, perTryTimeout }: NonNullable<HttpRoute["retries"]>): Json | undefined {
  if (attempts === 0) return undefined;
  const always = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";
  const conditions = (retryOn ?? always).split(",");
  const codes = conditions.filter((condition) => /^\d+$/.test(condition)).map(Number);
  const names = conditions.filter((condition) => !/^\d+$/.test(condition));
  return {
    num_retries: attempts,
    retry_on: names.join(",") + (codes.length > 0 ? ",retriable-status-codes" : ""),
    ...(codes.length > 0 && { retriable_status_codes: codes }),
    per_try_timeout: perTryTimeout,
    retry_host_predicate: [
      {
        name: "envoy.retry_host_predicates.previous_hosts",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
        },
      },
    ],
    host_selection_retry_max_attempts: "5",
  };
}

/** Those of a route's only destination stand behind the route's own; those of several go with their clusters. */
function translateHeaders(...levels: (Headers | undefined)[]): Json {
  const of = (side: keyof Headers) => levels.flatMap((headers) => headers?.[side] ?? []);
  return {
    request_headers_to_add: of("request").flatMap(headersToAdd),
    request_headers_to_remove: of("request").flatMap(({ remove }) => remove ?? []),
    response_headers_to_add: of("response").flatMap(headersToAdd),
    response_headers_to_remove: of("response").flatMap(({ remove }) => remove ?? []),
  };
}

function headersToAdd({ set = {}, add = {} }: HeaderOperations): Json[] {
  const each = (pairs: Record<string, string>, action: Json) =>
    Object.entries(pairs)
      .filter(([name]) => !isAuthority(name))
      .map(([key, value]) => ({ header: { key, value }, ...action }));
  return [...each(set, { append_action: "OVERWRITE_IF_EXISTS_OR_ADD" }), ...each(add, {})];
}

/** The authority that is set among the headers of requests. */
function authorityOf(headers: Headers | undefined): string | undefined {
  const { set = {}, add = {} } = headers?.request ?? {};
  const values = [set, add].flatMap(Object.entries).filter(([name]) => isAuthority(name));
  return values.find(([, value]) => value !== "")?.[1];
}

function isAuthority(name: string): boolean {
  return /^(host|:authority)$/i.test(name);
}

/** But for 301, the default. */
const redirectCodes: Record<number, string> = {
  302: "FOUND",
  303: "SEE_OTHER",
  307: "TEMPORARY_REDIRECT",
  308: "PERMANENT_REDIRECT",
};

function translateRedirect(redirect: Redirect, listenerPort: number): Json {
  const port = redirect.derivePort === "FROM_REQUEST_PORT" ? listenerPort : redirect.port;
  const isDefault = port === (redirect.scheme === "https" ? 443 : 80);
  return {
    path_redirect: redirect.uri,
    prefix_rewrite: redirect.prefixRewrite,
    host_redirect: redirect.authority,
    port_redirect: isDefault ? undefined : port,
    scheme_redirect: redirect.scheme,
    response_code: redirectCodes[redirect.redirectCode ?? 301],
  };
}

function translateDirectResponse({ status, body }: NonNullable<HttpRoute["directResponse"]>): Json {
  return { status, body: body && { inline_string: body.string } };
}

function translateCors(policy: CorsPolicy): Json {
  return {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy",
    allow_origin_string_match: policy.allowOrigins.map(stringMatch),
    allow_methods: policy.allowMethods?.join(","),
    allow_headers: policy.allowHeaders?.join(","),
    expose_headers: policy.exposeHeaders?.join(","),
    max_age: policy.maxAge?.replace(/s$/, ""),
    allow_credentials: policy.allowCredentials,
    filter_enabled: { default_value: { numerator: 100 } },
    forward_not_matching_preflights: policy.unmatchedPreflights !== "IGNORE",
  };
}
