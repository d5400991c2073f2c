import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { waitUntil } from "../../../harness/envoy/wait.ts";
import { freePort } from "../../free-port.ts";
import { ServerProcess } from "../../server-process.ts";

/** Whether Debian's package is there. */
export const hasPrometheus = ["prometheus", "promtool"].every((name) => spawnSync(name, ["--version"]).status === 0);

export interface Sample {
  metric: Record<string, string>;
  value: number;
}

/** A Prometheus on a free port of loopback, with its data in a folder of its own. */
export class PrometheusServer implements AsyncDisposable {
  private readonly process: ServerProcess;
  private readonly folder: string;

  /**
   * @param proxy address of an Envoy's administration interface
   * @param rules a file of rules
   */
  static async start(proxy: string, rules: URL): Promise<PrometheusServer> {
    const folder = await mkdtemp(join(tmpdir(), "attache-prometheus-"));
    const config = {
      // A scrape that takes longer than the interval ends the series: it is long enough for a busy machine.
      global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "200ms" },
      rule_files: [fileURLToPath(rules)],
      scrape_configs: [
        {
          job_name: "envoy",
          metrics_path: "/stats/prometheus",
          static_configs: [{ targets: [new URL(proxy).host] }],
        },
      ],
    };
    // JSON is YAML.
    await writeFile(join(folder, "prometheus.yaml"), JSON.stringify(config));
    const port = await freePort();
    const options = [
      `--config.file=${join(folder, "prometheus.yaml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=error",
    ];
    const launch = () => spawn("prometheus", options, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    const server = new PrometheusServer(new ServerProcess(port, launch), folder);
    try {
      await server.process.start();
      // It listens before it answers.
      await waitUntil("Prometheus to be ready", async () => {
        return (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok || null;
      });
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  private constructor(process: ServerProcess, folder: string) {
    this.process = process;
    this.folder = folder;
  }

  /** What an expression gives now. */
  async query(expression: string): Promise<Sample[]> {
    const result = (await this.get(`query?query=${encodeURIComponent(expression)}`)) as {
      result: { metric: Record<string, string>; value: [number, string] }[];
    };
    return result.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  }

  /** The alerts that fire: their names with the objective. */
  async alerts(): Promise<string[]> {
    const { alerts } = (await this.get("alerts")) as { alerts: { labels: Record<string, string>; state: string }[] };
    const firing = alerts.filter(({ state }) => state === "firing");
    return firing.map(({ labels }) => `${labels["alertname"]} ${labels["slo"]}`).sort();
  }

  private async get(path: string): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.process.port}/api/v1/${path}`);
    const answer = (await response.json()) as { status: string; data: unknown; error?: string };
    if (answer.status !== "success") throw new Error(`Prometheus: ${answer.error}`);
    return answer.data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}
