import { generateKeyPairSync, sign, type KeyPairKeyObjectResult } from "node:crypto";
import { fileURLToPath } from "node:url";
import { builders } from "./modules.ts";
import type { Case, Json, Variant } from "./case.ts";
import {
  answered,
  nativeLimitPerUser,
  nativeRateLimit,
  nativeRegexRoutes,
  nativeRoutes,
  nativeTree,
  rbac,
  routeRegexes,
  routeValues,
  statsLogger,
  TYPES,
} from "./native.ts";
import { startRateLimitService } from "./rate-limit-service.ts";

const assembly = (name: string) => async () =>
  fileURLToPath(new URL(`../assembly/${name}/build/plugin.wasm`, import.meta.url));

const made = (kind: keyof typeof builders, name: string): Variant => ({
  name: {
    ours: "Attaché",
    hand: "hand-written AssemblyScript",
    peer: "@gcoredev/proxy-wasm-sdk-as",
    rust: "Rust SDK",
    go: "Go",
  }[kind],
  module: async () => await builders[kind](name),
});
const lua = (code: string): Variant => ({
  name: "Lua",
  filters: [
    { name: "lua", typed_config: { "@type": `${TYPES}.lua.v3.Lua`, default_source_code: { inline_string: code } } },
  ],
});

const tenHeaders = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`x-h${i}`, `value-${i}`]));

export const cases: readonly Case[] = [
  {
    name: "noop",
    what: "two callbacks that do nothing",
    variants: [made("ours", "noop"), made("rust", "noop")],
  },
  {
    name: "add-header",
    what: "one header added to the response",
    variants: [
      made("hand", "add-header"),
      made("ours", "add-header"),
      made("rust", "add-header"),
      made("go", "add-header"),
      made("peer", "add-header"),
      lua('function envoy_on_response(handle) handle:headers():add("x-bench", "hello") end'),
      {
        name: "native header_mutation",
        filters: [
          {
            name: "header_mutation",
            typed_config: {
              "@type": `${TYPES}.header_mutation.v3.HeaderMutation`,
              mutations: { response_mutations: [{ append: { header: { key: "x-bench", value: "hello" } } }] },
            },
          },
        ],
      },
    ],
  },
  {
    name: "read-headers",
    what: "ten request headers read and their prefix matched",
    requestHeaders: tenHeaders,
    variants: [
      made("ours", "read-headers"),
      made("rust", "read-headers"),
      lua(
        'function envoy_on_request(handle) local h = handle:headers() for i = 0, 9 do local v = h:get("x-h" .. i) if not v or v:sub(1, 6) ~= "value-" then handle:respond({[":status"] = "403"}, "") end end end',
      ),
    ],
  },
  {
    name: "body",
    what: "a response body of 1 KiB replaced",
    body: "o".repeat(1024),
    variants: [
      made("ours", "body"),
      made("rust", "body"),
      lua(`function envoy_on_response(handle) handle:body():setBytes(string.rep("r", 1024)) end`),
    ],
  },
  {
    name: "shared-data",
    what: "one number in shared data counted up by compare-and-swap",
    variants: [made("ours", "shared-data"), made("rust", "shared-data")],
  },
  { name: "counter", what: "one counter incremented", variants: [made("ours", "counter"), made("rust", "counter")] },
  {
    name: "attributes",
    what: "three attributes read",
    variants: [made("ours", "attributes"), made("rust", "attributes")],
  },
  {
    name: "auth-policy",
    what: "the last of N rules by path and method (filter auth-policy)",
    variants: [10, 1000, 10_000].flatMap((count) => [
      {
        name: `Attaché, ${count} rules`,
        module: assembly("auth-policy"),
        configuration: { authorizationPolicies: policies(count) },
      },
      rbac(count),
    ]),
  },
  signedToken("jwt-rs256", "RS256", generateKeyPairSync("rsa", { modulusLength: 2048 })),
  signedToken("jwt-es256", "ES256", generateKeyPairSync("ec", { namedCurve: "P-256" })),
  {
    name: "rate-limit",
    what: "one local limit on one key, which is never reached",
    variants: [
      { ...made("hand", "rate-limit"), name: "hand-written, the same host calls" },
      {
        name: "native local_ratelimit",
        filters: [
          {
            name: "local_ratelimit",
            typed_config: {
              "@type": `${TYPES}.local_ratelimit.v3.LocalRateLimit`,
              stat_prefix: "bench",
              token_bucket: { max_tokens: 1_000_000_000, tokens_per_fill: 1_000_000_000, fill_interval: "1s" },
              filter_enabled: { default_value: { numerator: 100 } },
              filter_enforced: { default_value: { numerator: 100 } },
            },
          },
        ],
      },
      {
        name: "Attaché, one limit",
        module: assembly("rate-limit"),
        configuration: {
          limits: [
            { name: "all", key: [{ maskedRemoteAddress: { v4: 32, v6: 64 } }], limit: 1_000_000_000, per: "1s" },
          ],
        },
      },
    ],
  },
  {
    name: "rate-limit-clients",
    what: "one local limit per client, one client or a million",
    requestHeaders: { "x-user": "0" },
    variants: [1, 1_000_000].flatMap((clients) => [
      {
        ...answered,
        name: `Attaché, ${clients.toLocaleString("en")} clients`,
        module: assembly("rate-limit"),
        configuration: { limits: [{ name: "all", key: [{ header: "x-user" }], limit: 1_000_000_000, per: "1s" }] },
        clients,
      },
      nativeLimitPerUser(clients),
    ]),
  },
  {
    name: "rate-limit-service",
    what: "one limit counted by the rate limit service",
    requestHeaders: { "x-user": "0" },
    surroundings: async () =>
      await startRateLimitService(
        "domain: edge\ndescriptors:\n  - key: x-user\n    rate_limit: { unit: second, requests_per_unit: 1000000000 }\n",
      ),
    variants: [
      answered,
      nativeRateLimit(),
      ...["grpc", "http"].map((protocol) => ({
        ...answered,
        name: `Attaché, over ${protocol === "grpc" ? "gRPC" : "HTTP"}`,
        module: assembly("rate-limit"),
        configuration: {
          domain: "edge",
          rateLimitService: { [protocol]: { cluster: `service-${protocol}` }, timeout: "1s" },
          limits: [{ name: "all", scope: "global", key: [{ header: "x-user" }] }],
        },
      })),
    ],
  },
  {
    name: "metrics",
    what: "Istio's standard metrics for HTTP",
    variants: [{ name: "Attaché, standard set", module: assembly("metrics") }, statsLogger],
  },
  {
    name: "header-routing",
    what: "the last of N routes by a header (filter header-routing)",
    requestHeaders: { "x-route": "last" },
    variants: [
      { ...made("ours", "noop"), name: "two callbacks that do nothing" },
      { ...made("ours", "read-and-set"), name: "the filter's two host calls alone" },
      ...[10, 1000, 5000].flatMap((count) => [
        {
          name: `Attaché, ${count} routes`,
          module: assembly("header-routing"),
          configuration: { http: routes(count) },
        },
        { name: `native list, ${count} routes`, virtualHost: { routes: nativeRoutes(count) } },
      ]),
      { name: "native match tree, 5000 routes", virtualHost: { matcher: nativeTree(5000) } },
    ],
  },
  {
    name: "header-routing-regex",
    what: "the last of N routes by a regular expression (filter header-routing)",
    requestHeaders: { "x-user": "jane.doe@last.example" },
    variants: [10, 100, 1000].flatMap((count) => [
      {
        name: `Attaché, ${count} routes`,
        module: assembly("header-routing"),
        configuration: { http: regexRoutes(count) },
      },
      { name: `native list, ${count} routes`, virtualHost: { routes: nativeRegexRoutes(count) } },
    ]),
  },
];

