import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../free-port.ts";
import { ServerProcess } from "../../server-process.ts";

/** The rate limit service with its Redis, on free ports of loopback. */
export class RateLimitServer implements AsyncDisposable {
  readonly redis: ServerProcess;
  readonly service: ServerProcess;
  /** Where the service answers over HTTP. */
  readonly httpPort: number;
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
    const server = new RateLimitServer(
      folder,
      new ServerProcess(redisPort, redis),
      new ServerProcess(port, service),
      httpPort,
    );
    try {
      await server.redis.start();
      await server.service.start();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  private constructor(folder: string, redis: ServerProcess, service: ServerProcess, httpPort: number) {
    this.folder = folder;
    this.redis = redis;
    this.service = service;
    this.httpPort = httpPort;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service.kill();
    await this.redis.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}
