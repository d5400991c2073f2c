import { readFile } from "node:fs/promises";
import { parseAllDocuments, type Document } from "yaml";
import type { Environment } from "../environment.ts";
import { Problem } from "../problem.ts";
import { digestProblem, failOpenNote, inexactNumbers, urlProblem } from "./traps.ts";

/** What a resource loads. */
export interface LoadedPlugin {
  /** `WasmPlugin shop/auth` */
  resource: string;
  url: string;
  sha256: string | undefined;
  /** What the proxy hands to the filter; `undefined` for none. */
  configuration?: unknown;
  /** Environment variables that the resource sets. */
  environment: Environment;
  /** Names of those that it takes from the proxy's own. */
  ownVariables: string[];
}

export interface ManifestReport {
  file: string;
  plugins: LoadedPlugin[];
  /** What works, though perhaps not as one reads it. */
  notes: string[];
}

type Fields = Record<string, unknown>;

/**
 * Checks the WasmPlugins and EnvoyExtensionPolicies in a file of Kubernetes resources; others are left alone. One
 * {@link Problem} names all that is wrong.
 */
export async function checkManifest(file: string): Promise<ManifestReport> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new Problem(`${file}: cannot be read: ${error.code}`);
  });
  const report: ManifestReport = { file, plugins: [], notes: [] };
  const problems: string[] = [];
  // Kubernetes reads YAML 1.1: an unquoted `no` is a boolean.
  const documents = parseAllDocuments(text, { version: "1.1", intAsBigInt: true }) as Document[];
  for (const document of documents) {
    const [error] = document.errors;
    if (error !== undefined) throw new Problem(`${file}: ${error.message.split("\n", 1)[0]}`);
    const resource = fieldsOf(document.toJS());
    const check = { WasmPlugin: checkWasmPlugin, EnvoyExtensionPolicy: checkExtensionPolicy }[String(resource.kind)];
    if (check === undefined) continue;
    const metadata = fieldsOf(resource.metadata);
    const name = `${resource.kind} ${[metadata.namespace, metadata.name].filter(Boolean).join("/")}`;
    const found = check(fieldsOf(resource.spec));
    if (typeof metadata.name !== "string") problems.push(`${name}: metadata.name: expected a string`);
    problems.push(...found.problems.map((problem) => `${name}: spec.${problem}`));
    report.notes.push(...found.notes.map((note) => `${name}: spec.${note}`));
    report.plugins.push(...found.plugins.map((plugin) => ({ resource: name, ...plugin })));
  }
  if (problems.length > 0) throw new Problem(problems.map((problem) => `${file}: ${problem}`).join("\n"));
  if (report.plugins.length === 0) throw new Problem(`${file}: holds no WasmPlugin and no EnvoyExtensionPolicy`);
  return report;
}

export function describeManifest({ file, plugins, notes }: ManifestReport): string {
  const lines = plugins.map(({ resource, url }) => `${file}: ${resource} loads ${url}`);
  return [...lines, ...notes.map((note) => `note: ${note}`)].join("\n");
}

interface Findings {
  problems: string[];
  notes: string[];
  plugins: Omit<LoadedPlugin, "resource">[];
}

const pluginFields = [
  ...["selector", "targetRef", "targetRefs", "url", "sha256", "imagePullPolicy", "imagePullSecret", "verificationKey"],
  ...["pluginConfig", "pluginName", "phase", "priority", "failStrategy", "vmConfig", "match", "type"],
];
const choices: Record<string, readonly string[]> = {
  imagePullPolicy: ["IfNotPresent", "Always", "UNSPECIFIED_POLICY"],
  phase: ["AUTHN", "AUTHZ", "STATS", "UNSPECIFIED_PHASE"],
  failStrategy: ["FAIL_CLOSE", "FAIL_OPEN", "FAIL_RELOAD"],
  type: ["HTTP", "NETWORK", "UNSPECIFIED_PLUGIN_TYPE"],
};

