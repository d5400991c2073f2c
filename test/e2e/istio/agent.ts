import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { waitUntil } from "../../../harness/envoy/wait.ts";
import { freePort } from "../../free-port.ts";
import { ended } from "./ended.ts";
import type { Istio } from "./program.ts";

export interface AgentOptions {
  istio: Istio;
  envoy: string;
  /** Where the control plane is: `HOST:PORT`. */
  discoveryAddress: string;
  labels: Readonly<Record<string, string>>;
  /** A gateway (`router`) when absent. A sidecar captures nothing: its listeners are those of a Sidecar resource. */
  type?: "router" | "sidecar";
}

/** Istio's agent as it runs in the container of a gateway or sidecar, and the Envoy that it has started. */
export class Agent implements AsyncDisposable {
  /** What agent and Envoy have logged. */
  readonly log: string[] = [];
  private readonly folder: string;
  private readonly child: ChildProcess;
  private readonly adminPort: number;
  private hasEnded = false;

  static async start(options: AgentOptions): Promise<Agent> {
    // Its sockets are in there: a path of a socket is short.
    const folder = await mkdtemp(join(tmpdir(), "istio-"));
    const ports = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
    const agent = new Agent(options, folder, ports);
    try {
      await waitUntil("Istio's agent to start Envoy", async () => {
        if (agent.hasEnded) throw new Error(`the agent has ended: ${agent.log.slice(-5).join("\n")}`);
        return await agent.admin("/ready").then(
          (text) => text.startsWith("LIVE") || null,
          () => null,
        );
      });
    } catch (error) {
      await agent[Symbol.asyncDispose]();
      throw error;
    }
    return agent;
  }

  private constructor(options: AgentOptions, folder: string, [admin, status, health, prometheus]: number[]) {
    this.folder = folder;
    this.adminPort = admin!;
    const proxyConfig = {
      discoveryAddress: options.discoveryAddress,
      controlPlaneAuthPolicy: "NONE",
      configPath: "./config",
      binaryPath: options.envoy,
      proxyBootstrapTemplatePath: options.istio.bootstrapTemplate,
      proxyAdminPort: admin,
      statusPort: status,
      concurrency: 1,
      drainDuration: "1s",
      terminationDrainDuration: "0s",
    };
    const env = {
      ...process.env,
      PROXY_CONFIG: JSON.stringify(proxyConfig),
      POD_NAME: "gateway",
      POD_NAMESPACE: "default",
      INSTANCE_IP: "127.0.0.1",
      ISTIO_META_CLUSTER_ID: "Kubernetes",
      ISTIO_META_INTERCEPTION_MODE: "NONE",
      ISTIO_METAJSON_LABELS: JSON.stringify(options.labels),
      ENVOY_STATUS_PORT: String(health),
      ENVOY_PROMETHEUS_PORT: String(prometheus),
      // Neither a gRPC application nor certificates of a mesh are here.
      GRPC_XDS_BOOTSTRAP: "",
      FILE_MOUNTED_CERTS: "true",
      WASM_INSECURE_REGISTRIES: "*",
    };
    const level = ["--proxyLogLevel", "warning,wasm:info"];
    const args = ["agent", "proxy", options.type ?? "router", "--domain", "default.svc.cluster.local", ...level];
    this.child = spawn(options.istio.program, args, { cwd: folder, env, stdio: ["pipe", "pipe", "pipe"] });
    this.child.stdin!.on("error", () => {});
    this.child.on("close", () => (this.hasEnded = true));
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      createInterface(stream).on("line", (line) => this.log.push(line));
    }
  }

  /** Text of an administration page of Envoy. */
  async admin(path: string): Promise<string> {
    return await (await fetch(`http://127.0.0.1:${this.adminPort}${path}`)).text();
  }

  /**
   * Type of the filter that Envoy has for a WasmPlugin (`…v3.Wasm`, or `…v3.RBAC` in place of a module that could not be
   * pulled), and its configuration; `null` before there is one.
   */
  async extension(plugin: string): Promise<{ type: string; config: Record<string, unknown> } | null> {
    const dump = JSON.parse(await this.admin("/config_dump?resource=ecds_filters")) as {
      configs?: { ecds_filter: { name: string; typed_config: Record<string, unknown> } }[];
    };
    const found = dump.configs?.find(({ ecds_filter: { name } }) => name.includes(`.${plugin}`))?.ecds_filter;
    if (found === undefined) return null;
    const { "@type": type, ...config } = found.typed_config;
    return { type: String(type).split("/").at(-1)!, config };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.hasEnded) {
      this.child.stdin!.end();
      await ended(this.child, `the agent\n${this.log.slice(-10).join("\n")}`);
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}
