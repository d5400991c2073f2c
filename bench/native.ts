import type { Json, Variant } from "./case.ts";

// What Envoy itself offers for the work of the filters.

export const TYPES = "type.googleapis.com/envoy.extensions.filters.http";

/** A counter and three histograms with ten labels each; Istio's own filter for its 25 labels is not in Envoy. */
export const statsLogger: Variant = {
  name: "native stats access logger, 10 labels",
  accessLog: [
    {
      name: "envoy.access_loggers.stats",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.stats.v3.Config",
        stat_prefix: "bench",
        counters: [{ stat: labelled("requests_total"), value_fixed: 1 }],
        histograms: [
          { stat: labelled("duration_milliseconds"), unit: "Milliseconds", value_format: "%DURATION%" },
          { stat: labelled("request_bytes"), unit: "Bytes", value_format: "%BYTES_RECEIVED%" },
          { stat: labelled("response_bytes"), unit: "Bytes", value_format: "%BYTES_SENT%" },
        ],
      },
    },
  ],
};

/** A name with labels, most of which say what Istio's standard ones do. */
function labelled(name: string): Json {
  const formats = {
    reporter: "source",
    request_protocol: "%PROTOCOL%",
    response_code: "%RESPONSE_CODE%",
    response_flags: "%RESPONSE_FLAGS%",
    destination_service: "%REQ(:AUTHORITY)%",
    destination_cluster: "%UPSTREAM_CLUSTER%",
    source_principal: "%DOWNSTREAM_PEER_URI_SAN%",
    destination_principal: "%DOWNSTREAM_LOCAL_URI_SAN%",
    connection_security_policy: "%DOWNSTREAM_TLS_VERSION%",
    route: "%ROUTE_NAME%",
  };
  return { name, tags: Object.entries(formats).map(([tag, value_format]) => ({ name: tag, value_format })) };
}

const directResponse = { status: 200, body: { inline_string: "ok" } };

const byUser = { actions: [{ request_headers: { header_name: "x-user", descriptor_key: "x-user" } }] };
/**
 * Envoy's own limits take their keys from a route to a cluster; a direct response has none. So a filter behind them answers
 * instead of the cluster, and behind ours as well.
 */
export const answered: Variant = {
  name: "answered by a filter",
  virtualHost: { routes: [{ match: { prefix: "/" }, route: { cluster: "nowhere" } }], rate_limits: [byUser] },
  filters: [
    {
      name: "fault",
      typed_config: {
        "@type": `${TYPES}.fault.v3.HTTPFault`,
        abort: { http_status: 200, percentage: { numerator: 100 } },
      },
    },
  ],
};

/** As many buckets as fit, which are twenty when nothing is said. */
export function nativeLimitPerUser(clients: number): Variant {
  const bucket = { max_tokens: 1_000_000_000, tokens_per_fill: 1_000_000_000, fill_interval: "1s" };
  return {
    ...answered,
    name: `native local_ratelimit, ${clients.toLocaleString("en")} clients`,
    clients,
    filters: [
      {
        name: "local_ratelimit",
        typed_config: {
          "@type": `${TYPES}.local_ratelimit.v3.LocalRateLimit`,
          stat_prefix: "bench",
          token_bucket: bucket,
          descriptors: [{ entries: [{ key: "x-user" }], token_bucket: bucket }],
          max_dynamic_descriptors: 16_384,
          filter_enabled: { default_value: { numerator: 100 } },
          filter_enforced: { default_value: { numerator: 100 } },
        },
      },
      ...answered.filters!,
    ],
  };
}

export function nativeRateLimit(): Variant {
  return {
    ...answered,
    name: "native ratelimit",
    filters: [
      {
        name: "ratelimit",
        typed_config: {
          "@type": `${TYPES}.ratelimit.v3.RateLimit`,
          domain: "edge",
          timeout: "1s",
          failure_mode_deny: true,
          rate_limit_service: {
            transport_api_version: "V3",
            grpc_service: { envoy_grpc: { cluster_name: "service-grpc" } },
          },
        },
      },
      ...answered.filters!,
    ],
  };
}

/** The same rules in Envoy's own filter. */
export function rbac(count: number): Variant {
  const permissions = Array.from({ length: count }, (_, i) => ({
    and_rules: {
      rules: [
        { url_path: { path: { exact: i === count - 1 ? "/" : `/path-${i}` } } },
        { header: { name: ":method", string_match: { exact: "GET" } } },
      ],
    },
  }));
  return {
    name: `native rbac, ${count} rules`,
    filters: [
      {
        name: "rbac",
        typed_config: {
          "@type": `${TYPES}.rbac.v3.RBAC`,
          rules: {
            action: "ALLOW",
            policies: Object.fromEntries(
              permissions.map((rule, i) => [
                `rule-${String(i).padStart(6, "0")}`,
                { permissions: [rule], principals: [{ any: true }] },
              ]),
            ),
          },
        },
      },
    ],
  };
}

export function nativeRoutes(count: number): Json[] {
  return routeValues(count).map((exact) => ({
    match: { prefix: "/", headers: [{ name: "x-route", string_match: { exact } }] },
    direct_response: directResponse,
  }));
}

export function nativeRegexRoutes(count: number): Json[] {
  return routeRegexes(count).map((regex) => ({
    match: { prefix: "/", headers: [{ name: "x-user", string_match: { safe_regex: { regex } } }] },
    direct_response: directResponse,
  }));
}

export function nativeTree(count: number): Json {
  const action = {
    name: "route",
    typed_config: {
      "@type": "type.googleapis.com/envoy.config.route.v3.Route",
      match: { prefix: "/" },
      direct_response: directResponse,
    },
  };
  return {
    matcher_tree: {
      input: {
        name: "x-route",
        typed_config: {
          "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
          header_name: "x-route",
        },
      },
      exact_match_map: { map: Object.fromEntries(routeValues(count).map((value) => [value, { action }])) },
    },
  };
}

export function routeValues(count: number): string[] {
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? "last" : `route-${i}`));
}

export function routeRegexes(count: number): string[] {
  return routeValues(count).map((value) => `[^@]+@${value}\\.example`);
}
