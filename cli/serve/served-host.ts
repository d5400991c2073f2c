import { Emulator, serve, serveTcp, startEmulator, type Host, type HostOptions, type LogLevel } from "@attache/harness";
import type { Output } from "./output.ts";

/** A proxy on a port. */
export interface ServedHost extends AsyncDisposable {
  readonly address: string;
  update(options: HostOptions): Promise<void>;
}

export interface ServedHostOptions {
  kind: Host["kind"];
  port: number;
  logLevel: LogLevel;
}

export async function startServedHost(
  options: HostOptions,
  { kind, port, logLevel }: ServedHostOptions,
  output: Output,
): Promise<ServedHost> {
  return kind === "envoy"
    ? await inEnvoy({ ...options, logLevel }, port, output)
    : await inEmulator({ ...options, logLevel }, port, output);
}

async function inEmulator(options: HostOptions, port: number, output: Output): Promise<ServedHost> {
  const emulator: Emulator = await startEmulator({ ...options, clock: "real", onLog: (line) => output.log(line) });
  const server =
    options.tcp === undefined
      ? await serve(emulator, { port, onExchange: (exchange) => output.exchange(exchange) })
      : await serveTcp(emulator, { port, onConnection: (connection) => output.connection(connection) });
  return {
    address: server.address,
    update: async (changed) => await emulator.update({ ...changed, logLevel: options.logLevel! }),
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await emulator.stop();
    },
  };
}

async function inEnvoy(options: HostOptions, port: number, output: Output): Promise<ServedHost> {
  const { installEnvoy, startEnvoy } = await import("@attache/harness/envoy");
  await installEnvoy((line) => output.say(line));
  const envoy = await startEnvoy({
    ...options,
    ...(options.tcp === undefined ? { port } : { tcpPort: port }),
    onLog: (line) => output.log(line),
    onExchange: (exchange) => output.exchange(exchange),
    onConnection: (connection) => output.connection(connection),
  });
  return {
    address: options.tcp === undefined ? envoy.address : envoy.tcpAddress!,
    update: async (changed) => await envoy.update({ ...changed, logLevel: options.logLevel! }),
    [Symbol.asyncDispose]: async () => await envoy.stop(),
  };
}
