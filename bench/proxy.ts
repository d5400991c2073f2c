import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findEnvoy } from "@attache/harness/envoy";
import type { Case, Variant } from "./case.ts";

const run = promisify(execFile);
const TYPES = "type.googleapis.com/envoy.extensions";

/** One Envoy with one worker and a listener for each variant, which answers by itself. */
export class BenchProxy {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #ports: readonly number[];

  private constructor(child: ChildProcess, folder: string, ports: readonly number[]) {
    this.#child = child;
    this.#folder = folder;
    this.#ports = ports;
  }

  static async start(
    measured: Case,
    variants: readonly Variant[],
    clusters: readonly unknown[] = [],
  ): Promise<BenchProxy> {
    const binary = await findEnvoy();
    if (binary === null) throw new Error("there is no Envoy: run `npm run setup` first");
    const folder = await mkdtemp(join(tmpdir(), "attache-bench-"));
    const listeners = await Promise.all(variants.map(async (variant, i) => await listener(measured, variant, i)));
    const config = {
      admin: { address: address(0) },
      static_resources: { listeners, clusters: [{ name: "nowhere" }, ...clusters] },
    };
    await writeFile(join(folder, "envoy.json"), JSON.stringify(config));
    const flags = ["-c", join(folder, "envoy.json"), "--concurrency", "1", "--disable-hot-restart", "-l", "error"];
    const child = spawn(binary, [...flags, "--admin-address-path", join(folder, "admin")], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const admin = await poll(async () => await readFile(join(folder, "admin"), "utf8"));
    const ports = await poll(async () => await portsOf(admin.trim(), variants.length));
    return new BenchProxy(child, folder, ports);
  }

  url(index: number): string {
    return `http://127.0.0.1:${this.#ports[index]}/`;
  }

  /** Microseconds of processor time so far, of all threads: the kernel counts them in nanoseconds there. */
  async processorTime(): Promise<number> {
    const threads = `/proc/${this.#child.pid}/task`;
    let nanoseconds = 0;
    for (const thread of await readdir(threads)) {
      nanoseconds += Number((await readFile(`${threads}/${thread}/schedstat`, "utf8")).split(" ", 1)[0]);
    }
    return nanoseconds / 1000;
  }

  /** Memory it holds now, in KiB. */
  async residentKiB(): Promise<number> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]);
  }

  async stop(): Promise<void> {
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await exited;
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const clientsScript = fileURLToPath(new URL("clients.lua", import.meta.url));

/**
 * Sends requests for a while.
 *
 * @param clients so many send them, each with an `x-user` of its own
 * @returns how many were answered
 */
export async function load(
  url: string,
  headers: Record<string, string>,
  seconds: number,
  clients = 1,
): Promise<number> {
  const pairs = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const script = clients === 1 ? [] : ["-s", clientsScript];
  const env = { ...process.env, BENCH_CLIENTS: `${clients}` };
  const { stdout } = await run("wrk", ["-t1", "-c32", `-d${seconds}s`, ...pairs, ...script, url], { env });
  const [, requests] = /(\d+) requests in/.exec(stdout) ?? [];
  const [, failures] = /Non-2xx or 3xx responses: (\d+)/.exec(stdout) ?? [];
  if (requests === undefined || failures !== undefined) throw new Error(`wrk ${url}:\n${stdout}`);
  return Number(requests);
}

async function listener(measured: Case, variant: Variant, index: number): Promise<unknown> {
  const wasm =
    variant.module === undefined
      ? []
      : [
          {
            name: "wasm",
            typed_config: {
              "@type": `${TYPES}.filters.http.wasm.v3.Wasm`,
              config: {
                name: "bench",
                root_id: "bench",
                ...(variant.configuration === undefined
                  ? {}
                  : {
                      configuration: {
                        "@type": "type.googleapis.com/google.protobuf.StringValue",
                        value: JSON.stringify(variant.configuration),
                      },
                    }),
                vm_config: {
                  vm_id: `bench-${index}`,
                  runtime: "envoy.wasm.runtime.v8",
                  code: { local: { filename: await variant.module() } },
                },
              },
            },
          },
        ];
  return {
    name: variant.name,
    address: address(0),
    filter_chains: [
      {
        filters: [
          {
            name: "http",
            typed_config: {
              "@type": `${TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: "http",
              access_log: variant.accessLog ?? [],
              route_config: {
                virtual_hosts: [
                  {
                    name: "all",
                    domains: ["*"],
                    ...(variant.virtualHost ?? {
                      routes: [
                        {
                          match: { prefix: "/" },
                          direct_response: { status: 200, body: { inline_string: measured.body ?? "ok" } },
                        },
                      ],
                    }),
                  },
                ],
              },
              http_filters: [
                ...wasm,
                ...(variant.filters ?? []),
                { name: "router", typed_config: { "@type": `${TYPES}.filters.http.router.v3.Router` } },
              ],
            },
          },
        ],
      },
    ],
  };
}

async function portsOf(admin: string, count: number): Promise<number[]> {
  const page = await (await fetch(`http://${admin}/listeners?format=json`)).json();
  const statuses = (page as { listener_statuses?: { local_address: { socket_address: { port_value: number } } }[] })
    .listener_statuses;
  if (statuses?.length !== count) throw new Error("not all listeners are there yet");
  return statuses.map((status) => status.local_address.socket_address.port_value);
}

async function poll<T>(attempt: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + 30_000; ;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await wait(50);
    }
  }
}

function address(port: number) {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}
