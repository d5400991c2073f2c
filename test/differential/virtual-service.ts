/** The part of Istio's VirtualService that both sides of the comparison know. */
export interface StringMatch {
  exact?: string;
  prefix?: string;
  regex?: string;
  /** The filter's own, which Envoy has too. */
  pathSeparatedPrefix?: string;
}

export interface Match {
  name?: string;
  uri?: StringMatch;
  ignoreUriCase?: boolean;
  method?: StringMatch;
  scheme?: StringMatch;
  authority?: StringMatch;
  headers?: Record<string, StringMatch>;
  withoutHeaders?: Record<string, StringMatch>;
  queryParams?: Record<string, StringMatch>;
  port?: number;
  /** The filter's own, which Envoy has too. */
  cookies?: Record<string, StringMatch>;
}

export interface HeaderOperations {
  set?: Record<string, string>;
  add?: Record<string, string>;
  remove?: string[];
}

export interface Headers {
  request?: HeaderOperations;
  response?: HeaderOperations;
}

export interface Redirect {
  uri?: string;
  prefixRewrite?: string;
  authority?: string;
  port?: number;
  derivePort?: "FROM_PROTOCOL_DEFAULT" | "FROM_REQUEST_PORT";
  scheme?: "http" | "https";
  redirectCode?: number;
}

export interface CorsPolicy {
  allowOrigins: StringMatch[];
  allowMethods?: string[];
  allowHeaders?: string[];
  exposeHeaders?: string[];
  maxAge?: string;
  allowCredentials?: boolean;
  unmatchedPreflights?: "FORWARD" | "IGNORE";
}

export interface Destination {
  host: string;
  subset?: string;
  port: { number: number };
}

export interface HttpRoute {
  name?: string;
  match?: Match[];
  route?: { destination: Destination; weight?: number; headers?: Headers }[];
  redirect?: Redirect;
  directResponse?: { status: number; body?: { string: string } };
  rewrite?: { uri?: string; authority?: string; uriRegexRewrite?: { match: string; rewrite: string } };
  headers?: Headers;
  timeout?: string;
  retries?: { attempts: number; retryOn?: string; perTryTimeout?: string };
  corsPolicy?: CorsPolicy;
}
