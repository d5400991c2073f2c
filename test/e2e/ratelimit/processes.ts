import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitUntil } from "../../../harness/envoy/wait.ts";
import { freePort } from "../../free-port.ts";

/** A program that listens on a port of loopback; it can be killed and started again there. */
class ServerProcess {
  readonly port: number;
  private readonly launch: () => ChildProcess;
  private child: ChildProcess | null = null;

  constructor(port: number, launch: () => ChildProcess) {
    this.port = port;
    this.launch = launch;
  }

  async start(): Promise<void> {
    const child = this.launch();
    this.child = child;
    let output = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(-1000)));
    // Whatever ends this process ends it too.
    const end = () => child.kill("SIGKILL");
    process.once("exit", end);
    child.once("exit", () => process.off("exit", end));
    await waitUntil(`${child.spawnfile} to listen`, async () => {
      if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended: ${output}`);
      return (await listens(this.port)) || null;
    });
  }

  async kill(): Promise<void> {
    const child = this.child;
    this.child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
}

/** The rate limit service with its Redis, on free ports of loopback. */
export class RateLimitServer implements AsyncDisposable {
  readonly redis: ServerProcess;
  readonly service: ServerProcess;
  private readonly folder: string;

  /** @param configuration of the service, in YAML */
  static async start(program: string, configuration: string): Promise<RateLimitServer> {
    const folder = await mkdtemp(join(tmpdir(), "attache-ratelimit-"));
    await mkdir(join(folder, "config"));
    await writeFile(join(folder, "config", "limits.yaml"), configuration);
    const [redisPort, port, httpPort, debugPort] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    const redis = () =>
      spawn("redis-server", ["--bind", "127.0.0.1", "--port", `${redisPort}`, "--save", "", "--dir", folder], {
        stdio: ["ignore", "ignore", "pipe"],
      });
    const loopback = { HOST: "127.0.0.1", GRPC_HOST: "127.0.0.1", DEBUG_HOST: "127.0.0.1" };
    const ports = { GRPC_PORT: `${port}`, PORT: `${httpPort}`, DEBUG_PORT: `${debugPort}` };
    const store = { REDIS_SOCKET_TYPE: "tcp", REDIS_URL: `127.0.0.1:${redisPort}` };
    const runtime = { RUNTIME_ROOT: folder, RUNTIME_WATCH_ROOT: "false", USE_STATSD: "false" };
    const service = () =>
      spawn(program, { env: { ...loopback, ...ports, ...store, ...runtime }, stdio: ["ignore", "ignore", "pipe"] });
    const server = new RateLimitServer(folder, new ServerProcess(redisPort, redis), new ServerProcess(port, service));
    try {
      await server.redis.start();
      await server.service.start();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  private constructor(folder: string, redis: ServerProcess, service: ServerProcess) {
    this.folder = folder;
    this.redis = redis;
    this.service = service;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service.kill();
    await this.redis.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function listens(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => (socket.destroy(), resolve(true)));
    socket.on("error", () => resolve(false));
  });
}
