import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { disagreements, filterTakes } from "../../test/schema-agreement.ts";
import { mutations } from "../../test/mutations.ts";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
const module = new URL("build/plugin.wasm", import.meta.url);
const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false });
const schemaTakes = ajv.compile(JSON.parse(read("schema.json")) as object);

const match = [
  {
    uri: { pathSeparatedPrefix: "/api" },
    ignoreUriCase: true,
    method: { exact: "GET" },
    authority: { prefix: "api." },
    port: 80,
    headers: { "x-a": {}, "@request.auth.claims.group": { exact: "b" } },
    withoutHeaders: { "x-b": { exact: "c" } },
    queryParams: { q: { prefix: "d" } },
    cookies: { e: {} },
  },
];

const everything = {
  limits: [
    { name: "first", limit: 5, per: "1s" },
    {
      name: "gcra",
      scope: "local",
      match,
      key: [
        { genericKey: "a" },
        { header: "x-user", name: "user", onMissing: "reject" },
        { query: "key" },
        { cookie: "id" },
        { claim: "a.b" },
        { metadata: { filter: "envoy.lb", path: ["a", "b"] } },
        { requestMatch: { value: "mobile", match, expectMatch: false } },
        { remoteAddress: {} },
        { maskedRemoteAddress: { v4: 16, v6: 48 } },
        { path: {} },
        { pathTemplate: ["/users/{*}", "/{**}"] },
        ...[
          "host",
          "method",
          "route",
          "connection",
          "principal",
          "consumer",
          "sourceCluster",
          "destinationCluster",
        ].map((kind) => ({
          [kind]: {},
        })),
      ],
      algorithm: "gcra",
      limit: 1_000_000,
      per: "1m",
      burst: 5,
      cost: 2,
      costFrom: { responseHeader: "x-cost", max: 100 },
      countStatuses: [401, "5xx"],
      overrides: [
        { when: { user: { exact: "gold" } }, limit: 1000, per: "1s", burst: 7 },
        {
          when: { user: { prefix: "in-" }, path: { exact: "/" } },
          windows: [{ limit: 5, per: "1d", name: "w" }],
          shareThreshold: true,
        },
        { when: { user: { exact: "free" } }, unlimited: true, replaces: ["first"] },
        { when: { user: { exact: "evil" } }, ban: true },
      ],
      mode: "shadow",
      enabledPercent: 50,
      enforcedPercent: 50,
      percentBy: "key",
      failureMode: "allow",
      failureModeDenyPercent: 10,
      slots: 1000,
      response: { status: 420, statusOnError: 503, grpcStatus: 14, body: { json: "{}" } },
    },
    { name: "bucket", algorithm: "tokenBucket", maxTokens: 5, tokensPerFill: 2, fillInterval: "1ms" },
    { name: "fixed", algorithm: "fixedWindow", limit: 5, per: "month", costFrom: { header: "x-cost" } },
    { name: "sliding", algorithm: "slidingWindow", windows: [{ name: "w", limit: 5, per: "1s" }] },
    { name: "log", scope: "worker", algorithm: "slidingLog", limit: 64, per: "366d", costFrom: { query: "cost" } },
    { name: "busy", algorithm: "concurrency", limit: 5, longest: "10m" },
    {
      name: "shared",
      scope: "global",
      key: [{ remoteAddress: {} }],
      limit: 5,
      per: "week",
      countStatuses: ["4xx"],
      replaces: ["busy"],
      overrides: [{ when: { remoteAddress: { prefix: "10." } }, limit: 7, per: "1s" }],
    },
  ],
  rules: [
    { match: [{ uri: { prefix: "/free" } }] },
    { route: { exact: "search" }, limits: [{ name: "search", limit: 5, per: "1s" }] },
  ],
  evaluation: "first",
  response: {
    status: 503,
    body: { problem: true },
    headers: "all",
    headersOnAllowed: true,
    partitionKeys: true,
    disableXEnvoyRatelimitedHeader: true,
  },
  keySecret: "0123456789abcdef",
  clientAddress: { xff: { trustedCidrs: ["10.0.0.0/8", "2001:db8::/32"] } },
  state: { slots: 100, keepOnReload: true },
  replicas: 3,
  workers: 4,
  shadowHeader: "x-shadow",
  shed: { minTimeLeft: "50ms" },
  domain: "edge",
  rateLimitService: { http: { service: "rls.infra.svc.cluster.local", port: 8080, path: "/json" }, timeout: "50ms" },
};