function checkWasmPlugin(spec: Fields): Findings {
  const problems = [
    ...unknownFields(spec, pluginFields, ""),
    ...inexactNumbers(spec.pluginConfig ?? null, "pluginConfig"),
  ];
  for (const [field, allowed] of Object.entries(choices)) {
    const value = spec[field];
    if (value === undefined || allowed.includes(value as string)) continue;
    problems.push(`${field}: ${JSON.stringify(value)} is none of ${allowed.join(", ")}`);
  }
  const variables = listOf(fieldsOf(spec.vmConfig).env).map(fieldsOf);
  const isOwn = ({ valueFrom }: Fields) => valueFrom === "HOST";
  const ownVariables = variables.filter(isOwn).map(({ name }) => String(name));
  const given = variables.filter((variable) => !isOwn(variable));
  const environment = Object.fromEntries(given.map(({ name, value }) => [String(name), String(value ?? "")]));
  const loaded = checkCode(spec, "", { configuration: spec.pluginConfig, environment, ownVariables }, urlProblem);
  const notes = ownVariables.map((name) => `vmConfig.env: ${ownNote(name)}`);
  if (spec.failStrategy === "FAIL_OPEN") notes.push(`failStrategy: ${failOpenNote}`);
  if (spec.verificationKey !== undefined) notes.push("verificationKey: Istio does not look at it");
  return { problems: [...problems, ...loaded.problems], notes, plugins: loaded.plugins };
}

function checkExtensionPolicy(spec: Fields): Findings {
  const all: Findings = { problems: [], notes: [], plugins: [] };
  if (!Array.isArray(spec.wasm)) return { ...all, problems: ["wasm: expected a list"] };
  for (const [i, item] of spec.wasm.entries()) {
    const path = `wasm[${i}].`;
    const wasm = fieldsOf(item);
    const code = fieldsOf(wasm.code);
    all.problems.push(
      ...unknownFields(wasm, ["name", "rootID", "code", "config", "failOpen", "env"], path),
      ...inexactNumbers(wasm.config ?? null, `${path}config`),
    );
    const source = { Image: code.image, HTTP: code.http }[String(code.type)];
    if (source === undefined) {
      all.problems.push(`${path}code: type Image goes with image, type HTTP with http`);
      continue;
    }
    const where = `${path}code.${code.type === "Image" ? "image" : "http"}.`;
    const ownVariables = listOf(fieldsOf(wasm.env).hostKeys).map(String);
    all.notes.push(...ownVariables.map((name) => `${path}env: ${ownNote(name)}`));
    const given = { configuration: wasm.config, environment: {}, ownVariables };
    const loaded = checkCode(fieldsOf(source), where, given, () => null);
    all.problems.push(...loaded.problems);
    all.plugins.push(...loaded.plugins);
  }
  return all;
}

function checkCode(
  { url, sha256 }: Fields,
  path: string,
  given: Pick<LoadedPlugin, "configuration" | "environment" | "ownVariables">,
  problemOf: (url: string) => string | null,
): Pick<Findings, "problems" | "plugins"> {
  const problems: string[] = [];
  if (typeof url !== "string" || url === "") return { problems: [`${path}url: expected a string`], plugins: [] };
  const ofUrl = problemOf(url);
  if (ofUrl !== null) problems.push(`${path}url: ${ofUrl}`);
  if (sha256 !== undefined) {
    const ofDigest = typeof sha256 === "string" ? digestProblem(sha256, url) : "expected a string: quote it";
    if (ofDigest !== null) problems.push(`${path}sha256: ${ofDigest}`);
  }
  return { problems, plugins: [{ url, sha256: typeof sha256 === "string" ? sha256 : undefined, ...given }] };
}

function ownNote(name: string): string {
  return `${name} is the proxy's own; --pull checks with the value it has here`;
}

function unknownFields(fields: Fields, known: readonly string[], path: string): string[] {
  return Object.keys(fields)
    .filter((field) => !known.includes(field))
    .map((field) => `${path}${field}: there is no such field; there are ${known.join(", ")}`);
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}
