import { Status } from "../abi/enums";
import { proxy_get_property } from "../abi/imports";
import { encodeText, isText, textSize } from "../memory/utf8";
import { Plugin } from "./plugin";

/** Makes the plugin object; a plain function, since AssemblyScript has no closures. */
export type PluginFactory = () => Plugin;

class Registration {
  constructor(
    readonly factory: PluginFactory,
    readonly rootId: string,
    readonly next: Registration | null,
  ) {}
}

class PluginContext {
  constructor(
    readonly id: u32,
    readonly plugin: Plugin,
    public next: PluginContext | null,
  ) {}
}

let registrations: Registration | null = null;

/** The plugins of this VM: rarely more than one, so a list is searched. */
let contexts: PluginContext | null = null;

/**
 * Says which class a plugin is made of. Call it once at the top level of the module, or once per root id when one
 * module holds several plugins: the proxy chooses by `root_id` (Envoy) or `pluginName` (Istio), and the plugin
 * registered without a root id serves all others.
 *
 * @param rootId the `root_id` this plugin is for; when absent, every root id that has no plugin of its own
 */
export function registerPlugin(factory: PluginFactory, rootId: string = ""): void {
  registrations = new Registration(factory, rootId, registrations);
}

/** The plugin with context `id`, or `null`. */
export function findPlugin(id: u32): Plugin | null {
  let context = contexts;
  while (context !== null) {
    if (context.id == id) return context.plugin;
    context = context.next;
  }
  return null;
}

/** Makes the plugin for a new plugin context. Traps when none is registered for its root id. */
export function createPlugin(id: u32): void {
  const registration = findRegistration();
  if (registration === null) throw new Error("no plugin for this root_id");
  contexts = new PluginContext(id, registration.factory(), contexts);
}

export function removePlugin(id: u32): void {
  let previous: PluginContext | null = null;
  let context = contexts;
  while (context !== null) {
    if (context.id == id) {
      if (previous === null) contexts = context.next;
      else previous.next = context.next;
      return;
    }
    previous = context;
    context = context.next;
  }
}

function findRegistration(): Registration | null {
  const only = registrations;
  if (only !== null && only.next === null && only.rootId.length == 0) return only;
  const path = encodeText("plugin_root_id");
  const out = memory.data(8, 4);
  const known = proxy_get_property(path, textSize(path), out, out + 4) == Status.Ok;
  let fallback: Registration | null = null;
  let registration = only;
  while (registration !== null) {
    if (registration.rootId.length == 0) fallback = registration;
    else if (known && isText(load<usize>(out), load<usize>(out, 4), registration.rootId)) return registration;
    registration = registration.next;
  }
  return fallback;
}