const limit = { name: "a", limit: 1, per: "1s" };
const plugin = parseAllDocuments(read("wasmplugin.yaml"))[0]!.toJS() as { spec: { pluginConfig: unknown } };
const readmeExamples = [...read("README.md").matchAll(/```json\n([^]*?)```/g)].map(([, json]) => json!);
const recipe = (name: string): [string, unknown] => [
  name,
  JSON.parse(read(`../../examples/rate-limit-recipes/${name}`)),
];
const valid: [string, unknown][] = [
  ["everything", everything],
  ["the WasmPlugin's", plugin.spec.pluginConfig],
  ["docs/deploy's", parse(read("../../docs/deploy/rate-limit/config.yaml"))],
  ...readmeExamples.map((json, index): [string, unknown] => [`the README's number ${index + 1}`, JSON.parse(json)]),
  ...["per-ip.json", "per-api-key.json", "plans.json", "guessing.json", "global.json", "too-busy.json"].map(recipe),
  ["hops that are trusted", { limits: [limit], clientAddress: { xff: { trustedHops: 2 } } }],
];

/** What only the filter can judge: what one part of a configuration says about another. */
const beyondSchema: [string, unknown][] = [
  [
    "a limit that replaces one behind it",
    {
      limits: [
        { ...limit, replaces: ["b"] },
        { ...limit, name: "b" },
      ],
    },
  ],
  ["two limits of one name", { limits: [limit, limit] }],
  ["an override of no entry", { limits: [{ ...limit, overrides: [{ when: { user: {} }, ban: true }] }] }],
  ["a burst that takes too long", { limits: [{ ...limit, per: "366d", burst: 2 ** 53 }] }],
  ["a period that is too short", { limits: [{ ...limit, per: "0.5ms" }] }],
];

describe("the schema of rate-limit", () => {
  it.each(valid)("and the filter take the configuration: %s", async (_, configuration) => {
    expect(schemaTakes(configuration), ajv.errorsText(schemaTakes.errors)).toBe(true);
    expect(await filterTakes(module, configuration)).toBe(true);
  });

  it.each(beyondSchema)("leaves to the filter: %s", async (_, configuration) => {
    expect(schemaTakes(configuration)).toBe(true);
    expect(await filterTakes(module, configuration)).toBe(false);
  });

  it("and the filter judge 1,000 mutations alike", { timeout: 240_000 }, async () => {
    const all = mutations(everything);
    expect(all.length).toBeGreaterThanOrEqual(1000);
    const differing = (await disagreements(module, schemaTakes, all)).map(({ text }) => text);
    // Whether an override's entry is one of the key, and whether a limit before this one has a name.
    expect(differing).toEqual([
      "limits[0]: leaving it out is taken by the schema only",
      'limits[0].name: "text" is taken by the schema only',
      "limits[1].key[1]: leaving it out is taken by the schema only",
      'limits[1].key[1].name: "text" is taken by the schema only',
      'limits[1].key[1].name: "" is taken by the schema only',
      "limits[1].key[1].name: leaving it out is taken by the schema only",
      "limits[1].key[9]: leaving it out is taken by the schema only",
      'limits[1].overrides[2].replaces[0]: "text" is taken by the schema only',
      "limits[6]: leaving it out is taken by the schema only",
      'limits[6].name: "text" is taken by the schema only',
      'limits[7].replaces[0]: "text" is taken by the schema only',
    ]);
  });
});