/** The last of them matches: a path and a header each. */
function policies(count: number): Json[] {
  const rules = Array.from({ length: count }, (_, i) => ({
    to: [{ operation: { paths: [i === count - 1 ? "/" : `/path-${i}`], methods: ["GET"] } }],
  }));
  return [{ name: "bench", namespace: "bench", action: "ALLOW", rules }];
}

/** A token that is verified anew for each request, and one that is known. */
function signedToken(name: string, algorithm: string, pair: KeyPairKeyObjectResult): Case {
  const issuer = "https://issuer.example";
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const message = `${encode({ alg: algorithm, kid: "k" })}.${encode({ iss: issuer, sub: "ann", exp: 4e9 })}`;
  const signature = sign("sha256", Buffer.from(message), { key: pair.privateKey, dsaEncoding: "ieee-p1363" });
  const jwks = JSON.stringify({ keys: [{ ...pair.publicKey.export({ format: "jwk" }), kid: "k", alg: algorithm }] });
  const ours = (cachedTokens: number) => ({
    module: assembly("auth-policy"),
    configuration: { requestAuthentication: [{ jwtRules: [{ issuer, jwks }] }], options: { cachedTokens } },
  });
  const native = (cache: Json): Json[] => [
    {
      name: "jwt_authn",
      typed_config: {
        "@type": `${TYPES}.jwt_authn.v3.JwtAuthentication`,
        providers: { p: { issuer, local_jwks: { inline_string: jwks }, ...cache } },
        rules: [{ match: { prefix: "/" }, requires: { provider_name: "p" } }],
      },
    },
  ];
  return {
    name,
    what: `a token signed by ${algorithm} (filter auth-policy)`,
    requestHeaders: { authorization: `Bearer ${message}.${signature.toString("base64url")}` },
    variants: [
      { name: "Attaché, first time", ...ours(0) },
      { name: "native jwt_authn, first time", filters: native({}) },
      { name: "Attaché, token seen before", ...ours(256) },
      { name: "native jwt_authn, token seen before", filters: native({ jwt_cache_config: { jwt_cache_size: 100 } }) },
    ],
  };
}

function routes(count: number): Json[] {
  return routeValues(count).map((exact, i) => ({
    match: [{ uri: { prefix: "/" }, headers: { "x-route": { exact } } }],
    route: [{ destination: { host: `service-${i}` } }],
  }));
}

function regexRoutes(count: number): Json[] {
  return routeRegexes(count).map((regex, i) => ({
    match: [{ headers: { "x-user": { regex } } }],
    route: [{ destination: { host: `service-${i}` } }],
  }));
}
