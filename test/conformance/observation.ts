import {
  Emulator,
  HarnessError,
  type Host,
  type HostOptions,
  type LogLine,
  type PluginOptions,
  PluginRejectedError,
  type Response,
  type StartHost,
  type TcpCluster,
  type TcpConnection,
} from "@attache/harness";
import { waitUntil } from "../../harness/envoy/wait.ts";
import { guest } from "../../harness/testing/guest.ts";
import { stableLine } from "../../harness/vitest/stable.ts";
import type { Scenario, ScenarioPlugin, ScenarioRequest, TcpStep } from "./scenario.ts";

/**
 * All a scenario shows in one host, as lines that can be compared. What threads do at the same time while the plugins
 * start has no order: those lines are sorted.
 */
export interface Observation {
  /** How many lines of the log and of the transcript came before the first request. */
  started: { logs: number; transcript: number };
  answers: readonly string[];
  upstream: readonly string[];
  logs: readonly string[];
  metrics: readonly string[];
  transcript: readonly string[];
}

export const parts = ["answers", "logs", "upstream", "metrics", "transcript"] as const;

/**
 * How long an answer may take before it counts as none. The emulator answers at once or never; Envoy can take a second
 * to close the connection of a stream that was reset.
 */
const patienceMs = { emulator: 50, envoy: 2500, envoyWhenNoneIsExpected: 300 };

/** Headers that differ by time, machine or port. */
const volatileHeaders: ReadonlySet<string> = new Set(["date", "x-request-id", "x-envoy-upstream-service-time"]);

export async function optionsOf(scenario: Scenario): Promise<HostOptions> {
  const plugins = await compilePlugins(scenario.plugins);
  const { clusters = { up: () => ({ body: "ok" }) }, routes, includeRequestAttemptCount = false, tcp } = scenario;
  const options = {
    ...{ plugins, clusters, includeRequestAttemptCount, logLevel: "trace" as const },
    ...(routes === undefined ? {} : { routes }),
  };
  if (tcp === undefined) return options;
  const upstream = tcp.upstream === undefined ? echo : (tcp.upstream ?? { hosts: [] as const });
  return {
    ...options,
    clusters: { ...clusters, server: upstream },
    tcp: { plugins: await compilePlugins(tcp.plugins), cluster: "server" },
  };
}

const echo: TcpCluster = { tcp: (peer) => ({ data: (bytes) => peer.write(bytes) }) };

async function compilePlugins(plugins: readonly ScenarioPlugin[]): Promise<PluginOptions[]> {
  return await Promise.all(
    plugins.map(async ({ guest: source, abi, allocator, wat, memory, ...plugin }) => {
      const options = {
        ...(abi === undefined ? {} : { abi }),
        ...(allocator === undefined ? {} : { allocator }),
        ...(wat === undefined ? {} : { module: wat }),
        ...(memory === undefined ? {} : { memory }),
      };
      return { ...plugin, module: typeof source === "function" ? await guest(source, options) : source };
    }),
  );
}

/**
 * Runs the scenario in a host.
 *
 * @param expected what another host showed: waited for, as log lines can come after the answer
 */
export async function observe(
  scenario: Scenario,
  start: StartHost,
  expected: Observation | null = null,
): Promise<Observation> {
  const options = await optionsOf(scenario);
  const answers: string[] = [];
  let host;
  try {
    host = await start(options);
  } catch (error) {
    if (!(error instanceof PluginRejectedError || error instanceof HarnessError)) throw error;
    const logs = error instanceof PluginRejectedError ? firstRefusal(error.logs) : [];
    return {
      started: { logs: 0, transcript: 0 },
      answers: [`refused ${error.code}`],
      upstream: [],
      logs,
      metrics: [],
      transcript: [],
    };
  }
  await using running = host;
  const started = expected?.started ?? { logs: running.logs.length, transcript: running.transcript.length };
  const tcpSteps = scenario.tcp?.connections ?? [];
  for (const steps of tcpSteps) answers.push(await connectionLine(running, steps));
  const send = async (requests: readonly ScenarioRequest[]) => {
    for (const request of requests) {
      const noneExpected = expected?.answers[answers.length] === "none";
      const patience = patienceMs[noneExpected ? "envoyWhenNoneIsExpected" : running.kind];
      answers.push(await answerTo(running, request, scenario.advanceMs ?? 0, patience));
    }
  };
  await send(scenario.requests ?? (scenario.tcp === undefined ? [{}] : []));
  for (const { plugins, requests = [] } of scenario.updates ?? []) {
    answers.push(await answerToUpdate(running, await optionsOf({ ...scenario, plugins })));
    await send(requests);
  }
  const metrics = async () =>
    await Promise.all((scenario.metrics ?? []).map(async (name) => `${name} ${await running.metric(name)}`));
  const observed = async (): Promise<Observation> => ({
    started,
    answers,
    upstream: Object.entries(options.clusters!).flatMap(([name, cluster]) => {
      if (typeof cluster === "function") return running.requests(name).map((request) => upstreamLine(name, request));
      if (!("tcp" in cluster)) return [];
      return running.tcpConnections(name).map(({ received, state }) => `${name} ${state} ${textOf(received)}`);
    }),
    logs: startSorted(
      withoutRepeatedRefusals(running.logs.map(({ level, message }) => mask(`${level} ${message}`))),
      started.logs,
    ),
    metrics: await metrics(),
    transcript: startSorted(running.transcript.map(mask), started.transcript),
  });
  let seen = await observed();
  const deadline = Date.now() + 700;
  while (expected !== null && isShort(seen, expected) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    seen = await observed();
  }
  return { ...seen, answers: [...seen.answers, ...(await crashOf(running))] };
}

