import { once } from "node:events";
import { parseArgs } from "node:util";
import { HarnessError, serve, startEmulator, type HostOptions } from "@attache/harness";
import { installEnvoy, startEnvoy } from "@attache/harness/envoy";
import { App } from "../examples/canary/tour/app.ts";
import { canaryProxy } from "../examples/canary/proxy.ts";
import { takeTour } from "../examples/canary/tour/tour.ts";
import { buildStale } from "./build.ts";

const usage = `usage: npm start -- [--host emulator|envoy] [--port PORT] [--once]

  --host  where the filter runs: the emulator (default) or a real Envoy
  --port  of the proxy on 127.0.0.1 (10000; with --once a free one)
  --once  end after the tour, with exit code 0 only if every answer was right
`;

/** A running proxy, whichever it is. */
interface Proxy extends AsyncDisposable {
  address: string;
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  try {
    const { values } = parseArgs({
      args,
      options: {
        host: { type: "string" },
        port: { type: "string" },
        once: { type: "boolean" },
        help: { type: "boolean" },
      },
    });
    const host = values.host ?? "emulator";
    const port = values.port === undefined ? (values.once ? 0 : 10000) : Number(values.port);
    if (values.help) return say(usage, 0);
    if (host !== "emulator" && host !== "envoy")
      return say(`--host: "${host}" is neither emulator nor envoy\n${usage}`, 2);
    if (!Number.isInteger(port) || port < 0 || port > 65535) return say(`--port: "${values.port}" is not a port\n`, 2);
    return await present(host, port, values.once ?? false);
  } catch (error) {
    const mistake =
      error instanceof HarnessError || (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS");
    if (!mistake) throw error;
    return say(`attache: ${(error as Error).message}\n`, error instanceof HarnessError ? 1 : 2);
  }
}

/** Starts everything, shows the tour and, unless it is for once only, stays until interrupted. */
async function present(kind: "emulator" | "envoy", port: number, once_: boolean): Promise<number> {
  await buildStale(console.log);
  await using apps = new AsyncDisposableStack();
  const [v1, v2] = await Promise.all([App.start("v1"), App.start("v2")]);
  apps.defer(() => v1.stop());
  apps.defer(() => v2.stop());
  await using proxy = await startProxy(kind, canaryProxy(v1.address, v2.address), port);
  console.log(`
The filter header-routing runs in ${kind === "envoy" ? "Envoy" : "the emulator"} at ${proxy.address}
  its rules: examples/canary/config.json (the user "vip" to v2, of all others one in ten)
  behind it: two versions of a small app, at ports ${v1.address.port} (v1) and ${v2.address.port} (v2)
`);
  const wrong = await takeTour(proxy.address, console.log);
  console.log(
    wrong.length === 0 ? "\nEvery answer was right." : `\nWRONG:\n${wrong.map((line) => `  ${line}`).join("\n")}`,
  );
  if (!once_) {
    console.log(`\nTry it:  curl -i -H 'end-user: vip' ${proxy.address}/\nEnd it:  Ctrl-C`);
    await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  }
  return wrong.length === 0 ? 0 : 1;
}

async function startProxy(kind: "emulator" | "envoy", options: HostOptions, port: number): Promise<Proxy> {
  if (kind === "envoy") {
    await installEnvoy(console.log);
    return await startEnvoy({ ...options, port });
  }
  const emulator = await startEmulator({ ...options, clock: "real" });
  return await serve(emulator, { port });
}

function say(text: string, exitCode: number): number {
  (exitCode === 0 ? process.stdout : process.stderr).write(text);
  return exitCode;
}
