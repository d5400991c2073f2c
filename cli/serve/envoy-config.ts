import { resolve } from "node:path";
import type { Cluster, FailurePolicy, HostOptions, PluginOptions, Route } from "@attache/harness";
import { ownVariables, type Environment } from "../environment.ts";
import { Problem } from "../problem.ts";
import { Fields } from "./fields.ts";

type HeaderMatch = NonNullable<Route["match"]["headers"]>[number];

/**
 * What an `envoy.yaml` says, for a host: one listener with its routes, clusters and Wasm filters. As for Envoy, modules are
 * relative to the working directory.
 */
export function readEnvoyConfig(content: unknown): HostOptions {
  const root = new Fields(content, "");
  root.ignore("admin", "node", "stats_config", "bootstrap_extensions");
  const resources = root.requiredFields("static_resources");
  const listener = resources.single("listeners");
  const options: HostOptions = {
    ...readListener(listener),
    clusters: Object.fromEntries(resources.list("clusters").map(readCluster)),
  };
  resources.done();
  root.done();
  return options;
}

function readListener(listener: Fields): Pick<HostOptions, "plugins" | "routes"> {
  listener.ignore("name", "address", "traffic_direction", "stat_prefix");
  const chain = listener.single("filter_chains");
  chain.ignore("name");
  const filter = chain.single("filters");
  filter.ignore("name");
  const manager = typedConfig(filter, "http_connection_manager.v3.HttpConnectionManager");
  manager.ignore("stat_prefix", "codec_type", "access_log", "generate_request_id", "use_remote_address");
  const table = manager.requiredFields("route_config");
  table.ignore("name");
  const host = table.single("virtual_hosts");
  host.ignore("name");
  const domains = host.value("domains");
  if (JSON.stringify(domains) !== '["*"]') throw new Problem(`${host.path}.domains: only ["*"] is supported`);
  const routes = host.list("routes").map(readRoute);
  const plugins = manager.list("http_filters").flatMap(readHttpFilter);
  for (const read of [host, table, manager, filter, chain, listener]) read.done();
  return { plugins, routes };
}

function typedConfig(fields: Fields, type: string): Fields {
  const config = fields.requiredFields("typed_config");
  const found = config.requiredText("@type");
  if (!found.endsWith(`.${type}`))
    throw new Problem(`${config.path}.@type: ${found} is not supported here: use ${type}`);
  return config;
}

function readHttpFilter(filter: Fields): PluginOptions[] {
  filter.ignore("name");
  const type = filter.fields("typed_config")?.text("@type") ?? "";
  if (type.endsWith(".http.router.v3.Router")) return [];
  const wasm = typedConfig(filter, "http.wasm.v3.Wasm");
  const config = wasm.requiredFields("config");
  const plugin = readPlugin(config);
  for (const read of [config, wasm, filter]) read.done();
  return [plugin];
}

const failurePolicies: Record<string, FailurePolicy> = {
  FAIL_CLOSED: "closed",
  FAIL_OPEN: "open",
  FAIL_RELOAD: "reload",
};

function readPlugin(config: Fields): PluginOptions {
  const vm = config.requiredFields("vm_config");
  vm.oneOf("runtime", ["envoy.wasm.runtime.v8"]);
  const code = vm.requiredFields("code");
  const local = code.requiredFields("local");
  const capabilities = config.fields("capability_restriction_config")?.fields("allowed_capabilities");
  const policy = config.oneOf("failure_policy", Object.keys(failurePolicies));
  const isOpen = config.flag("fail_open");
  const configuration = anyValue(config.fields("configuration"));
  const vmConfiguration = anyValue(vm.fields("configuration"));
  const options: PluginOptions = {
    module: resolve(local.requiredText("filename")),
    name: config.text("name") ?? "",
    rootId: config.text("root_id") ?? "",
    vmId: vm.text("vm_id") ?? "",
    failurePolicy: isOpen ? "open" : (failurePolicies[policy ?? "FAIL_CLOSED"] as FailurePolicy),
    allowOnHeadersStopIteration: config.flag("allow_on_headers_stop_iteration"),
    ...(configuration === undefined ? {} : { configuration }),
    ...(vmConfiguration === undefined ? {} : { vmConfiguration }),
    ...(capabilities === undefined ? {} : { allowedCapabilities: capabilities.entries().map(([name]) => name) }),
    environment: readEnvironment(vm.fields("environment_variables")),
  };
  for (const read of [local, code, vm]) read.done();
  return options;
}

