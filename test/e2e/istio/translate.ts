import { Conversation } from "./conversation.ts";
import type { Istio } from "./program.ts";

export interface TranslateRequest {
  /** Istio resources in YAML or JSON; several are separated by lines of `---`. Without a namespace they are in `default`. */
  resources: string;
  /** The proxy that they are translated for. */
  proxy?: {
    /** A gateway (`router`) when absent. */
    type?: "router" | "sidecar";
    /** `default` when absent. */
    namespace?: string;
    /** Of its workload; `istio: ingressgateway` when absent. */
    labels?: Readonly<Record<string, string>>;
  };
}

/** Envoy's `RouteConfiguration` as JSON, with the names of its proto fields; of its routes, what tests look at. */
export interface RouteConfiguration {
  name: string;
  virtual_hosts: { name: string; domains: string[]; routes: EnvoyRoute[] }[];
}

export interface EnvoyRoute extends Record<string, unknown> {
  name?: string;
  match: Record<string, unknown>;
}

/** Envoy's `HttpFilter` as JSON, with the names of its proto fields. */
export interface EnvoyHttpFilter {
  name: string;
  typed_config: Record<string, unknown> & { "@type": string };
}

/** Translates VirtualServices (beside Gateways, ServiceEntries, …) to the routes that pilot generates for a proxy. */
export function translateRoutes(istio: Istio): Conversation<TranslateRequest, { routes: RouteConfiguration[] }> {
  return new Conversation(istio, "translate-routes");
}

/**
 * Translates AuthorizationPolicies and RequestAuthentications to the filters that pilot generates for a proxy: CUSTOM's
 * `ext_authz`, `jwt_authn`, then `rbac` for AUDIT, DENY and ALLOW.
 */
export function translateAuthz(istio: Istio): Conversation<TranslateRequest, { filters: EnvoyHttpFilter[] }> {
  return new Conversation(istio, "translate-authz");
}
