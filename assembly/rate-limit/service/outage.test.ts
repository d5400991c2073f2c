import { setImmediate as nextTurn } from "node:timers/promises";
import { Emulator, startEmulator, type Cluster, type Host, type HostOptions } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { describe, expect, it } from "vitest";
import { rateLimitReply } from "../../../test/rate-limit-messages.ts";

const module = new URL("../build/plugin.wasm", import.meta.url);

/** What a service does with one question. */
type Answer = "allows" | "rejects" | "fails" | "is silent" | "answers garbage" | "answers UNKNOWN";
type Protocol = "grpc" | "http";

const json = (value: object | string) => ({ body: typeof value === "string" ? value : JSON.stringify(value) });
const status = { code: "OVER_LIMIT", currentLimit: { name: "x", requestsPerUnit: 1, unit: "MINUTE" }, limitRemaining: 0, durationUntilReset: "30s" }; // prettier-ignore
const over = { code: 2, limit: { requestsPerUnit: 1, unit: 2, name: "x" }, remaining: 0, resetSeconds: 30 };

/** A service that answers as `next` says. */
function service(protocol: Protocol, next: () => Answer): Cluster {
  const http: Record<Answer, object> = {
    allows: json({ overallCode: "OK" }),
    rejects: json({ overallCode: "OVER_LIMIT", statuses: [status] }),
    fails: { status: 500 },
    "is silent": { delayMs: 60_000, reset: true },
    "answers garbage": json('{"overallCode":"OK"'),
    "answers UNKNOWN": json({ overallCode: "UNKNOWN" }),
  };
  const grpc: Record<Answer, object> = {
    allows: { messages: [rateLimitReply({ code: 1, statuses: [] })] },
    rejects: { messages: [rateLimitReply({ code: 2, statuses: [over] })] },
    fails: { status: 14 },
    "is silent": { delayMs: 60_000, reset: true },
    "answers garbage": { messages: [Buffer.from([0x08, 0x01, 0x12])] },
    "answers UNKNOWN": { messages: [rateLimitReply({ code: 0, statuses: [] })] },
  };
  return protocol === "grpc" ? { grpc: () => grpc[next()] } : () => http[next()];
}

const proxy = (protocol: Protocol, next: () => Answer, failureMode = "deny"): HostOptions => ({
  plugins: [
    {
      name: "rate-limit",
      module,
      configuration: {
        domain: "edge",
        rateLimitService: { [protocol]: { cluster: "ratelimit" }, timeout: "100ms" },
        limits: [{ name: "all", scope: "global", key: [{ genericKey: "all" }], failureMode }],
      },
    },
  ],
  clusters: { app: () => ({ body: "app" }), ratelimit: service(protocol, next) },
  routes: [{ match: { prefix: "/" }, cluster: "app" }],
});

/** Virtual time goes on while the request waits. */
const ask = async (host: Host): Promise<number> => {
  const fetched = host.fetch("/");
  if (host instanceof Emulator) host.advance(1000);
  return (await fetched).status;
};

const protocols: Protocol[] = ["grpc", "http"];

eachHost("rate-limit with a service that comes and goes", (start) => {
  const faults: Answer[] = ["fails", "is silent", "answers garbage", "answers UNKNOWN"];
  const answers = faults.flatMap((fault): Answer[] => ["allows", fault, fault, "allows"]);

  it.each(protocols)("decides about each request by itself, and counts (%s)", async (protocol) => {
    let question = 0;
    await using host = await start(proxy(protocol, () => answers[question++]!));
    const statuses = [];
    while (statuses.length < answers.length) statuses.push(await ask(host));
    expect(statuses).toEqual(answers.map((answer) => (answer === "allows" ? 200 : 500)));
    expect(await host.metric("rate_limit.all.ok")).toBe(8);
    expect(await host.metric("rate_limit.all.error")).toBe(8);
    expect(await host.metric("rate_limit.all.over_limit")).toBeNull();
  });

  it.each(protocols)("lets requests pass meanwhile when told so, and counts (%s)", async (protocol) => {
    let question = 0;
    await using host = await start(proxy(protocol, () => answers[question++]!, "allow"));
    const statuses = [];
    while (statuses.length < answers.length) statuses.push(await ask(host));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(await host.metric("rate_limit.all.failure_mode_allowed")).toBe(8);
    expect(host.requests("app")).toHaveLength(16);
  });

  it.each(protocols)("answers all requests that wait for a silent one (%s)", async (protocol) => {
    let answer: Answer = "is silent";
    await using host = await start(proxy(protocol, () => answer));
    const waiting = Array.from({ length: 50 }, () => host.fetch("/"));
    if (host instanceof Emulator) host.advance(1000);
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(Array<number>(50).fill(500));
    expect(await host.metric("rate_limit.all.error")).toBe(50);
    answer = "allows";
    expect(await ask(host)).toBe(200);
  });
});

describe("rate-limit with a service that comes and goes [emulator]", () => {
  it.each(protocols)("waits as long as the timeout says, and no longer (%s)", async (protocol) => {
    await using host = await startEmulator(proxy(protocol, () => "is silent"));
    let isAnswered = false;
    const fetched = host.fetch("/").finally(() => (isAnswered = true));
    host.advance(99);
    await nextTurn();
    expect(isAnswered).toBe(false);
    host.advance(1);
    expect((await fetched).status).toBe(500);
  });

  it.each(protocols)(
    "does not remember for longer that a key is used up when the clock goes back (%s)",
    async (protocol) => {
      let answer: Answer = "rejects";
      await using host = await startEmulator(proxy(protocol, () => answer));
      expect((await host.fetch("/")).status).toBe(429);
      answer = "allows";
      expect((await host.fetch("/")).status).toBe(429);
      host.advance(-3_600_000);
      expect((await host.fetch("/")).status).toBe(200);
    },
  );
});