/** An Envoy that a guest has crashed resets connections, as a filter can do; it answers nothing else any more either. */
async function crashOf(host: Host): Promise<string[]> {
  if (host.kind !== "envoy") return [];
  return await waitUntil("Envoy to say whether it lives", async () => {
    try {
      await host.metric("server.live");
      return [];
    } catch (error) {
      // Its connections break before its process is known to have ended.
      return error instanceof HarnessError ? [error.message.split("\n", 1)[0]!] : null;
    }
  });
}

const refusalEnd = "critical Plugin configured to fail closed failed to load";

/** Envoy can read a listener that it refuses more than once. */
function firstRefusal(logs: readonly LogLine[]): string[] {
  const lines = logs.map(({ level, message }) => `${level} ${message}`);
  const last = lines.indexOf(refusalEnd);
  return last < 0 ? lines : lines.slice(0, last + 1);
}

/** As {@link firstRefusal}, where more follows: what refuses a plugin counts once. */
function withoutRepeatedRefusals(lines: readonly string[]): string[] {
  const isRefusal = (line: string) => /^(critical Plugin|error Wasm VM failed Failed to \w+ base)/.test(line);
  return lines.filter((line, i) => !isRefusal(line) || lines.indexOf(line) === i);
}

function startSorted(lines: readonly string[], started: number): string[] {
  return [...lines.slice(0, started).sort(), ...lines.slice(started)];
}

function isShort(seen: Observation, expected: Observation): boolean {
  return (
    parts.some((part) => seen[part].length < expected[part].length) ||
    seen.metrics.join() !== expected.metrics.join() ||
    seen.upstream.join() !== expected.upstream.join()
  );
}

async function answerToUpdate(host: Host, options: HostOptions): Promise<string> {
  try {
    await host.update(options);
    return "updated";
  } catch (error) {
    if (error instanceof HarnessError) return `refused ${error.code}`;
    throw error;
  }
}

async function answerTo(
  host: Host,
  { untilStatus, ...request }: ScenarioRequest,
  advanceMs: number,
  patience: number,
): Promise<string> {
  if (untilStatus === undefined) return await oneAnswer(host, request, advanceMs, patience);
  return await waitUntil(`an answer ${untilStatus}`, async () => {
    const answer = await oneAnswer(host, request, advanceMs, patience);
    if (answer.startsWith(String(untilStatus))) return answer;
    if (host instanceof Emulator) host.advance(100);
    return null;
  });
}

async function oneAnswer(
  host: Host,
  { path = "/", abortAtLog, ...request }: Omit<ScenarioRequest, "untilStatus">,
  advanceMs: number,
  patience: number,
): Promise<string> {
  const abortion = new AbortController();
  const options = abortAtLog === undefined ? request : { ...request, signal: abortion.signal };
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<"none">((resolve) => {
    timer = setTimeout(resolve, patience, "none");
  });
  const answer = host.fetch(path, options).then(answerLine, (error: unknown) => {
    if (error instanceof HarnessError && error.code === "STREAM_RESET") return "reset";
    throw error;
  });
  if (advanceMs > 0 && host instanceof Emulator) host.advance(advanceMs);
  if (abortAtLog !== undefined) {
    await host.waitForLog(abortAtLog);
    abortion.abort();
  }
  try {
    // A stream that hangs ends with its host.
    answer.catch(() => {});
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
  }
}

async function connectionLine(host: Host, steps: readonly TcpStep[]): Promise<string> {
  const connection = await host.openTcp();
  for (const step of steps) {
    if ("write" in step) connection.write(Buffer.from(step.write, "latin1"));
    else if ("do" in step) connection[step.do]();
    else if (!(await comes(host, connection, step)))
      return `${answerOf(connection)}, waiting for ${JSON.stringify(step)}`;
  }
  return answerOf(connection);
}

/** Whether what the client waits for has come in time. */
async function comes(host: Host, connection: TcpConnection, step: TcpStep): Promise<boolean> {
  if (host instanceof Emulator) host.advance(5);
  try {
    if ("waitForBytes" in step) await connection.waitForBytes(step.waitForBytes);
    else if ("waitForLog" in step) await host.waitForLog(step.waitForLog);
    else await connection.waitForEnd();
    return true;
  } catch (error) {
    if (error instanceof HarnessError) return false;
    throw error;
  }
}

function answerOf({ state, received }: TcpConnection): string {
  return `${state} ${textOf(received)}`;
}

function textOf(bytes: Uint8Array): string {
  return JSON.stringify(Buffer.from(bytes).toString("latin1"));
}

function answerLine(response: Response): string {
  return mask(
    [response.status, headersText(response.headers), response.text(), headersText(response.trailers)].join(" | "),
  );
}

function upstreamLine(
  name: string,
  request: { method: string; path: string; authority: string; headers: Headers; text(): string; trailers: Headers },
): string {
  const { method, path, authority, headers, trailers } = request;
  return mask([name, method, path, authority, headersText(headers), request.text(), headersText(trailers)].join(" | "));
}

type Headers = readonly (readonly [string, string])[];

function headersText(headers: Headers): string {
  return headers.map(([name, value]) => `${name}: ${volatileHeaders.has(name) ? "*" : value}`).join(", ");
}

/** As {@link stableLine}; and the hosts say in other words where the syntax of an expression is wrong. */
function mask(line: string): string {
  return stableLine(line).replace(/(expr_create parse error: ERROR: )[^]*/, "$1<text>");
}
