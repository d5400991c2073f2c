import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { HarnessError } from "../errors.ts";
import type { EnvoyRules } from "./envoy-version.ts";
import type { FailurePolicy, PluginOptions } from "../host.ts";
import { loadModule } from "../wasm/module.ts";
import type { VmOptions } from "../wasm/vm.ts";

/** A configured Wasm filter of the chain. */
export class Plugin {
  readonly name: string;
  readonly rootId: string;
  /** Bytes as latin1. */
  readonly configuration: string;
  readonly failurePolicy: FailurePolicy;
  readonly allowOnHeadersStopIteration: boolean;
  readonly vm: VmOptions;
  /** Plugins of equal keys in one VM share their context. */
  readonly key: string;
  /** Between `wasm log` and the message, in streams. */
  readonly logPrefix: string;
  readonly rootLogPrefix: string;

  constructor(options: PluginOptions, vm: VmOptions, where: string) {
    this.name = options.name ?? "plugin";
    this.rootId = options.rootId ?? "";
    this.configuration = configurationBytes(options.configuration);
    this.failurePolicy = options.failurePolicy ?? "closed";
    if (!["closed", "open", "reload"].includes(this.failurePolicy)) {
      const found = JSON.stringify(this.failurePolicy);
      throw new HarnessError("OPTION_INVALID", `${where}.failurePolicy: ${found} is none of closed, open, reload`);
    }
    this.allowOnHeadersStopIteration = options.allowOnHeadersStopIteration ?? false;
    this.vm = vm;
    this.key = sha256(this.rootId, "||", this.configuration, "||", this.name);
    this.rootLogPrefix = prefixOf(this.rootId, vm.id);
    this.logPrefix = prefixOf(this.name) + this.rootLogPrefix;
  }
}

/** Loads the modules of plugins; `where` names the option in messages. */
export async function loadPlugins(
  options: readonly PluginOptions[],
  where: string,
  rules: EnvoyRules,
): Promise<Plugin[]> {
  return await Promise.all(options.map(async (plugin, i) => await loadPlugin(plugin, `${where}[${i}]`, rules)));
}

async function loadPlugin(options: PluginOptions, where: string, rules: EnvoyRules): Promise<Plugin> {
  const module = await loadModule(options.module);
  const id = options.vmId ?? "";
  const configuration = configurationBytes(options.vmConfiguration);
  const environment = Object.entries(options.environment ?? {});
  const allowedCapabilities = new Set(options.allowedCapabilities ?? []);
  const separating = [
    ...(rules.separatesEnvironments ? environment.toSorted() : []),
    ...(rules.separatesCapabilities ? [...allowedCapabilities].toSorted() : []),
  ];
  const surroundings = Buffer.from(JSON.stringify(separating)).toString("latin1");
  const vm: VmOptions = {
    module,
    file: fileOf(options.module),
    id,
    configuration,
    key: sha256(id, "||", configuration, "||", module.hash, "||", surroundings),
    environment: new Map(environment),
    allowedCapabilities,
  };
  return new Plugin(options, vm, where);
}

function fileOf(module: PluginOptions["module"]): string | null {
  if (module instanceof Uint8Array) return null;
  return module instanceof URL ? fileURLToPath(module) : module;
}

/** Text and bytes as they are, anything else as JSON; nothing for nothing. */
function configurationBytes(value: unknown): string {
  if (value === undefined) return "";
  if (value instanceof Uint8Array) return Buffer.from(value).toString("latin1");
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return Buffer.from(text, "utf8").toString("latin1");
}

function prefixOf(...names: string[]): string {
  return names.map((name) => (name === "" ? "" : ` ${name}`)).join("");
}

function sha256(...parts: string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part, "latin1");
  return hash.digest("hex");
}
