import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { cluster } from "../../../../harness/envoy/config.ts";
import { findEnvoy } from "@attache/harness/envoy";
import { EnvoyProcess } from "../../../../harness/envoy/process.ts";
import { Dice } from "../../../conformance/dice.ts";
import type { Json } from "../../translation.ts";
import { sendAll, type Answer } from "../client.ts";
import { freePorts } from "../../free-ports.ts";
import { randomCase, randomProvider, type Case } from "./cases.ts";
import { nativeFilter, ownConfiguration, serviceCluster, type Provider } from "./provider.ts";
import { Services, type Received, type Script, type Side } from "./services.ts";

const TYPES = "type.googleapis.com/envoy.extensions";
const module = fileURLToPath(new URL("../../../../assembly/auth-policy/build/plugin.wasm", import.meta.url));
const sides: readonly Side[] = ["native", "filter"];

/** What a client, the service and the upstream see of one request. */
export interface Seen {
  answer: unknown;
  service: Received | null;
  upstream: Received | null;
}

export interface CustomDifference extends Record<Side, Seen> {
  provider: Provider;
  example: Case;
}

export interface CustomSummary {
  requests: number;
  agree: number;
  /** How many the native filter let pass. */
  allowed: number;
  differences: CustomDifference[];
}

/** Puts random requests to random external services by Envoy's own `ext_authz` and by the filter, and compares what all see. */
export async function compareCustom(options: {
  seed: number;
  providers: number;
  requestsPerProvider: number;
}): Promise<CustomSummary> {
  const binary = await findEnvoy();
  if (binary === null) throw new Error("there is no Envoy to compare with: run `npm run setup` first");
  const dice = new Dice(options.seed);
  const scripts = new Map<string, Script>();
  const script = (name: string) => scripts.get(name)!;
  await using native = await Services.start(script);
  await using filter = await Services.start(script);
  const services = { native, filter };
  const envoy = await EnvoyProcess.start(binary);
  const summary: CustomSummary = { requests: 0, agree: 0, allowed: 0, differences: [] };
  try {
    const providers = dice.list(options.providers, options.providers, () => randomProvider(dice));
    const ports = await freePorts(providers.length);
    await replace(envoy, "clusters", sides.flatMap((side) => clustersOf(side, services[side]))); // prettier-ignore
    await replace(envoy, "listeners", providers.map((provider, index) => listener(`l${index}`, provider, ports[index]!))); // prettier-ignore
    for (const [index, provider] of providers.entries()) {
      const count = options.requestsPerProvider;
      const cases = dice.list(count, count, (at) => randomCase(dice, `${index}-${at}`, provider));
      for (const { name, script: says } of cases) scripts.set(name, says);
      const bytes = sides.flatMap((side) => cases.map((example) => encode(example, side)));
      const answers = await whenOpen(ports[index]!, bytes);
      cases.forEach((example, at) => {
        const seen = (side: Side, shift: number): Seen => ({
          answer: observe(answers[at + shift]!),
          service: services[side].received.get(`${example.name} service`) ?? null,
          upstream: services[side].received.get(`${example.name} upstream`) ?? null,
        });
        const both = { native: seen("native", 0), filter: seen("filter", cases.length) };
        summary.requests++;
        if (both.native.upstream !== null) summary.allowed++;
        if (isDeepStrictEqual(both.native, both.filter)) summary.agree++;
        else summary.differences.push({ provider, example, ...both });
      });
    }
  } finally {
    await envoy.stop();
  }
  return summary;
}

export function describeCustom({ provider, example, native, filter }: CustomDifference): string {
  const { request, body, script } = example;
  const message = Buffer.from(script.message).toString("hex");
  return [
    `${request.method} ${request.target} ${JSON.stringify(request.headers)} with ${body.length} bytes`,
    `  through ${JSON.stringify(provider)}`,
    `  answered by ${JSON.stringify({ ...script, message })}`,
    `  native: ${JSON.stringify(native)}`,
    `  filter: ${JSON.stringify(filter)}`,
  ].join("\n");
}

async function replace(envoy: EnvoyProcess, kind: "listeners" | "clusters", list: Json[]): Promise<void> {
  if (await envoy.replace(kind, list)) return;
  const lines = envoy.log.slice(-6).map(({ text }) => text);
  throw new Error(`Envoy rejected the ${kind}:\n${lines.join("\n")}`);
}

/** Listeners open a moment after Envoy has taken them. */
async function whenOpen(port: number, requests: readonly Buffer[]): Promise<Answer[]> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    try {
      return await sendAll({ port }, requests);
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

function observe({ status, headers, body }: Answer): unknown {
  const { date: _date, "x-envoy-upstream-service-time": _time, ...rest } = headers;
  return { status, headers: rest, body };
}

function encode({ request, body }: Case, side: Side): Buffer {
  const { method, target, headers } = request;
  const lines = [`${method} ${target} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return Buffer.from([...lines, `x-side: ${side}`, `content-length: ${body.length}`, "", body].join("\r\n"), "latin1");
}

function clustersOf(side: Side, { ports }: Services): Json[] {
  const at = (port: number) => ({ host: "127.0.0.1", port });
  return [
    cluster(serviceCluster("http", side), { address: at(ports.http), http2: false }),
    cluster(serviceCluster("grpc", side), { address: at(ports.grpc), http2: true }),
    cluster(`upstream-${side}`, { address: at(ports.upstream), http2: false }),
  ];
}

function listener(name: string, provider: Provider, port: number): Json {
  const route = (side: Side, disabled: string) => ({
    match: { prefix: "/", headers: [{ name: "x-side", string_match: { exact: side } }] },
    route: { cluster: `upstream-${side}` },
    typed_per_filter_config: {
      [disabled]: { "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", disabled: true },
    },
  });
  const routes = [route("native", "wasm"), route("filter", "native")];
  const router = { name: "router", typed_config: { "@type": `${TYPES}.filters.http.router.v3.Router` } };
  const manager = {
    "@type": `${TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "http",
    http_filters: [nativeFilter(provider), wasm(name, provider), router],
    route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes }] },
  };
  return {
    "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
    name,
    address: { socket_address: { address: "127.0.0.1", port_value: port } },
    filter_chains: [{ filters: [{ name: "http", typed_config: manager }] }],
  };
}

function wasm(name: string, provider: Provider): Json {
  const value = JSON.stringify(ownConfiguration(provider));
  const config = {
    name,
    root_id: name,
    allow_on_headers_stop_iteration: true,
    configuration: { "@type": "type.googleapis.com/google.protobuf.StringValue", value },
    vm_config: { vm_id: "differential", runtime: "envoy.wasm.runtime.v8", code: { local: { filename: module } } },
  };
  return { name: "wasm", typed_config: { "@type": `${TYPES}.filters.http.wasm.v3.Wasm`, config } };
}
