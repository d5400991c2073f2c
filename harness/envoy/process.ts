import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, readFile, rename, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { HarnessError } from "../errors.ts";
import type { LogLevel } from "../log.ts";
import { bootstrap, resources } from "./config.ts";
import { waitUntil } from "./wait.ts";

/** One line of Envoy's own log. */
export interface EnvoyLogLine {
  level: LogLevel;
  logger: string;
  text: string;
}

/**
 * Runs a program until it ends or standard input does, then removes its folder: however this process ends, by Ctrl-C
 * too, its Envoys end with it. Arguments: the folder, the program and its own.
 */
const untilInputEnds = `
trap '' INT TERM HUP
folder=$1; shift
exec 3<&0
"$@" </dev/null & program=$!
exec 2>/dev/null
{ cat <&3; kill -9 $program; } >/dev/null & guard=$!
wait $program; status=$?
kill $guard
rm -rf "$folder"
exit $status`;

/** A running Envoy whose listeners and clusters can be replaced; it ends with this process at the latest. */
export class EnvoyProcess {
  readonly folder: string;
  /** Number of its worker threads. */
  readonly workers: number;
  /** All lines, or only the latest 10,000 at least while each is told. */
  readonly log: EnvoyLogLine[] = [];
  /** How many lines there have been. */
  logged = 0;
  /** Told of each line as it comes. */
  onLine: ((line: EnvoyLogLine) => void) | null = null;
  private readonly child: ChildProcess;
  private adminAddress = "";
  private version = 0;
  private ended: string | null = null;

  static async start(binary: string, workers = 1): Promise<EnvoyProcess> {
    const folder = await mkdtemp(join(tmpdir(), "attache-envoy-"));
    await mkdir(join(folder, "resources"));
    const files = join(folder, "resources");
    await writeFile(join(folder, "envoy.json"), JSON.stringify(bootstrap(files)));
    for (const name of ["listeners", "clusters"])
      await writeFile(join(files, `${name}.json`), JSON.stringify(resources(0, [])));
    const envoy = new EnvoyProcess(binary, folder, workers);
    try {
      await envoy.becomeReady();
    } catch (error) {
      await envoy.stop();
      throw error;
    }
    return envoy;
  }

  private constructor(binary: string, folder: string, workers: number) {
    this.folder = folder;
    this.workers = workers;
    this.child = spawn(
      "sh",
      [
        ["-c", untilInputEnds, "sh", folder, binary],
        ["-c", join(folder, "envoy.json")],
        ["--admin-address-path", join(folder, "admin-address")],
        ["--concurrency", String(workers)],
        ["--drain-time-s", "0"],
        ["--log-level", "warning"],
        ["--component-log-level", "wasm:info"],
        ["--log-format", "%l|%n|%v"],
        "--log-format-escaped",
        "--disable-hot-restart",
        ["--file-flush-interval-msec", "50"],
      ].flat(),
      { stdio: ["pipe", "ignore", "pipe"] },
    );
    this.child.stdin!.on("error", () => {});
    this.child.on("error", (error) => (this.ended = error.message));
    this.child.on("exit", (status, signal) => {
      this.ended = `Envoy ended with ${signal ?? `status ${status}`}`;
    });
    this.readLog();
  }

  get isRunning(): boolean {
    return this.ended === null;
  }

  /** Whether this process waits for Envoy before it ends by itself. */
  holdProcess(hold: boolean): void {
    for (const handle of [this.child, this.child.stdin as Socket, this.child.stderr as Socket]) {
      if (hold) handle.ref();
      else handle.unref();
    }
  }

  /** Text of an administration page. */
  async admin(path: string, method: "GET" | "POST" = "GET"): Promise<string> {
    if (this.ended !== null) throw this.failure(this.ended);
    const response = await fetch(`http://${this.adminAddress}${path}`, { method });
    return await response.text();
  }

  /** Values of the counters and gauges whose names match the regular expression. */
  async stats(filter: string): Promise<Map<string, number>> {
    const page = await this.admin(`/stats?format=json&filter=${encodeURIComponent(filter)}`);
    const { stats } = JSON.parse(page) as { stats: { name?: string; value?: number }[] };
    return new Map(
      stats.flatMap(({ name, value }) => (name !== undefined && value !== undefined ? [[name, value]] : [])),
    );
  }

