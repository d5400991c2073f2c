import type {
  CorsPolicy,
  HeaderOperations,
  Headers,
  HttpRoute,
  Match,
  Redirect,
  StringMatch,
} from "./virtual-service.ts";

/** A message of Envoy's API, as its JSON. */
export type Json = Record<string, unknown>;

/** Makes the `Route` messages that stand for the `http` of a VirtualService. */
export type Translator = (http: readonly HttpRoute[]) => Promise<Json[]>;

/**
 * The translation that Istio's `pilot/pkg/networking/core/route` makes, for what both sides know. It differs in two things
 * that the filter leaves to the proxy: a route without a timeout or retries has those of Envoy, not Istio's.
 */
export const translate: Translator = async (http) =>
  http.flatMap((route) =>
    (route.match ?? [{}])
      // Istio leaves out what is for another port. No listener of the comparison has one below 1024.
      .filter(({ port }) => port === undefined)
      .map((match) => translateRoute(route, match)),
  );

function translateRoute(route: HttpRoute, match: Match): Json {
  const single = route.route?.length === 1 ? route.route[0]! : undefined;
  return {
    match: translateMatch(match),
    ...translateHeaders(route.headers, single?.headers),
    ...(route.redirect === undefined ? {} : { redirect: translateRedirect(route.redirect) }),
    ...(route.directResponse === undefined ? {} : { direct_response: translateDirectResponse(route.directResponse) }),
    ...(route.route === undefined ? {} : { route: translateAction(route) }),
    ...(route.corsPolicy === undefined
      ? {}
      : { typed_per_filter_config: { "envoy.filters.http.cors": translateCors(route.corsPolicy) } }),
  };
}

function translateMatch(match: Match): Json {
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
    cookies: entries(match.cookies ?? {}).map(([name, value]) => ({
      name,
      string_match: isPresence(value) ? { safe_regex: { regex: ".*" } } : stringMatch(value),
    })),
    query_parameters: entries(match.queryParams ?? {}).map(([name, value]) => ({ name, ...valueMatch(value) })),
  };
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
  const { uri, authority, uriRegexRewrite: regex } = route.rewrite ?? {};
  return {
    ...(destinations.length === 1
      ? { cluster: destinations[0]!.destination.host }
      : {
          weighted_clusters: {
            clusters: destinations.map(({ destination, weight, headers }) => ({
              name: destination.host,
              weight: weight ?? 0,
              ...translateHeaders(headers),
            })),
          },
        }),
    prefix_rewrite: uri,
    regex_rewrite: regex && { pattern: { regex: regex.match }, substitution: regex.rewrite },
    host_rewrite_literal: authority,
    timeout: route.timeout,
    retry_policy: route.retries && translateRetries(route.retries),
  };
}

function translateRetries({ attempts, retryOn, perTryTimeout }: NonNullable<HttpRoute["retries"]>): Json | undefined {
  if (attempts === 0) return undefined;
  const conditions = (retryOn ?? "connect-failure,refused-stream,unavailable,cancelled").split(",");
  const codes = conditions.filter((condition) => /^\d+$/.test(condition)).map(Number);
  const names = conditions.filter((condition) => !/^\d+$/.test(condition));
  return {
    num_retries: attempts,
    retry_on: [...names, ...(codes.length > 0 ? ["retriable-status-codes"] : [])].join(","),
    retriable_status_codes: codes,
    per_try_timeout: perTryTimeout,
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
  const each = (pairs: Record<string, string>, append_action: string) =>
    Object.entries(pairs).map(([key, value]) => ({ header: { key, value }, append_action }));
  return [...each(set, "OVERWRITE_IF_EXISTS_OR_ADD"), ...each(add, "APPEND_IF_EXISTS_OR_ADD")];
}

const redirectCodes: Record<number, string> = {
  301: "MOVED_PERMANENTLY",
  302: "FOUND",
  303: "SEE_OTHER",
  307: "TEMPORARY_REDIRECT",
  308: "PERMANENT_REDIRECT",
};

function translateRedirect(redirect: Redirect): Json {
  return {
    path_redirect: redirect.uri,
    prefix_rewrite: redirect.prefixRewrite,
    host_redirect: redirect.authority,
    port_redirect: redirect.port,
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
    forward_not_matching_preflights: policy.unmatchedPreflights === "IGNORE" ? false : undefined,
  };
}
