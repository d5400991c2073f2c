import { fileURLToPath } from "node:url";
import { findEnvoy } from "@attache/harness/envoy";
import { EnvoyProcess } from "../../../harness/envoy/process.ts";
import type { EnvoyHttpFilter } from "../../e2e/istio/translate.ts";
import type { Json } from "../translation.ts";
import type { Client, Request } from "./generator.ts";
import { makeIdentities, type Identities } from "./identities.ts";
import { sendAll, type Answer } from "./client.ts";
import { resourceOf, type Table } from "./policy.ts";

const TYPES = "type.googleapis.com/envoy.extensions";
const module = fileURLToPath(new URL("../../../assembly/auth-policy/build/plugin.wasm", import.meta.url));

/** A table with the filters that Istio makes of it, and where both are. */
export interface Loaded {
  table: Table;
  filters: readonly EnvoyHttpFilter[];
  port: number;
}

/** What both sides answer to a request. */
export interface Answers {
  native: Answer;
  filter: Answer;
}

/**
 * One Envoy, with a listener for each table. The header `x-side` chooses whether Envoy's own filters decide or ours, so
 * that both see the same connection. What passes is answered with the request as an upstream would see it.
 */
export class PolicyProxy {
  readonly #envoy: EnvoyProcess;
  readonly #identities: Identities;
  #batch = 0;

  static async start(): Promise<PolicyProxy> {
    const binary = await findEnvoy();
    if (binary === null) throw new Error("there is no Envoy to compare with: run `npm run setup` first");
    const identities = await makeIdentities();
    return new PolicyProxy(await EnvoyProcess.start(binary), identities);
  }

  private constructor(envoy: EnvoyProcess, identities: Identities) {
    this.#envoy = envoy;
    this.#identities = identities;
  }

