import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { FailurePolicy, PluginOptions } from "@attache/harness";
import { fetchImage } from "../commands/image.ts";
import { ownVariables, type Environment } from "../environment.ts";
import { checkManifest } from "../manifest/check.ts";
import { Problem } from "../problem.ts";
import { Fields } from "./fields.ts";

const phases = ["AUTHN", "AUTHZ", "STATS", "UNSPECIFIED_PHASE"] as const;
const failurePolicies: Record<string, FailurePolicy> = {
  FAIL_CLOSE: "closed",
  FAIL_OPEN: "open",
  FAIL_RELOAD: "reload",
};

interface Loaded {
  phase: number;
  priority: number;
  name: string;
  plugin: PluginOptions;
}

/** The WasmPlugins of a file, in the order Istio puts them: by phase, higher priority first, then by name. */
export async function readWasmPlugins(documents: readonly unknown[], file: string): Promise<PluginOptions[]> {
  await checkManifest(file);
  const loaded: Loaded[] = [];
  for (const document of documents) {
    const resource = new Fields(document, "");
    if (resource.text("kind") === "WasmPlugin") loaded.push(await readWasmPlugin(resource, file));
  }
  loaded.sort((a, b) => a.phase - b.phase || b.priority - a.priority || (a.name < b.name ? -1 : 1));
  return loaded.map(({ plugin }) => plugin);
}

async function readWasmPlugin(resource: Fields, file: string): Promise<Loaded> {
  const metadata = resource.requiredFields("metadata");
  const name = [metadata.text("namespace") ?? "default", metadata.requiredText("name")].join(".");
  const spec = resource.requiredFields("spec");
  spec.ignore("selector", "targetRef", "targetRefs", "sha256", "imagePullPolicy", "imagePullSecret", "verificationKey");
  const phase = phases.indexOf(spec.oneOf("phase", phases) ?? "UNSPECIFIED_PHASE");
  const priority = spec.number("priority") ?? 0;
  const strategy = spec.oneOf("failStrategy", Object.keys(failurePolicies)) ?? "FAIL_CLOSE";
  spec.oneOf("type", ["HTTP", "UNSPECIFIED_PLUGIN_TYPE"]);
  const config = spec.value("pluginConfig");
  const plugin: PluginOptions = {
    module: await moduleAt(spec.requiredText("url"), file),
    name,
    rootId: spec.text("pluginName") ?? "",
    failurePolicy: failurePolicies[strategy]!,
    environment: readEnvironment(spec.fields("vmConfig")),
    ...(config === undefined ? {} : { configuration: config }),
  };
  spec.done();
  return { phase, priority, name, plugin };
}

async function moduleAt(url: string, file: string): Promise<string | Uint8Array> {
  if (url.startsWith("file://")) return fileURLToPath(url);
  if (url.startsWith("oci://")) return (await fetchImage(url.slice("oci://".length), {})).module;
  if (!url.includes("://")) return resolve(dirname(file), url);
  throw new Problem(`${file}: spec.url: ${url} is not supported by attache serve: use file:// or oci://`);
}

function readEnvironment(vm: Fields | undefined): Environment {
  if (vm === undefined) return {};
  const variables = vm.list("env").map((variable): Environment => {
    const name = variable.requiredText("name");
    const isFromHost = variable.oneOf("valueFrom", ["INLINE", "HOST"]) === "HOST";
    return isFromHost ? ownVariables([name]) : { [name]: variable.text("value") ?? "" };
  });
  vm.done();
  return Object.assign({}, ...variables) as Environment;
}
