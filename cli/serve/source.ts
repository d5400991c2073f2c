import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { parseAllDocuments } from "yaml";
import { HarnessError, loadModule, type HostOptions, type PluginOptions, type RealCluster } from "@attache/harness";
import { readVariables } from "../environment.ts";
import { Problem } from "../problem.ts";
import { readRawConfig, readText } from "../raw-config.ts";
import { echoServer } from "./echo.ts";
import { readEnvoyConfig } from "./envoy-config.ts";
import { readWasmPlugins } from "./wasm-plugins.ts";

export interface SourceOptions {
  /** Configuration of the filter, when the source is one: a YAML or JSON file. */
  config?: string;
  /** Environment variables of the filter, each `NAME=VALUE`, when the source is one. */
  env?: readonly string[];
  /** `http://HOST:PORT` of what is behind the filters; `tcp://HOST:PORT` behind one for TCP connections. */
  upstream?: string;
}

/** What is served, and the files and folders whose change makes it another. */
export interface Source {
  options: HostOptions;
  watched: string[];
}

/**
 * Reads what there is to serve: a module, a filter's folder (which is compiled), WasmPlugins, or an `envoy.yaml`. A
 * {@link Problem} says what is wrong with it.
 */
export async function readSource(source: string, options: SourceOptions): Promise<Source> {
  const path = resolve(source);
  const entry = await stat(path).catch(() => null);
  if (entry === null) throw new Problem(`${source}: there is no such file or folder`);
  if (entry.isDirectory() || /\.(ts|wasm)$/.test(path)) return await readFilter(path, entry.isDirectory(), options);
  for (const option of ["config", "env"] as const) {
    if (options[option] === undefined) continue;
    throw new Problem(`--${option}: goes with a filter; here the source configures it`);
  }
  if (!/\.(yaml|yml|json)$/.test(path)) throw new Problem(`${source}: is no folder, .ts, .wasm or .yaml`);
  return await readManifest(path, options);
}

async function readFilter(path: string, isFolder: boolean, options: SourceOptions): Promise<Source> {
  const isModule = path.endsWith(".wasm");
  const module = isModule ? path : await compile(path);
  const plugin: PluginOptions = {
    module,
    name: basename(isFolder ? path : dirname(path)),
    environment: readVariables(options.env),
    ...(options.config === undefined ? {} : { configuration: await readRawConfig(options.config) }),
  };
  const watched = [isFolder || isModule ? path : dirname(path)];
  if (options.config !== undefined) watched.push(resolve(options.config));
  if (!(await isForTcp(module))) return { options: { plugins: [plugin], ...behind(options) }, watched };
  const upstream = options.upstream === undefined ? await echoServer() : tcpAddress(options.upstream);
  return {
    options: { plugins: [], tcp: { plugins: [plugin], cluster: "upstream" }, clusters: { upstream } },
    watched,
  };
}

async function isForTcp(module: string | Uint8Array): Promise<boolean> {
  const { shape } = await loadModule(module).catch((error: unknown) => {
    throw error instanceof HarnessError ? new Problem(error.message) : error;
  });
  const names = shape.exports.map(({ name }) => name);
  if (names.some((name) => /^proxy_on_(request|response)_/.test(name))) return false;
  return names.some((name) => /^proxy_on_(new_connection|(down|up)stream_)/.test(name));
}

function tcpAddress(upstream: string): RealCluster {
  const url = URL.canParse(upstream) ? new URL(upstream) : null;
  if (url?.protocol !== "tcp:" || url.port === "") {
    throw new Problem(`--upstream: ${JSON.stringify(upstream)} is no tcp://HOST:PORT, and the filter is for TCP`);
  }
  return { host: url.hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(url.port) };
}

/** Compiled for debugging: that is quicker, and traps have readable backtraces. */
async function compile(entry: string): Promise<Uint8Array> {
  const { build } = await import("../build.ts");
  const folder = await mkdtemp(join(tmpdir(), "attache-serve-"));
  try {
    const { outFile } = await build({ entry, outFile: join(folder, "plugin.wasm"), debug: true });
    return await readFile(outFile);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readManifest(file: string, options: SourceOptions): Promise<Source> {
  // As Kubernetes reads it.
  const documents = parseAllDocuments(await readText(file), { version: "1.1" });
  for (const document of documents) {
    const [error] = "errors" in document ? document.errors : [];
    if (error !== undefined) throw new Problem(`${file}: ${error.message.split("\n", 1)[0]}`);
  }
  const contents = documents.map((document) => document.toJS() as unknown);
  const isEnvoyConfig = contents.some((content) => (content as { static_resources?: unknown })?.static_resources);
  try {
    const served: HostOptions = isEnvoyConfig
      ? readEnvoyConfig(contents[0])
      : { plugins: await readWasmPlugins(contents, file), ...behind(options) };
    const modules = served.plugins.flatMap(({ module }) => (typeof module === "string" ? [module] : []));
    return { options: served, watched: [file, ...modules.filter(existsSync)] };
  } catch (error) {
    if (error instanceof Problem && !error.message.startsWith(file)) throw new Problem(`${file}: ${error.message}`);
    throw error;
  }
}

/** Without an upstream, the proxy answers 200 itself. */
function behind({ upstream }: SourceOptions): Pick<HostOptions, "clusters" | "routes"> {
  if (upstream === undefined)
    return { routes: [{ match: { prefix: "/" }, directResponse: { status: 200, body: "ok\n" } }] };
  const url = URL.canParse(upstream) ? new URL(upstream) : null;
  if (url?.protocol !== "http:") throw new Problem(`--upstream: ${JSON.stringify(upstream)} is no http://HOST:PORT`);
  return {
    clusters: { upstream: { host: url.hostname, port: Number(url.port || 80) } },
    routes: [{ match: { prefix: "/" }, cluster: "upstream" }],
  };
}