  async setLogLevel(level: LogLevel): Promise<void> {
    await this.admin(`/logging?wasm=${level === "warn" ? "warning" : level}`, "POST");
  }

  /**
   * Replaces all resources of a kind and waits until Envoy has taken or rejected them.
   *
   * @returns whether they were taken
   */
  async replace(kind: "listeners" | "clusters", list: Record<string, unknown>[]): Promise<boolean> {
    const prefix = kind === "listeners" ? "listener_manager.lds" : "cluster_manager.cds";
    const outcome = async () => {
      const stats = await this.stats(`^${prefix}\\.update_(success|rejected)$`);
      return {
        taken: stats.get(`${prefix}.update_success`) ?? 0,
        rejected: stats.get(`${prefix}.update_rejected`) ?? 0,
      };
    };
    const before = await outcome();
    this.version += 1;
    const path = join(this.folder, "resources", `${kind}.json`);
    await writeFile(join(this.folder, "next.json"), JSON.stringify(resources(this.version, list)));
    await rename(join(this.folder, "next.json"), path);
    return await waitUntil(`Envoy to read its ${kind}`, async () => {
      const now = await outcome();
      if (now.rejected > before.rejected) return false;
      return now.taken > before.taken ? true : null;
    });
  }

  /** The lines that came when {@link logged} had been `mark`, and later. */
  linesSince(mark: number): EnvoyLogLine[] {
    return this.log.slice(Math.max(0, this.log.length - (this.logged - mark)));
  }

  /** Waits until every line that Envoy has written so far is in {@link log}. */
  async readWrittenLog(): Promise<void> {
    for (let known = -1; known !== this.logged;) {
      known = this.logged;
      await nextTurn();
    }
  }

  async stop(): Promise<void> {
    if (this.isRunning) {
      const exited = new Promise((resolve) => this.child.once("exit", resolve));
      this.child.stdin!.destroy();
      await exited;
    }
  }

  private async becomeReady(): Promise<void> {
    await waitUntil("Envoy to start", async () => {
      if (this.ended !== null) throw this.failure(this.ended);
      if (this.adminAddress === "") {
        this.adminAddress = (await readFile(join(this.folder, "admin-address"), "utf8").catch(() => "")).trim();
        if (this.adminAddress === "") return null;
      }
      const ready = await fetch(`http://${this.adminAddress}/ready`).then(
        (response) => response.ok,
        () => false,
      );
      return ready || null;
    });
  }

  private readLog(): void {
    let rest = "";
    this.child.stderr!.setEncoding("utf8");
    this.child.stderr!.on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.add(parseLine(line));
    });
  }

  private add(line: EnvoyLogLine): void {
    this.logged++;
    this.log.push(line);
    if (this.onLine === null) return;
    this.onLine(line);
    if (this.log.length > 2 * keptLines) this.log.splice(0, this.log.length - keptLines);
  }

  private failure(reason: string): HarnessError {
    const lines = this.log.slice(-5).map((line) => `\n  ${line.text}`);
    return new HarnessError("ENVOY_FAILED", `${reason}${lines.join("")}`);
  }
}

const keptLines = 10_000;

function parseLine(line: string): EnvoyLogLine {
  const [, level, logger, text] = /^(\w+)\|(\w+)\|(.*)$/.exec(line) ?? [];
  if (text === undefined) return { level: "error", logger: "", text: line };
  return { level: level === "warning" ? "warn" : (level as LogLevel), logger: logger!, text: unescape(text) };
}

/** Undoes Envoy's C-style escaping; bytes above ASCII come as octal numbers. */
function unescape(text: string): string {
  if (!text.includes("\\")) return text;
  const codes: Record<string, string> = { n: "\n", r: "\r", t: "\t", v: "\v", f: "\f", a: "\x07", b: "\b" };
  const bytes = text.replace(/\\([0-7]{3}|x[0-9a-f]{2}|.)/g, (_, code: string) => {
    if (code.length === 1) return codes[code] ?? code;
    return String.fromCharCode(code.startsWith("x") ? parseInt(code.slice(1), 16) : parseInt(code, 8));
  });
  return Buffer.from(bytes, "latin1").toString("utf8");
}
