import type { Json } from "../../translation.ts";
import type { Side } from "./services.ts";

/** An external service, in Istio's shape, and how long it may think. */
export interface Provider {
  kind: "http" | "grpc";
  failOpen: boolean;
  statusOnError?: number;
  includeRequestBodyInCheck?: { maxRequestBytes: number; allowPartialMessage?: boolean; packAsBytes?: boolean };
  /** Of HTTP services. */
  pathPrefix?: string;
  includeRequestHeadersInCheck?: string[];
  includeAdditionalHeadersInCheck?: Record<string, string>;
  headersToUpstreamOnAllow?: string[];
  headersToDownstreamOnAllow?: string[];
  headersToDownstreamOnDeny?: string[];
}

const TIMEOUT = "5s";
const EXTENSIONS = "type.googleapis.com/envoy.extensions.filters.http";

/** The cluster of the service that a side asks. */
export const serviceCluster = (kind: Provider["kind"], side: Side): string => `${kind}-${side}`;

/** The filter that Istio puts in the place of a `CUSTOM` policy for all requests. */
export function nativeFilter(provider: Provider): Json {
  const cluster = serviceCluster(provider.kind, "native");
  const { failOpen, statusOnError = 403, includeRequestBodyInCheck: body } = provider;
  const typed_config = {
    "@type": `${EXTENSIONS}.ext_authz.v3.ExtAuthz`,
    transport_api_version: "V3",
    failure_mode_allow: failOpen,
    status_on_error: { code: statusOnError },
    ...(provider.kind === "grpc"
      ? { grpc_service: { envoy_grpc: { cluster_name: cluster, authority: cluster }, timeout: TIMEOUT } }
      : httpService(provider, cluster)),
    ...(body === undefined
      ? {}
      : {
          with_request_body: {
            max_request_bytes: body.maxRequestBytes,
            allow_partial_message: body.allowPartialMessage ?? false,
            pack_as_bytes: body.packAsBytes ?? false,
          },
        }),
  };
  return { name: "native", typed_config };
}

function httpService(provider: Provider, cluster: string): Json {
  const { pathPrefix, includeRequestHeadersInCheck: included, includeAdditionalHeadersInCheck: additional } = provider;
  const { headersToUpstreamOnAllow: upstream, headersToDownstreamOnAllow: onAllow } = provider;
  const response = {
    ...(upstream === undefined ? {} : { allowed_upstream_headers: matchers(upstream) }),
    ...(onAllow === undefined ? {} : { allowed_client_headers_on_success: matchers(onAllow) }),
    ...(provider.headersToDownstreamOnDeny === undefined
      ? {}
      : { allowed_client_headers: matchers(provider.headersToDownstreamOnDeny) }),
  };
  const headers = Object.entries(additional ?? {}).map(([key, value]) => ({ key, value }));
  return {
    ...(included === undefined ? {} : { allowed_headers: matchers(included) }),
    http_service: {
      server_uri: { uri: `http://${cluster}`, cluster, timeout: TIMEOUT },
      ...(pathPrefix === undefined ? {} : { path_prefix: pathPrefix }),
      ...(headers.length === 0 ? {} : { authorization_request: { headers_to_add: headers } }),
      authorization_response: response,
    },
  };
}

function matchers(names: readonly string[]): Json {
  return {
    patterns: names.map((name) => {
      if (name.startsWith("*")) return { suffix: name.slice(1), ignore_case: true };
      return name.endsWith("*") ? { prefix: name.slice(0, -1), ignore_case: true } : { exact: name, ignore_case: true };
    }),
  };
}

/** The configuration of ours. */
export function ownConfiguration({ kind, ...provider }: Provider): Json {
  const service = { cluster: serviceCluster(kind, "filter"), timeout: TIMEOUT, ...provider };
  return {
    extensionProviders: [{ name: "authz", [kind === "http" ? "envoyExtAuthzHttp" : "envoyExtAuthzGrpc"]: service }],
    authorizationPolicies: [{ action: "CUSTOM", provider: { name: "authz" }, rules: [{}] }],
  };
}
