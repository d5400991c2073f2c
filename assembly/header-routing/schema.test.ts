import { readFileSync, readdirSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { disagreements, filterTakes } from "../../test/schema-agreement.ts";
import { mutations } from "../../test/mutations.ts";

const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
const module = new URL("build/plugin.wasm", import.meta.url);
const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, validateFormats: true });
ajv.addFormat("regex", (text) => isRegex(text));
const schemaTakes = ajv.compile(read("schema.json") as object);

function isRegex(text: string): boolean {
  try {
    return text === "*" || new RegExp(text, "u") instanceof RegExp;
  } catch {
    return false;
  }
}

const everything = {
  hosts: ["shop.example", "*.example.com"],
  http: [
    {
      name: "all matches",
      match: [
        {
          name: "m",
          uri: { exact: "/a" },
          ignoreUriCase: true,
          method: { regex: "GET|PUT" },
          scheme: { prefix: "http" },
          authority: { exact: "shop.example" },
          port: 8080,
          headers: { "end-user": { exact: "vip" }, "@request.auth.claims.sub": {} },
          withoutHeaders: { "x-bot": {} },
          queryParams: { v: { exact: "" } },
          cookies: { user: { prefix: "u" } },
        },
        { uri: { pathSeparatedPrefix: "/b" } },
      ],
      route: [
        { destination: { host: "app", subset: "v1", port: { number: 80 } }, weight: 90 },
        { destination: { host: "app" }, weight: 10, headers: { response: { set: { "x-version": "2" } } } },
      ],
      headers: {
        request: {
          rename: { "x-a": "x-b" },
          copy: { "x-c": "x-d" },
          remove: ["x-e"],
          set: { "x-f": "1" },
          add: { "x-g": "2" },
          dedupe: ["x-h"],
        },
      },
      rewrite: { uri: "/new", authority: "internal" },
      timeout: "1.5s",
      retries: { attempts: 3, perTryTimeout: "500ms", retryOn: "5xx,429" },
      corsPolicy: {
        allowOrigins: [{ exact: "https://a.example" }],
        allowMethods: ["GET"],
        allowHeaders: ["x-a"],
        exposeHeaders: ["x-b"],
        maxAge: "1h",
        allowCredentials: true,
        unmatchedPreflights: "IGNORE",
      },
    },
    {
      match: [{}],
      route: [{ destination: { host: "a" } }],
      rewrite: { uriRegexRewrite: { match: "/(.*)", rewrite: "/x/\\1" } },
    },
    { redirect: { uri: "/new", authority: "b.example", port: 8443, scheme: "https", redirectCode: 308 } },
    { redirect: { prefixRewrite: "/new", derivePort: "FROM_REQUEST_PORT" } },
    { directResponse: { status: 503, body: { string: "closed" } } },
  ],
  options: {
    subsetHeader: "x-target",
    stickyBy: [{ header: "x-user" }, { claim: "sub" }, { remoteAddress: true }, { cookie: "id", ttl: "0s", path: "/" }],
    unmatched: 404,
    trafficTags: [
      {
        header: "x-tag",
        trustIncoming: true,
        rules: [{ match: [{ uri: { prefix: "/old" } }], value: "old" }],
        weights: [{ value: "a", weight: 1 }, { value: "b" }],
        default: "base",
      },
    ],
  },
};

const resource = {
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "a", namespace: "b" },
  spec: { hosts: ["a"], gateways: ["mesh"], exportTo: ["*"], http: [{ route: [{ destination: { host: "a" } }] }] },
};

const recipes = "../../examples/routing-recipes/";
const examples = [
  "../../examples/canary/config.json",
  ...readdirSync(new URL(recipes, import.meta.url))
    .filter((name) => name.endsWith(".json"))
    .map((name) => recipes + name),
];

/** What only one of both can judge. */
const reasons: readonly [RegExp, string][] = [
  [/uriRegexRewrite\.(match|rewrite)/, "whether a substitution names a group that the pattern has"],
];

describe("the schema of header-routing", () => {
  const valid: [string, unknown][] = [
    ["everything", everything],
    ["a whole resource", resource],
    ["nothing", {}],
    ...examples.map((path): [string, unknown] => [path, read(path)]),
  ];
  it.each(valid)("and the filter take %s", async (_, configuration) => {
    expect(schemaTakes(configuration), ajv.errorsText(schemaTakes.errors)).toBe(true);
    expect(await filterTakes(module, configuration)).toBe(true);
  });

  it("and the filter judge 1,000 mutations alike", { timeout: 240_000 }, async () => {
    const all = [...mutations(everything), ...mutations(resource)];
    expect(all.length).toBeGreaterThan(1000);
    const differing = await disagreements(module, schemaTakes, all);
    expect(differing.filter(({ path }) => !reasons.some(([pattern]) => pattern.test(path)))).toEqual([]);
    expect(differing.length).toBeLessThanOrEqual(5);
  });
});