  /** Puts tables in the place of those before, and waits until they decide. */
  async load(tables: readonly Loaded[]): Promise<void> {
    this.#batch += 1;
    const name = (index: number) => `${this.#batch}-${index}`;
    const listeners = tables.map((loaded, index) => listener(name(index), loaded, this.#identities));
    if (!(await this.#envoy.replace("listeners", listeners))) {
      throw new Error(
        `Envoy rejected a table:\n${this.#envoy.log
          .slice(-6)
          .map(({ text }) => text)
          .join("\n")}`,
      );
    }
    await Promise.all(tables.map((table, index) => this.#becomesReady(table, name(index))));
  }

  /** Sends all requests of a client to both sides. */
  async send({ table, port }: Loaded, client: Client): Promise<Answers[]> {
    const requests = client.requests.flatMap((request) => [encode(request, "native"), encode(request, "filter")]);
    const identity = this.#identities.clients.get(client.peer);
    const tls = table.tls ? { tls: { identity, serverName: client.serverName } } : {};
    const answers = await sendAll({ port, ...tls }, requests);
    return client.requests.map((_, index) => ({ native: answers[2 * index]!, filter: answers[2 * index + 1]! }));
  }

  async stop(): Promise<void> {
    await this.#envoy.stop();
  }

  async #becomesReady({ table, port }: Loaded, name: string): Promise<void> {
    const request = encode({ method: "GET", target: "/", headers: [["host", "ready"]] }, "ready");
    const deadline = Date.now() + 20_000;
    while (Date.now() < deadline) {
      const tls = table.tls ? { tls: { identity: undefined, serverName: "" } } : {};
      const [answer] = await sendAll({ port, ...tls }, [request]).catch(() => []);
      if (answer?.body === name) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`Envoy did not open the listener ${name} within 20 seconds`);
  }
}

function encode({ method, target, headers }: Request, side: string): Buffer {
  const lines = [`${method} ${target} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return Buffer.from([...lines, `x-side: ${side}`, "content-length: 0", "", ""].join("\r\n"), "latin1");
}

function listener(name: string, { table, filters, port }: Loaded, identities: Identities): Json {
  const native = filters.map((filter, index) => ({ ...filter, name: `native-${index}` }));
  const off = (names: readonly string[]) =>
    Object.fromEntries(
      names.map((filter) => [
        filter,
        { "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", disabled: true },
      ]),
    );
  const nativeNames = native.map((filter) => filter.name);
  const manager = {
    "@type": `${TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "http",
    normalize_path: table.normalizesPath,
    http_filters: [headerToMetadata, ...native, wasm(table, name), router],
    route_config: {
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [
            route("native", { inline_string: "passed" }, off(["wasm"])),
            route("filter", { inline_string: "passed" }, off(nativeNames)),
            route("ready", { inline_string: name }, off(["wasm", ...nativeNames])),
          ],
        },
      ],
    },
  };
  return {
    "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
    name,
    address: { socket_address: { address: "127.0.0.1", port_value: port } },
    listener_filters: table.tls
      ? [{ name: "tls", typed_config: { "@type": `${TYPES}.filters.listener.tls_inspector.v3.TlsInspector` } }]
      : [],
    filter_chains: [
      {
        filters: [{ name: "http", typed_config: manager }],
        ...(table.tls ? { transport_socket: tlsSocket(identities) } : {}),
      },
    ],
  };
}

const router = { name: "router", typed_config: { "@type": `${TYPES}.filters.http.router.v3.Router` } };

/** For conditions on metadata. */
const headerToMetadata = {
  name: "metadata",
  typed_config: {
    "@type": `${TYPES}.filters.http.header_to_metadata.v3.Config`,
    request_rules: [
      {
        header: "x-level",
        on_header_present: { metadata_namespace: "envoy.filters.demo", key: "level", type: "STRING" },
      },
    ],
  },
};

/** What an upstream would see of a request, as far as the filters change it. */
const seen = [":path", "authorization", "x-token", "x-payload", "x-sub", "x-level-claim", "x-roles"];

/** What native filters and ours say that policies did which decide nothing. */
const marks = {
  "native-audited": "%DYNAMIC_METADATA(envoy.common:access_log_hint)%",
  "native-dry-run-deny": "%DYNAMIC_METADATA(envoy.filters.http.rbac:istio_dry_run_deny_shadow_engine_result)%",
  "native-dry-run-allow": "%DYNAMIC_METADATA(envoy.filters.http.rbac:istio_dry_run_allow_shadow_engine_result)%",
  "filter-audited": "%FILTER_STATE(wasm.auth_policy_audited_by:PLAIN)%",
  "filter-dry-run": "%FILTER_STATE(wasm.auth_policy_dry_run_denied_by:PLAIN)%",
};

function route(side: string, body: Json, typed_per_filter_config: Json): Json {
  return {
    match: { prefix: "/", headers: [{ name: "x-side", string_match: { exact: side } }] },
    direct_response: { status: 200, body },
    response_headers_to_add: [
      ...seen.map((name) => [`seen-${name.replace(":", "")}`, `%REQ(${name})%`]),
      ...Object.entries(marks),
    ].map(([key, value]) => ({ header: { key, value } })),
    typed_per_filter_config,
  };
}

/** All tables are plugins of one VM. */
function wasm(table: Table, name: string): Json {
  const configuration = {
    authorizationPolicies: table.policies.map(resourceOf),
    ...(table.jwtRules.length > 0 ? { requestAuthentication: [{ jwtRules: table.jwtRules }] } : {}),
    options: {
      pathNormalization: table.pathNormalization,
      multiValue: table.multiValue,
      ...(table.usesPeerAddress ? { sourceIpFrom: "remoteAddress" } : {}),
    },
  };
  return {
    name: "wasm",
    typed_config: {
      "@type": `${TYPES}.filters.http.wasm.v3.Wasm`,
      config: {
        name,
        root_id: name,
        configuration: {
          "@type": "type.googleapis.com/google.protobuf.StringValue",
          value: JSON.stringify(configuration),
        },
        vm_config: { vm_id: "differential", runtime: "envoy.wasm.runtime.v8", code: { local: { filename: module } } },
      },
    },
  };
}

function tlsSocket({ authority, server }: Identities): Json {
  return {
    name: "tls",
    typed_config: {
      "@type": `${TYPES}.transport_sockets.tls.v3.DownstreamTlsContext`,
      common_tls_context: {
        tls_certificates: [
          { certificate_chain: { inline_string: server.cert }, private_key: { inline_string: server.key } },
        ],
        validation_context: { trusted_ca: { inline_string: authority } },
      },
    },
  };
}
