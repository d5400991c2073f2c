import { stringify } from "yaml";
import { splitVariable } from "../environment.ts";
import { readConfig, type Config } from "../manifest/config.ts";
import { digestProblem } from "../manifest/traps.ts";
import { Problem } from "../problem.ts";

export const targets = ["istio", "envoy-gateway", "envoy"] as const;
export type Target = (typeof targets)[number];

export interface ManifestOptions {
  name: string;
  /** `oci://…`, `https://…` or `file://…`. */
  url: string;
  target: Target;
  namespace?: string;
  /** File with the plugin's configuration, in YAML or JSON. */
  config?: string;
  /** Digest of the image, or of the module behind `https://`. */
  sha256?: string;
  /** `AUTHN`, `AUTHZ` or `STATS`; Istio only. */
  phase?: string;
  /** Labels of the workloads, such as `app=shop`; Istio only. */
  selector?: readonly string[];
  /** Environment variables of the filter: `NAME=VALUE`, or the `NAME` of one of the proxy's own. */
  env?: readonly string[];
  /** Requests pass when the filter cannot be loaded or fails. */
  failOpen?: boolean;
}

/** The resource that loads a filter, as YAML. Refuses what a control plane would accept and then not do. */
export async function manifest(options: ManifestOptions): Promise<string> {
  checkUrl(options.url, options.target);
  const digest = checkDigest(options.sha256, options.url);
  const config = options.config === undefined ? undefined : await readConfig(options.config);
  const resource = { istio: wasmPlugin, "envoy-gateway": extensionPolicy, envoy: envoyFilter }[options.target];
  return writeYaml(resource(options, digest, config));
}

/** As YAML 1.1, which Kubernetes and Istio read: unquoted, `no` and `on` would come out as booleans. */
function writeYaml(resource: unknown): string {
  return stringify(resource, { lineWidth: 0, version: "1.1" });
}

function wasmPlugin(options: ManifestOptions, sha256: string | undefined, config: Config | undefined) {
  const { name, url, namespace, phase, selector, env, failOpen } = options;
  if (phase !== undefined && !["AUTHN", "AUTHZ", "STATS"].includes(phase)) {
    throw new Problem(`--phase: ${JSON.stringify(phase)} is none of AUTHN, AUTHZ, STATS`);
  }
  return {
    apiVersion: "extensions.istio.io/v1alpha1",
    kind: "WasmPlugin",
    metadata: { name, namespace },
    spec: {
      selector: selector === undefined ? undefined : { matchLabels: labels(selector) },
      url,
      sha256,
      phase,
      failStrategy: failOpen ? "FAIL_OPEN" : undefined,
      pluginConfig: config,
      vmConfig: env === undefined ? undefined : { env: env.map(istioVariable) },
    },
  };
}

function istioVariable(variable: string) {
  const [name, value] = splitVariable(variable);
  return value === undefined ? { name, valueFrom: "HOST" } : { name, value };
}

function extensionPolicy(options: ManifestOptions, sha256: string | undefined, config: Config | undefined) {
  const { name, url, namespace, failOpen } = options;
  const env = options.env === undefined ? undefined : { hostKeys: options.env.map(hostKey) };
  const code = url.startsWith("oci://")
    ? { type: "Image", image: { url: url.slice("oci://".length), sha256 } }
    : { type: "HTTP", http: { url, sha256 } };
  return {
    apiVersion: "gateway.envoyproxy.io/v1alpha1",
    kind: "EnvoyExtensionPolicy",
    metadata: { name, namespace },
    spec: {
      targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "gateway" }],
      wasm: [{ name, code, config, failOpen: failOpen ? true : undefined, env }],
    },
  };
}

function hostKey(variable: string): string {
  const [name, value] = splitVariable(variable);
  if (value === undefined) return name;
  throw new Problem(`--env ${name}: Envoy Gateway passes on the proxy's own variables only: leave out the value`);
}

/** One HTTP filter for `http_filters`. */
function envoyFilter(options: ManifestOptions, _sha256: string | undefined, config: Config | undefined) {
  const { name, url, env, failOpen } = options;
  return [
    {
      name: "envoy.filters.http.wasm",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        config: {
          name,
          failure_policy: failOpen ? "FAIL_OPEN" : "FAIL_CLOSED",
          configuration:
            config === undefined
              ? undefined
              : { "@type": "type.googleapis.com/google.protobuf.StringValue", value: JSON.stringify(config) },
          vm_config: {
            runtime: "envoy.wasm.runtime.v8",
            code: { local: { filename: url.slice("file://".length) } },
            environment_variables: env === undefined ? undefined : environmentVariables(env),
          },
        },
      },
    },
  ];
}

function environmentVariables(env: readonly string[]) {
  const variables = env.map(splitVariable);
  const own = variables.flatMap(([name, value]) => (value === undefined ? [name] : []));
  const given = variables.filter(([, value]) => value !== undefined);
  return {
    host_env_keys: own.length === 0 ? undefined : own,
    key_values: given.length === 0 ? undefined : Object.fromEntries(given),
  };
}

function checkUrl(url: string, target: Target): void {
  const [, scheme] = /^([a-z]+):\/\//.exec(url) ?? [];
  if (scheme === undefined) {
    throw new Problem(
      `--url: ${JSON.stringify(url)} has no scheme: write oci://${url}. Istio drops an image with a port and without ` +
        `oci:// in silence, and traffic runs unfiltered`,
    );
  }
  const taken = { istio: ["oci", "https", "http", "file"], "envoy-gateway": ["oci", "https", "http"], envoy: ["file"] };
  if (taken[target].includes(scheme)) return;
  const list = taken[target].map((name) => `${name}://`).join(", ");
  throw new Problem(`--url: ${target} does not load from ${scheme}://, only from ${list}`);
}

function checkDigest(text: string | undefined, url: string): string | undefined {
  const digest = text?.replace(/^sha256:/, "");
  const problem = digest === undefined ? null : digestProblem(digest, url);
  if (problem !== null) throw new Problem(`--sha256: ${problem}`);
  return digest;
}

function labels(selector: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    selector.map((text) => {
      const [key, value, ...rest] = text.split("=");
      if (key && value !== undefined && rest.length === 0) return [key, value];
      throw new Problem(`--selector: ${JSON.stringify(text)} is not written LABEL=VALUE`);
    }),
  );
}
