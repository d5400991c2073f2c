import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findEnvoy } from "@attache/harness/envoy";
import { withoutEnvoy } from "@attache/harness/vitest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { waitUntil } from "../../harness/envoy/wait.ts";
import { EnvoyFile, type Bootstrap } from "../../test/envoy-file.ts";
import { standardLabels, statsTags, type StatsTagsTarget } from "./stats-tags.ts";

const metrics = new URL("../../assembly/metrics/", import.meta.url);
const envoy = await findEnvoy();

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "attache-stats-tags-"))));
afterAll(async () => await rm(folder, { recursive: true, force: true }));

async function tagsOf(config: unknown, target: StatsTagsTarget = "envoy"): Promise<string> {
  const file = join(folder, "config.json");
  await writeFile(file, JSON.stringify(config));
  return await statsTags(file, target);
}
const namesOf = async (config: unknown) =>
  (parse(await tagsOf(config)) as Bootstrap)["stats_config"].stats_tags.map(
    (tag: { tag_name: string }) => tag.tag_name,
  );

/** The filter's configuration in its `envoy.yaml`. */
const filterOf = (bootstrap: Bootstrap) =>
  bootstrap["static_resources"].listeners[0].filter_chains[0].filters[0].typed_config.http_filters[0].typed_config
    .config;

describe("attache stats-tags", () => {
  it("knows the labels of the filter", async () => {
    const schema = JSON.parse(await readFile(new URL("schema.json", metrics), "utf8")) as Bootstrap;
    expect(standardLabels).toEqual(schema["$defs"].change.properties.tagsToRemove.items.enum);
  });

  it("writes what the filter's envoy.yaml has", async () => {
    const bootstrap = parse(await readFile(new URL("envoy.yaml", metrics), "utf8")) as Bootstrap;
    const written = parse(await tagsOf(JSON.parse(filterOf(bootstrap).configuration.value))) as Bootstrap;
    expect(written["stats_config"]).toEqual(bootstrap["stats_config"]);
  });

  it("writes the annotation that the filter's wasmplugin.yaml has", async () => {
    const text = await readFile(new URL("wasmplugin.yaml", metrics), "utf8");
    const [plugin, deployment] = parseAllDocuments(text).map((document) => document.toJS() as Bootstrap);
    const { template } = (parse(await tagsOf(plugin!["spec"].pluginConfig, "istio")) as Bootstrap)["spec"];
    expect(template.metadata.annotations).toEqual(deployment!["spec"].template.metadata.annotations);
  });

  it.each<[string, object, string[]]>([
    ["nothing that is removed from all metrics", { metrics: [{ tags_to_remove: standardLabels }] }, []],
    ["only what is left", { metrics: [{ tagsToRemove: standardLabels.slice(1) }] }, ["reporter"]],
    [
      "what one metric still has",
      { metrics: [{ tagsToRemove: standardLabels }, { name: "requests_total", dimensions: { b: "'x'", a: "'y'" } }] },
      ["a", "b"],
    ],
    ["nothing of what is dropped", { metrics: [{ drop: true }, { dimensions: { a: "'x'" } }] }, []],
    [
      "labels of definitions",
      { metrics: [{ drop: true }], definitions: [{ name: "a", value: "1" }], slo: [{}] },
      ["slo"],
    ],
  ])("names %s", async (_, config, expected) => {
    expect(await namesOf(config)).toEqual(expected);
  });

  it("names all problems", async () => {
    const message = await tagsOf({
      metrics: [{ name: "request_total" }, { dimensions: { "a.b": "'x'" }, tagsToRemove: "reporter" }, 5],
      definitions: {},
    }).catch((error: Error) => error.message);
    expect(message.split("\n").map((line) => line.slice(line.indexOf(": ") + 2))).toEqual([
      "definitions: expected a list",
      "metrics[2]: expected an object",
      'metrics[0].name: there is no metric "request_total"',
      "metrics[1].tagsToRemove: expected a list of strings",
      'metrics[1].dimensions: "a.b" is not a label name',
    ]);
  });

  it("says when there is no such file", async () => {
    await expect(statsTags(join(folder, "none.yaml"), "envoy")).rejects.toThrow("none.yaml: cannot be read: ENOENT");
  });
});

describe.skipIf(envoy === null)(`in Envoy${envoy === null ? `: ${withoutEnvoy}` : ""}`, () => {
  it.each(["request-count.json", "red.json", "slo.json"])("the tags of %s make labels of all names", async (recipe) => {
    const config = new URL(`../../examples/metrics-recipes/${recipe}`, import.meta.url);
    const tags = parse(await statsTags(fileURLToPath(config), "envoy")) as Bootstrap;
    const configuration = await readFile(config, "utf8");
    await using proxy = await EnvoyFile.start(envoy!, new URL("envoy.yaml", metrics), (bootstrap) => {
      bootstrap["stats_config"] = tags["stats_config"];
      filterOf(bootstrap).configuration.value = configuration;
    });
    const answer = await fetch(`${proxy.proxy}/users/1`, { method: "POST" });
    expect(answer.status).toBe(200);
    const page = await waitUntil("the request to be counted", async () => {
      const text = await proxy.statistics();
      return /^(istio|slo)_\w+total?(\{.*\})? 1$|^istio_request_count\{.*\} 1$/m.test(text) ? text : null;
    });
    expect(page).not.toContain("=.=");
    const names = (tags["stats_config"].stats_tags as { tag_name: string }[]).map((tag) => tag.tag_name);
    for (const name of names) expect(page).toMatch(new RegExp(`^(istio|slo)_\\w+\\{(.*,)?${name}="`, "m"));
  });
});
