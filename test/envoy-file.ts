import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { waitUntil } from "../harness/envoy/wait.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** An `envoy.yaml` of the repository as far as tests change it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Bootstrap = Record<string, any>;

/** A real Envoy that runs an `envoy.yaml` as its readers do, but on free ports of loopback. */
export class EnvoyFile implements AsyncDisposable {
  /** `http://127.0.0.1:PORT` of the administration interface. */
  readonly admin: string;
  /** `http://127.0.0.1:PORT` of the first listener. */
  readonly proxy: string;
  private readonly end: () => Promise<void>;

  /** @param change what is different from the file */
  static async start(binary: string, file: URL, change: (bootstrap: Bootstrap) => void = () => {}): Promise<EnvoyFile> {
    const text = (await readFile(file, "utf8")).replace(/port_value: \d+/g, "port_value: 0");
    const bootstrap = parse(text) as Bootstrap;
    change(bootstrap);
    const folder = await mkdtemp(join(tmpdir(), "attache-envoy-file-"));
    await writeFile(join(folder, "envoy.json"), JSON.stringify(bootstrap));
    const addressFile = join(folder, "admin");
    const options = ["-c", join(folder, "envoy.json"), "--admin-address-path", addressFile, "--concurrency", "1"];
    const child = spawn(binary, [...options, "--disable-hot-restart", "--log-level", "error"], {
      cwd: root,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let output = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(-2000)));
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    const ended = new Promise((resolve) => child.once("exit", resolve));
    const end = async () => {
      process.off("exit", kill);
      kill();
      await ended;
      await rm(folder, { recursive: true });
    };
    const wait = async <T>(what: string, ask: () => Promise<T>): Promise<T> =>
      await waitUntil(what, async () => {
        if (child.exitCode !== null) throw new Error(`Envoy ended: ${output}`);
        return await ask().catch(() => null);
      });
    try {
      const admin = await wait("Envoy to start", async () => `http://${await readFile(addressFile, "utf8")}`);
      const proxy = await wait("Envoy's listener", async () => {
        const listeners = (await (await fetch(`${admin}/listeners?format=json`)).json()) as {
          listener_statuses: { local_address: { socket_address: { port_value: number } } }[];
        };
        return `http://127.0.0.1:${listeners.listener_statuses[0]!.local_address.socket_address.port_value}`;
      });
      return new EnvoyFile(admin, proxy, end);
    } catch (error) {
      await end();
      throw error;
    }
  }

  private constructor(admin: string, proxy: string, end: () => Promise<void>) {
    this.admin = admin;
    this.proxy = proxy;
    this.end = end;
  }

  /** What Prometheus is shown. */
  async statistics(): Promise<string> {
    return await (await fetch(`${this.admin}/stats/prometheus`)).text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
