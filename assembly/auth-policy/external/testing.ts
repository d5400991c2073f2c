import {
  Emulator,
  type Cluster,
  type Host,
  type HostOptions,
  type RequestOptions,
  type Response,
} from "@attache/harness";

const module = new URL("../build/plugin.wasm", import.meta.url);

export const ERROR: [number, string] = [403, ""];
export const DENIED: [number, string] = [403, "RBAC: access denied"];
export const PASSED: [number, string] = [200, "app"];

/** A policy that has the service `name` asked about some paths. */
export const custom = (name: string, ...paths: string[]) => ({
  name: `ask-${name}`,
  action: "CUSTOM",
  provider: { name },
  rules: [paths.length === 0 ? {} : { to: [{ operation: { paths } }] }],
});

/** A proxy whose requests are put to the services in `clusters`. */
export function proxy(
  extensionProviders: object[],
  clusters: Record<string, Cluster>,
  authorizationPolicies: object[] = [custom("authz")],
  more: object = {},
): HostOptions {
  const configuration = { extensionProviders, authorizationPolicies, ...more };
  return {
    plugins: [{ name: "auth-policy", module, configuration, allowOnHeadersStopIteration: true }],
    clusters: { app: () => ({ body: "app", headers: { "x-app": "yes" } }), ...clusters },
    routes: [{ match: { prefix: "/" }, cluster: "app" }],
  };
}

/** Virtual time goes on while the request waits. */
export async function send(host: Host, path = "/", options: RequestOptions = {}): Promise<Response> {
  const fetched = host.fetch(path, options);
  if (host instanceof Emulator) host.advance(1000);
  return await fetched;
}

export async function ask(host: Host, path?: string, options?: RequestOptions): Promise<[number, string]> {
  const response = await send(host, path, options);
  return [response.status, response.text()];
}
