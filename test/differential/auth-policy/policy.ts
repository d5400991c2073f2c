/** The part of Istio's AuthorizationPolicy and RequestAuthentication that both sides of the comparison know. */
export interface Policy {
  name: string;
  action: "ALLOW" | "DENY" | "AUDIT";
  /** Whether it is only tried; of `ALLOW` and `DENY`. */
  isDryRun?: true;
  rules: Rule[];
}

export interface Rule {
  from?: { source: Source }[];
  to?: { operation: Operation }[];
  when?: Condition[];
}

export type SourceField =
  | "principals"
  | "namespaces"
  | "serviceAccounts"
  | "trustDomains"
  | "requestPrincipals"
  | "ipBlocks"
  | "remoteIpBlocks";
export type OperationField = "hosts" | "ports" | "methods" | "paths";

/** `not…` of each field too. */
export type Source = Partial<Record<SourceField | `not${Capitalize<SourceField>}`, string[]>>;
export type Operation = Partial<Record<OperationField | `not${Capitalize<OperationField>}`, string[]>>;

export interface Condition {
  key: string;
  values?: string[];
  notValues?: string[];
}

export interface JwtRule {
  issuer: string;
  jwks: string;
  audiences?: string[];
  fromHeaders?: { name: string; prefix?: string }[];
  fromParams?: string[];
  fromCookies?: string[];
  forwardOriginalToken?: boolean;
  outputPayloadToHeader?: string;
  outputClaimToHeaders?: { header: string; claim: string }[];
  spaceDelimitedClaims?: string[];
}

/** What one proxy enforces, and how it reads requests. */
export interface Table {
  policies: Policy[];
  jwtRules: JwtRule[];
  /** Whether clients speak TLS; those without a certificate are welcome too. */
  tls: boolean;
  /** Whether the proxy normalises paths before its filters, as Istio's do. */
  normalizesPath: boolean;
  pathNormalization: "none" | "base" | "mergeSlashes" | "decodeAndMergeSlashes";
  multiValue: "strict" | "istio";
  /** Whether rules ask for the address of the direct peer: clients send no `x-forwarded-for` then. */
  usesPeerAddress: boolean;
}

/** A policy as the resource that both sides read. */
export function resourceOf({ name, isDryRun, ...spec }: Policy): object {
  const annotations = isDryRun === true ? { annotations: { "istio.io/dry-run": "true" } } : {};
  const metadata = { name, namespace: "default", ...annotations };
  return { apiVersion: "security.istio.io/v1", kind: "AuthorizationPolicy", metadata, spec };
}