function readEnvironment(variables: Fields | undefined): Environment {
  if (variables === undefined) return {};
  const ofHost = variables.value("host_env_keys") ?? [];
  if (!Array.isArray(ofHost)) throw new Problem(`${variables.path}.host_env_keys: expected a list`);
  const given = variables.fields("key_values")?.entries() ?? [];
  variables.done();
  return {
    ...Object.fromEntries(given.map(([name, value]) => [name, String(value)])),
    ...ownVariables(ofHost.map(String)),
  };
}

/** A `google.protobuf.Any` that a filter is configured with. */
function anyValue(any: Fields | undefined): string | Uint8Array | undefined {
  if (any === undefined) return undefined;
  const type = any.requiredText("@type");
  const value = any.value("value");
  any.done();
  switch (type.slice(type.lastIndexOf("/") + 1)) {
    case "google.protobuf.StringValue":
      return String(value);
    case "google.protobuf.BytesValue":
      return Buffer.from(String(value), "base64");
    case "google.protobuf.Struct":
      return JSON.stringify(value);
    default:
      throw new Problem(`${any.path}.@type: ${type} is not supported: use google.protobuf.StringValue`);
  }
}

function readRoute(route: Fields): Route {
  const match = route.requiredFields("match");
  const name = route.text("name");
  const prefix = match.text("prefix");
  const path = match.text("path");
  const headers = match.list("headers").map(readHeaderMatch);
  match.done();
  const result = {
    ...(name === undefined ? {} : { name }),
    match: {
      ...(prefix === undefined ? {} : { prefix }),
      ...(path === undefined ? {} : { path }),
      ...(headers.length === 0 ? {} : { headers }),
    },
    ...readAction(route),
  };
  route.done();
  return result;
}

function readAction(route: Fields): Pick<Route, "cluster" | "clusterHeader" | "directResponse"> {
  const direct = route.fields("direct_response");
  if (direct !== undefined) {
    const status = direct.number("status") ?? 200;
    const body = direct.fields("body");
    const text = body?.text("inline_string");
    body?.done();
    direct.done();
    return { directResponse: { status, ...(text === undefined ? {} : { body: text }) } };
  }
  const action = route.requiredFields("route");
  const cluster = action.text("cluster");
  const clusterHeader = action.text("cluster_header");
  action.done();
  return cluster === undefined ? { clusterHeader: clusterHeader ?? "" } : { cluster };
}

function readHeaderMatch(match: Fields): HeaderMatch {
  const name = match.requiredText("name");
  const exact = match.fields("string_match")?.requiredText("exact") ?? match.text("exact_match");
  match.ignore("present_match");
  match.done();
  return exact === undefined ? { name } : { name, exact };
}

function readCluster(cluster: Fields): [name: string, cluster: Cluster] {
  const name = cluster.requiredText("name");
  cluster.oneOf("type", ["STATIC", "STRICT_DNS", "LOGICAL_DNS"]);
  cluster.ignore("connect_timeout", "lb_policy", "dns_lookup_family");
  const assignment = cluster.requiredFields("load_assignment");
  assignment.ignore("cluster_name");
  const endpoint = assignment.single("endpoints").single("lb_endpoints").requiredFields("endpoint");
  const address = endpoint.requiredFields("address").requiredFields("socket_address");
  const host = address.requiredText("address");
  const port = address.number("port_value") ?? 0;
  for (const read of [address, assignment, cluster]) read.done();
  return [name, { host, port }];
}
