import { readdirSync, readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { disagreements, filterTakes } from "../../test/schema-agreement.ts";
import { mutations } from "../../test/mutations.ts";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
const module = new URL("build/plugin.wasm", import.meta.url);
const recipes = "../../examples/metrics-recipes/";
const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false });
const schemaTakes = ajv.compile(JSON.parse(read("schema.json")) as object);

const everything = {
  metrics: [
    { dimensions: { zone: "'a'", method: "knownMethod(request.method)" }, tagsToRemove: ["source_app"], drop: false },
    { name: "requests_total", dimensions: { team: "request.headers['x-team'] | 'none'" } },
    { name: "request_bytes", drop: true },
    { tagsToRemove: ["source_version", "destination_version", "source_cluster", "destination_cluster"] },
    { dimensions: { response_code: "statusClass(response.code)", route: "foldIds(request.path)" } },
    { name: "response_messages_total", tagsToRemove: ["source_principal", "destination_principal"] },
  ],
  definitions: [
    { name: "errors", type: "COUNTER", value: "response.code >= 500" },
    { name: "size", type: "HISTOGRAM", value: "request.total_size" },
    { name: "last", type: "GAUGE", value: "response.code" },
    { name: "slow", value: "request.duration > duration('1s')" },
    { name: "all", value: "1" },
    { name: "wait", type: "HISTOGRAM", value: "response.backend_latency" },
    { name: "long_paths", type: "COUNTER", value: "request.path.size() > 1000" },
  ],
  disableHostHeaderFallback: true,
  tcpReportingDuration: "1m30s",
  reporter: "DESTINATION",
  pathTemplates: ["/users/{*}", "/users/{*}/orders", "/static/{**}", "/{**}/health", "/"],
  slo: [
    { name: "api", good: "response.code < 500", match: "request.url_path.startsWith('/api')" },
    { name: "fast", good: "request.duration <= duration('300ms') && response.code < 500" },
    { name: "none", good: "true", match: "false" },
    { name: "writes", good: "response.code != 503", match: "request.method == 'PUT' || request.method == 'POST'" },
  ],
  inFlight: true,
  accessLog: {
    match: "response.code >= 400",
    fields: { team: "request.headers['x-team']", is_slow: "request.duration > duration('1s')" },
  },
  cardinality: { maxSeries: 500 },
};

/** As Istio writes it. */
const istio = {
  metrics: [
    { name: "requests_total", dimensions: { source_app: "'x'" }, tags_to_remove: ["reporter"] },
    { name: "request_duration_milliseconds", drop: true },
  ],
  disable_host_header_fallback: false,
  tcp_reporting_duration: "15s",
  reporter: "SERVER_GATEWAY",
};

const plugin = parseAllDocuments(read("wasmplugin.yaml"))[0]!.toJS() as { spec: { pluginConfig: unknown } };
const valid: [string, unknown][] = [
  ["everything", everything],
  ["Istio's names", istio],
  ["nothing", {}],
  ["the WasmPlugin's", plugin.spec.pluginConfig],
  ["docs/deploy's", parse(read("../../docs/deploy/metrics/config.yaml"))],
  ...readdirSync(new URL(recipes, import.meta.url))
    .filter((name) => name.endsWith(".json"))
    .map((name): [string, unknown] => [name, JSON.parse(read(recipes + name))]),
  ["the README's", JSON.parse(/```json\n([^]*?)```/.exec(read("README.md"))![1]!)],
  ["a change of a definition", { definitions: [{ name: "a", value: "1" }], metrics: [{ name: "a", drop: true }] }],
];

/** What only the filter can judge: what one part of a configuration says about another, and what expressions mean. */
const beyondSchema: [string, unknown][] = [
  ["a change of no metric", { metrics: [{ name: "nothing" }] }],
  ["two definitions of one name", { definitions: [1, 2].map(() => ({ name: "a", value: "1" })) }],
  ["two objectives of one name", { slo: [1, 2].map(() => ({ name: "a", good: "true" })) }],
  ["pathTemplate without templates", { metrics: [{ dimensions: { a: "pathTemplate(request.path)" } }] }],
  ["an expression that does not compile", { metrics: [{ dimensions: { a: "1 +" } }] }],
  ["an expression of another type", { slo: [{ name: "a", good: "response.code" }] }],
];

describe("the schema of metrics", () => {
  it.each(valid)("and the filter take the configuration: %s", async (_, configuration) => {
    expect(schemaTakes(configuration), ajv.errorsText(schemaTakes.errors)).toBe(true);
    expect(await filterTakes(module, configuration)).toBe(true);
  });

  it.each(beyondSchema)("leaves to the filter: %s", async (_, configuration) => {
    expect(schemaTakes(configuration)).toBe(true);
    expect(await filterTakes(module, configuration)).toBe(false);
  });

  it("and the filter judge 1,000 mutations alike", { timeout: 240_000 }, async () => {
    const all = [...mutations(everything), ...mutations(istio)];
    expect(all.length).toBeGreaterThanOrEqual(1000);
    const differing = (await disagreements(module, schemaTakes, all)).map(({ text }) => text);
    // Whether there is a metric of that name.
    expect(differing).toEqual(
      ["metrics[1]", "metrics[2]", "metrics[5]", "metrics[0]", "metrics[1]"].map(
        (path) => `${path}.name: "text" is taken by the schema only`,
      ),
    );
  });
});
