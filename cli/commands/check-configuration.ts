import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HarnessError, PluginRejectedError, startEmulator } from "@attache/harness";
import { Ajv2020 } from "ajv/dist/2020.js";
import { readVariables, type Environment } from "../environment.ts";
import { Problem } from "../problem.ts";
import { readRawConfig } from "../raw-config.ts";

/** A configuration that a filter takes. */
export interface ConfigurationReport {
  file: string;
  /** The module whose `configure` took it. */
  module: string;
  /** The JSON Schema beside the module that it also fits; `null` when there is none. */
  schema: string | null;
  /** What the filter warned of, and where its schema differs from it. */
  notes: string[];
}

/** Where a filter is: its folder, which holds `build/plugin.wasm`, or its module. */
export interface FilterFiles {
  module: string;
  schema: string | null;
}

export async function findFilter(source: string): Promise<FilterFiles> {
  const isFolder = (await stat(source).catch(() => null))?.isDirectory() ?? false;
  const module = isFolder ? join(source, "build", "plugin.wasm") : source;
  if (!existsSync(module)) {
    throw new Problem(
      isFolder ? `${module}: there is no module: run \`attache build ${source}\`` : `${module}: there is no such file`,
    );
  }
  const folders = isFolder ? [source] : [dirname(module), dirname(dirname(module))];
  const schema = folders.map((folder) => join(folder, "schema.json")).find(existsSync);
  return { module, schema: schema ?? null };
}

/**
 * Gives a configuration to the filter itself, in the emulator, and to its schema; a {@link Problem} has all that is wrong.
 * `variables` are the filter's environment, each `NAME=VALUE`.
 */
export async function checkConfiguration(
  file: string,
  filter: FilterFiles,
  variables?: readonly string[],
): Promise<ConfigurationReport> {
  const environment = readVariables(variables);
  const { problems, notes } = await judgeConfiguration(await readRawConfig(file), { ...filter, environment });
  if (problems.length > 0) throw new Problem(problems.map((problem) => `${file}: ${problem}`).join("\n"));
  return { file, ...filter, notes };
}

export function describeConfiguration({ file, module, schema, notes }: ConfigurationReport): string {
  const taken = `${file}: ${module} takes it${schema === null ? "" : `, and it fits ${schema}`}`;
  return [taken, ...notes.map((note) => `note: ${note}`)].join("\n");
}

/** So long a filter may look at its configuration. */
const callbackDeadlineMs = 5_000;

/** What a filter says to a configuration: text as it is, anything else as JSON. */
export async function judgeConfiguration(
  configuration: unknown,
  { module, schema, environment }: { module: string | Uint8Array; schema: string | null; environment: Environment },
): Promise<{ problems: string[]; notes: string[] }> {
  const problems: string[] = [];
  const notes: string[] = [];
  try {
    await using host = await startEmulator({
      plugins: [{ module, configuration, environment }],
      clusters: {},
      logLevel: "warn",
      callbackDeadlineMs,
    });
    notes.push(...new Set(host.logs.map(({ message }) => message)));
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
    problems.push(...(error instanceof PluginRejectedError ? complaintsOf(error) : [error.message]));
  }
  if (problems.length > 0 || schema === null) return { problems, notes };
  // The filter decides; what only the schema refuses, an editor will underline.
  const misfits = await misfitsOf(configuration, schema);
  notes.push(...misfits.map((misfit) => `${schema} refuses what the filter takes: ${misfit}`));
  return { problems, notes };
}

/** A configuration out of a resource as Istio hands it over: JSON, in which every number is a double; empty for none. */
export function asJson(configuration: unknown): string {
  if (configuration === undefined || configuration === null) return "";
  return JSON.stringify(configuration, (_key, value: unknown) => (typeof value === "bigint" ? Number(value) : value));
}

/** Why a filter rejects its configuration, in its own words; in Envoy's when it has none. */
export function complaintsOf({ logs, message }: PluginRejectedError): string[] {
  const own = logs.filter(({ source, level }) => source === "guest" && (level === "error" || level === "critical"));
  return own.length === 0
    ? [message]
    : [...new Set(own.map(({ message: line }) => line.replace(/^config rejected: /, "")))];
}

async function misfitsOf(configuration: unknown, schema: string): Promise<string[]> {
  const value: unknown = typeof configuration === "string" ? JSON.parse(configuration || "{}") : configuration;
  const validate = new Ajv2020({ allErrors: true, strict: false, validateFormats: false, verbose: true }).compile(
    JSON.parse(await readFile(schema, "utf8")) as object,
  );
  if (validate(value)) return [];
  // What an environment variable makes of a text, the schema cannot know.
  const misfits = validate.errors!.filter(({ data }) => typeof data !== "string" || !data.includes("${"));
  return misfits.map(({ instancePath, message }) => `${instancePath === "" ? "/" : instancePath} ${message}`);
}
