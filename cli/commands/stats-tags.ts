import { stringify } from "yaml";
import { readConfig } from "../manifest/config.ts";
import { Problem } from "../problem.ts";

export const statsTagsTargets = ["envoy", "istio"] as const;
export type StatsTagsTarget = (typeof statsTagsTargets)[number];

/** Istio's standard labels, in its order. */
export const standardLabels: readonly string[] = [
  "reporter",
  ...["workload", "canonical_service", "canonical_revision", "workload_namespace", "principal", "app", "version"].map(
    (name) => `source_${name}`,
  ),
  "source_cluster",
  ...["workload", "workload_namespace", "principal", "app", "version", "service", "canonical_service"].map(
    (name) => `destination_${name}`,
  ),
  ...["canonical_revision", "service_name", "service_namespace", "cluster"].map((name) => `destination_${name}`),
  ...["request_protocol", "response_code", "grpc_response_status", "response_flags", "connection_security_policy"],
];
/** Of messages of gRPC: they are counted before the response has ended. */
const messageLabels = standardLabels.slice(0, standardLabels.indexOf("request_protocol"));

const standardMetrics: Readonly<Record<string, readonly string[]>> = {
  requests_total: standardLabels,
  request_duration_milliseconds: standardLabels,
  request_bytes: standardLabels,
  response_bytes: standardLabels,
  request_messages_total: messageLabels,
  response_messages_total: messageLabels,
};

/**
 * What makes labels of the names that the filter `metrics` gives its series: the bootstrap's `stats_config`, or for Istio the
 * annotation of a workload, as YAML.
 *
 * @param config file with the filter's configuration, in YAML or JSON
 */
export async function statsTags(config: string, target: StatsTagsTarget): Promise<string> {
  const labels = await labelsOf(config);
  const resource =
    target === "istio"
      ? { spec: { template: { metadata: { annotations: { "sidecar.istio.io/extraStatTags": labels.join(",") } } } } }
      : {
          stats_config: {
            stats_tags: labels.map((label) => ({ tag_name: label, regex: `[.;](${label}=\\.=(.*?);\\.;)` })),
          },
        };
  return stringify(resource, { lineWidth: 0 });
}

/** All labels that metrics of this configuration have, in the order of the metrics. */
async function labelsOf(file: string): Promise<string[]> {
  const problems: string[] = [];
  const config = new Part(await readConfig(file), "", problems);
  const metrics = new Map(Object.entries(standardMetrics).map(([name, labels]) => [name, new Set(labels)]));
  for (const definition of config.list("definitions")) metrics.set(definition.text("name") ?? "", new Set());
  for (const change of config.list("metrics")) {
    const name = change.text("name") ?? "";
    if (name !== "" && !metrics.has(name)) change.problem("name", `there is no metric ${JSON.stringify(name)}`);
    const isDropped = change.value("drop") === true;
    const removed = change.texts("tagsToRemove", "tags_to_remove");
    const added = change.names("dimensions").toSorted();
    for (const [metric, labels] of metrics) {
      if (name !== "" && metric !== name) continue;
      // What is dropped stays so, whatever changes come after it.
      if (isDropped) metrics.set(metric, new DroppedLabels());
      for (const label of removed) labels.delete(label);
      for (const label of added) metrics.get(metric)!.add(label);
    }
  }
  if (config.list("slo").length > 0) metrics.set(" slo", new Set(["slo"]));
  if (problems.length > 0) throw new Problem(problems.map((problem) => `${file}: ${problem}`).join("\n"));
  return [...new Set([...metrics.values()].flatMap((labels) => [...labels]))];
}

/** The labels of a metric that is left out: none, and there will be none. */
class DroppedLabels extends Set<string> {
  override add(): this {
    return this;
  }
}

/** An object of the configuration; what is not as it should be is a problem. */
class Part {
  private readonly members: Readonly<Record<string, unknown>>;
  private readonly path: string;
  private readonly problems: string[];

  constructor(members: unknown, path: string, problems: string[]) {
    const isObject = typeof members === "object" && members !== null && !Array.isArray(members);
    if (!isObject && members !== undefined) problems.push(`${path}: expected an object`);
    this.members = isObject ? (members as Record<string, unknown>) : {};
    this.path = path;
    this.problems = problems;
  }

  problem(name: string, what: string): void {
    this.problems.push(`${this.path === "" ? name : `${this.path}.${name}`}: ${what}`);
  }

  /** The first of these members that is there; `null` is as good as absent. */
  value(...names: string[]): unknown {
    return names.map((name) => this.members[name] ?? undefined).find((value) => value !== undefined);
  }

  text(name: string): string | undefined {
    const value = this.value(name);
    if (value === undefined || typeof value === "string") return value;
    this.problem(name, "expected a string");
    return undefined;
  }

  texts(...names: [string, ...string[]]): string[] {
    const value = this.value(...names) ?? [];
    if (Array.isArray(value) && value.every((entry) => typeof entry === "string")) return value;
    this.problem(names[0], "expected a list of strings");
    return [];
  }

  /** Of the members of an object, which are names of labels. */
  names(name: string): string[] {
    const path = this.path === "" ? name : `${this.path}.${name}`;
    const names = Object.keys(new Part(this.value(name), path, this.problems).members);
    for (const label of names) {
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(label)) this.problem(name, `${JSON.stringify(label)} is not a label name`);
    }
    return names;
  }

  list(name: string): Part[] {
    const value = this.value(name) ?? [];
    const path = this.path === "" ? name : `${this.path}.${name}`;
    if (Array.isArray(value)) return value.map((entry, at) => new Part(entry, `${path}[${at}]`, this.problems));
    this.problem(name, "expected a list");
    return [];
  }
}
