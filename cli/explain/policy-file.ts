import { parseAllDocuments, type Document } from "yaml";
import { Problem } from "../problem.ts";
import { readText } from "../raw-config.ts";
import { isFields, listIn, member, type Fields } from "./fields.ts";
import type { Configuration } from "./policies.ts";

export interface PolicyFile {
  configuration: Configuration;
  /** What of the file is left out. */
  notes: string[];
}

/**
 * Reads Istio's resources (RequestAuthentication, AuthorizationPolicy, lists of them as `kubectl get` prints them), a
 * WasmPlugin with a configuration of auth-policy, or that configuration itself, in YAML or JSON.
 */
export async function readPolicyFile(file: string): Promise<PolicyFile> {
  // As Kubernetes reads it.
  const documents = parseAllDocuments(await readText(file), { version: "1.1" }) as Document[];
  const configuration: Configuration = { requestAuthentication: [], authorizationPolicies: [], extensionProviders: [] };
  const notes: string[] = [];
  for (const document of documents) {
    const [error] = document.errors;
    if (error !== undefined) throw new Problem(`${file}: ${error.message.split("\n", 1)[0]}`);
    const content: unknown = document.toJS();
    if (content !== null) add(content, file, configuration, notes);
  }
  return { configuration, notes };
}

function add(content: unknown, file: string, into: Configuration, notes: string[]): void {
  if (!isFields(content)) throw new Problem(`${file}: expected resources or a configuration of auth-policy`);
  const { kind } = content;
  if (kind === "RequestAuthentication") into.requestAuthentication.push(content);
  else if (kind === "AuthorizationPolicy") into.authorizationPolicies.push(content);
  else if (kind === "WasmPlugin") addConfiguration(member(content["spec"], "pluginConfig"), file, into);
  else if (kind === "List" || String(kind).endsWith("PolicyList") || String(kind).endsWith("AuthenticationList"))
    for (const item of listIn(content, "items")) add(item, file, into, notes);
  else if (kind === undefined) addConfiguration(content, file, into);
  else notes.push(`${file}: a ${String(kind)} is left out`);
}

/** What is not a list of these stays for the filter, which knows what may be there. */
function addConfiguration(content: unknown, file: string, into: Configuration): void {
  if (!isFields(content)) throw new Problem(`${file}: a WasmPlugin without pluginConfig has no policies`);
  const rest: Fields = { ...content };
  for (const name of ["requestAuthentication", "authorizationPolicies", "extensionProviders"] as const) {
    const list = member(content, name);
    if (list === undefined) continue;
    if (!Array.isArray(list)) throw new Problem(`${file}: ${name}: expected a list`);
    into[name].push(...(list as unknown[]));
    delete rest[name];
    delete rest[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)];
  }
  Object.assign(into, rest);
}
