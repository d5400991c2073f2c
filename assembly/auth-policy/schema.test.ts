import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { disagreements, filterTakes } from "../../test/schema-agreement.ts";
import { mutations } from "../../test/mutations.ts";

const module = new URL("build/plugin.wasm", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false });
const schemaTakes = ajv.compile(JSON.parse(read("schema.json")) as object);

const issuer = "https://issuer.example";
const jwks = '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}';
const both = (name: string, ...values: string[]) => ({
  [name]: values,
  [`not${name[0]!.toUpperCase()}${name.slice(1)}`]: values,
});

const everything = {
  requestAuthentication: [
    {
      jwtRules: [
        {
          issuer,
          audiences: ["shop"],
          jwks,
          timeout: "1s",
          fromHeaders: [{ name: "x-token", prefix: "Token " }],
          fromParams: ["token"],
          fromCookies: ["token"],
          forwardOriginalToken: true,
          outputPayloadToHeader: "x-payload",
          outputClaimToHeaders: [{ header: "x-user", claim: "sub" }],
          spaceDelimitedClaims: ["roles"],
          requireExpiration: true,
          maxLifetime: "1h",
        },
        { issuer, jwksUri: "https://issuer.example/keys", cluster: "issuer", timeout: "2s" },
        { issuer },
      ],
      selector: { matchLabels: { app: "a" } },
    },
    { apiVersion: "security.istio.io/v1", kind: "RequestAuthentication", metadata: {}, spec: { jwtRules: [] } },
  ],
  authorizationPolicies: [
    {
      name: "payments",
      namespace: "shop",
      annotations: { "istio.io/dry-run": "true" },
      action: "DENY",
      rules: [
        {
          from: [
            {
              source: {
                ...both("principals", "cluster.local/ns/shop/sa/orders"),
                ...both("namespaces", "shop"),
                ...both("trustDomains", "cluster.local"),
                ...both("requestPrincipals", `${issuer}/*`),
                ...both("ipBlocks", "10.0.0.0/8"),
                ...both("remoteIpBlocks", "2001:db8::/32"),
              },
            },
            { source: both("serviceAccounts", "shop/orders") },
          ],
          to: [
            {
              operation: {
                ...both("hosts", "shop.example"),
                ...both("ports", "8080"),
                ...both("methods", "GET"),
                ...both("paths", "/payments/{*}/refund", "/a*", "regex:/b+"),
              },
            },
          ],
          when: [
            { key: "request.headers[x-a]", values: ["a", "regex:[a-z]+"], notValues: ["b"] },
            {
              key: "request.query[a]",
              valuesFrom: ["request.auth.claims[a]"],
              notValuesFrom: ["request.auth.claims[b]"],
            },
            { key: "source.ip", values: ["10.0.0.1"] },
            { key: "destination.port", notValues: ["80"] },
            { key: "request.auth.claims[a][b]", values: ["*"] },
            { key: "experimental.envoy.filters.a.b[c]", values: ["d"] },
          ],
        },
      ],
    },
    {
      apiVersion: "security.istio.io/v1",
      kind: "AuthorizationPolicy",
      metadata: { name: "a", namespace: "b", annotations: { "istio.io/dry-run": "false" }, labels: {} },
      spec: { action: "CUSTOM", provider: { name: "http" }, rules: [{}] },
      status: {},
    },
    { action: "AUDIT", rules: [{}] },
    {},
  ],
  extensionProviders: [
    {
      name: "http",
      envoyExtAuthzHttp: {
        service: "a.b.svc.cluster.local",
        port: 8080,
        timeout: "1s",
        failOpen: false,
        statusOnError: "503",
        includeRequestBodyInCheck: { maxRequestBytes: 1024, allowPartialMessage: true, packAsBytes: false },
        pathPrefix: "/check",
        includeRequestHeadersInCheck: ["cookie"],
        includeHeadersInCheck: ["x-a"],
        includeAdditionalHeadersInCheck: { "x-from": "mesh" },
        headersToUpstreamOnAllow: ["x-user"],
        headersToDownstreamOnAllow: ["set-cookie"],
        headersToDownstreamOnDeny: ["set-cookie"],
        clearRouteCache: true,
      },
    },
    { name: "grpc", envoyExtAuthzGrpc: { cluster: "authz", statusOnError: 503 } },
    { name: "opa", opa: { cluster: "opa", path: "/v1/data/a" } },
  ],
  response: {
    status: 404,
    grpcStatus: "5",
    headers: { "x-docs": "https://docs.example" },
    deniedByHeader: "x-denied-by",
    body: { json: '{"error":"denied"}' },
  },
  options: {
    pathNormalization: "mergeSlashes",
    ignorePathParameters: true,
    rejectOnDifference: true,
    multiValue: "istio",
    requireMtls: true,
    sourceIpFrom: "remoteAddress",
    clockSkew: "30s",
    cachedTokens: 10,
    jwksRefresh: "1m",
    jwksRefetch: "5s",
    unknownIssuer: "ignore",
    regex: true,
  },
};

/** What only one of both can judge. */
const reasons: readonly [RegExp, string][] = [
  [/^options(\.sourceIpFrom)?: /, "without the option, ipBlocks elsewhere are refused"],
  [/^response\.body\.json: "/, "whether a text is JSON"],
  [/^authorizationPolicies\[0\]\.namespace: leaving/, "whether service accounts have a namespace of their own"],
];

/** The configuration in the manifest for Istio, and in that for Envoy. */
const ofWasmPlugin = parseAllDocuments(read("wasmplugin.yaml"))[0]!.toJS().spec.pluginConfig as unknown;
const ofEnvoy = JSON.parse(/value: \|\n((?: {28}.*\n)+)/.exec(read("envoy.yaml"))![1]!) as unknown;

describe("the schema of auth-policy", () => {
  it.each<[string, unknown]>([
    ["everything", everything],
    ["nothing", {}],
    ["wasmplugin.yaml", ofWasmPlugin],
    ["envoy.yaml", ofEnvoy],
  ])("and the filter take %s", async (_, configuration) => {
    expect(schemaTakes(configuration), ajv.errorsText(schemaTakes.errors)).toBe(true);
    expect(await filterTakes(module, configuration)).toBe(true);
  });

  it("and the filter judge 2,000 mutations alike", { timeout: 240_000 }, async () => {
    const all = mutations(everything);
    expect(all.length).toBeGreaterThan(2000);
    const differing = await disagreements(module, schemaTakes, all);
    expect(differing.filter(({ text }) => !reasons.some(([pattern]) => pattern.test(text)))).toEqual([]);
    expect(differing.length).toBeLessThanOrEqual(5);
  });
});
