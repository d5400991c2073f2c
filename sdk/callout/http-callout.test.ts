import {
  Emulator,
  startEmulator,
  type HostOptions,
  type UpstreamRequest,
  type UpstreamResponse,
} from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { beforeAll, expect, it } from "vitest";
import { ScriptedStream } from "../../harness/testing/scripted-stream.ts";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

/** What it does is the first part of a request's path. */
const source = filterSource(
  `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    const path = headers.path;
    if (path.startsWith("/response")) return FilterHeaders.Continue;
    if (path == "/deny") return held(new Deny().send(ask("auth", "/deny")));
    if (path == "/leave") {
      new Said("leave").send(ask("auth", "/late").timeout(0));
      return FilterHeaders.Continue;
    }
    if (path == "/unknown") return refused(new Said("unknown"), ask("nope", "/"));
    if (path == "/no-host") return refused(new Said("no host"), ask("auth", "/"));
    if (path == "/header") return refused(new Said("header"), ask("auth", "/").header("x-a", "1\\r\\nx-b: 2"));
    if (path == "/length") return refused(new Said("length"), ask("auth", "/").header("Content-Length", "5"));
    if (path == "/path") return refused(new Said("path"), ask("auth", "/").header(":path", "/a"));
    if (path == "/name") return refused(new Said("name"), ask("auth", "/").header("x a", "1"));
    if (path == "/value") return refused(new Said("value"), ask("auth", "/").header("x-a", "1\\x7f"));
    if (path == "/empty") return refused(new Said("empty"), new CalloutRequest("auth", "", "/"));
    if (path == "/many") {
      const many = ask("auth", "/");
      for (let index = 0; index < 1022; index++) many.header("x-many", "1");
      return refused(new Said("many"), many);
    }
    if (path == "/twice") {
      const twice = new Said("twice");
      twice.send(ask("auth", "/"));
      return held(twice.send(ask("auth", "/")));
    }
    if (path == "/cancel") {
      const cancelled = new Said("cancelled");
      cancelled.send(ask("auth", "/one"));
      cancelled.cancel();
      log.info("cancelled: " + name(cancelled.outcome) + " " + cancelled.isInFlight.toString());
      return held(cancelled.send(ask("auth", "/two")));
    }
    if (path == "/body") return headers.collectBody(endOfStream, 100, OverLimit.Reject, BodyAccess.Change);
    if (path == "/log") {
      this.isLogging = true;
      return FilterHeaders.Continue;
    }
    if (path == "/chain") return held(new First(headers).send(ask("auth", "/one")));
    if (path == "/race") {
      new Deny().send(ask("auth", "/deny"));
      return held(new Said("second").send(ask("auth", "/late")));
    }
    if (path == "/grpc") {
      return held(new Ask(headers).send(ask("auth", "/").header("content-type", "application/grpc")));
    }
    if (path == "/join") {
      const join = new Both(headers);
      join.user.send(ask("auth", "/user"));
      join.quota.send(ask("auth", "/quota"));
      join.nobody.send(ask("nope", "/"));
      join.add(join.user);
      join.add(join.quota);
      join.add(join.nobody);
      return held(join.isPending);
    }
    if (path.startsWith("/retry")) {
      const retry = new RetryPolicy(3).backoff(100, 150);
      if (path.endsWith("5xx")) retry.onServerErrors();
      if (path.endsWith("late")) retry.exceptTimeouts();
      return held(new Ask(headers).send(ask("auth", path), retry));
    }
    const request = new CalloutRequest("auth", "auth.test", "/check?a=1", "POST").text("body").header("x-a", "1");
    return held(new Ask(headers).send(request.trace(headers).timeout(300)));
  }
  override onWholeRequestBody(body: Body): FilterData {
    return new AskAboutBody(body).send(ask("auth", "/body").text(body.text())) ? FilterData.StopIterationAndBuffer : FilterData.Continue;
  }
  override onLog(): void {
    if (this.isLogging) new Said("log").send(ask("auth", "/log"));
  }
  override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
    if (this.isAsking || headers.has("x-plain")) return FilterHeaders.Continue;
    this.isAsking = true;
    headers.set("x-pages", memory.size().toString());
    return new AskInResponse(headers).send(ask("auth", "/response")) ? FilterHeaders.StopIteration : FilterHeaders.Continue;
  }
  private isAsking: bool = false;
  private isLogging: bool = false;`,
  `override configure(config: ConfigReader): void {
    const wanted = config.string("ask", "");
    if (wanted == "") return;
    log.info("asked: " + new Said("plugin").send(ask("auth", "/configure")).toString());
    this.startTimer(new AskLater(), 20, false);
  }`,
)
  .replace(
    "import {",
    "import { CalloutJoin, CalloutOutcome, CalloutRefusal, CalloutRequest, CalloutResponse, HttpCallout, RetryPolicy, Timer,",
  )
  .replace(
    "class TestPlugin",
    `
function held(isHeld: bool): FilterHeaders {
  return isHeld ? FilterHeaders.StopIteration : new LocalReply(503).send();
}
function refused(callout: HttpCallout, request: CalloutRequest): FilterHeaders {
  const sent = callout.send(request);
  return new LocalReply(503).header("x-plain", "1").text(sent.toString() + " " + name(callout.outcome) + " " + (<i32>callout.refusal).toString()).send();
}
function ask(cluster: string, path: string): CalloutRequest {
  return new CalloutRequest(cluster, "auth.test", path).timeout(300);
}
function name(outcome: CalloutOutcome): string {
  const names = ["pending", "ok", "timeout", "reset", "refused", "cancelled"];
  return names[outcome];
}
function orNone(text: string | null): string {
  return text === null ? "-" : text;
}
class Ask extends HttpCallout {
  constructor(private request: RequestHeaders) { super(); }
  override onOutcome(outcome: CalloutOutcome, response: CalloutResponse): void {
    this.request.set("x-outcome", name(outcome) + " " + response.status.toString() + " '" + response.text() + "'");
    this.request.set("x-custom", orNone(response.headers.get("x-u")));
    this.request.set("x-trailer", orNone(response.trailers.get("x-t")));
    this.request.set("x-attempts", this.attempts.toString());
    continueRequest();
  }
}
class AskInResponse extends HttpCallout {
  constructor(private headers: ResponseHeaders) { super(); }
  override onOutcome(outcome: CalloutOutcome, response: CalloutResponse): void {
    this.headers.set("x-outcome", name(outcome) + " " + response.text());
    continueResponse();
  }
}
class AskAboutBody extends HttpCallout {
  constructor(private body: Body) { super(); }
  override onOutcome(outcome: CalloutOutcome, response: CalloutResponse): void {
    this.body.append(response.text());
    continueRequest();
  }
}
class First extends HttpCallout {
  constructor(private request: RequestHeaders) { super(); }
  override onOutcome(outcome: CalloutOutcome, response: CalloutResponse): void {
    if (!new Ask(this.request).send(ask("auth", response.text()))) new LocalReply(503).send();
  }
}
class Deny extends HttpCallout {
  override onOutcome(outcome: CalloutOutcome, response: CalloutResponse): void {
    new LocalReply(403).header("x-plain", "1").text(response.text()).send();
  }
}
class Said extends HttpCallout {
  constructor(private who: string) { super(); }
  override onOutcome(outcome: CalloutOutcome, response: CalloutResponse): void {
    log.info(this.who + ": " + name(outcome) + " " + response.text());
    continueRequest();
  }
}
class Kept extends HttpCallout {
  text: string = "";
  override onOutcome(outcome: CalloutOutcome, response: CalloutResponse): void { this.text = response.text(); }
}
class Both extends CalloutJoin {
  user: Kept = new Kept();
  quota: Kept = new Kept();
  nobody: Kept = new Kept();
  constructor(private request: RequestHeaders) { super(); }
  override onJoined(): void {
    this.request.set("x-outcome", this.user.text + " " + this.quota.text + " " + name(this.nobody.outcome));
    continueRequest();
  }
}
class AskLater extends Timer {
  override onTimer(): void { new Said("timer").send(ask("auth", "/tick")); }
}
class TestPlugin`,
  );

eachHost("an HTTP callout", (start, kind) => {
  let module: Uint8Array;
  beforeAll(async () => {
    module = await compileFilter(source);
  });

  type Answer = (request: UpstreamRequest) => UpstreamResponse;

  const startWith = async (auth: Answer, options: Partial<HostOptions> = {}) =>
    await start({
      plugins: [{ module }],
      clusters: { app: () => ({ body: "ok", headers: { "x-plain": "1" } }), auth },
      routes: [{ match: { prefix: "/" }, cluster: "app" }],
      ...options,
    });
  const traceNames = [
    ...[
      "traceparent",
      "tracestate",
      "b3",
      "x-b3-traceid",
      "x-b3-spanid",
      "x-b3-parentspanid",
      "x-b3-sampled",
      "x-b3-flags",
    ],
    ...["x-ot-span-context", "x-cloud-trace-context", "grpc-trace-bin"],
  ];
  const traced = { headers: Object.fromEntries(traceNames.map((name, index) => [name, `t${index}`])) };
  const send = async (host: Awaited<ReturnType<typeof startWith>>, path: string) => {
    const response = host.fetch(path, traced);
    if (host instanceof Emulator) host.advance(2000);
    return await response;
  };
  /** What the request to the application says of the callout. */
  const passed = async (path: string, auth: Answer) => {
    await using host = await startWith(auth);
    const response = await send(host, path);
    expect(response.status).toBe(200);
    const request = host.requests("app")[0]!;
    const asked = host.requests("auth").length;
    return { outcome: request.header("x-outcome"), attempts: request.header("x-attempts"), asked };
  };

  it("sends what it is given, and gets status, headers, body and trailers", async () => {
    await using host = await startWith(() => ({
      status: 201,
      body: ["y", "es"],
      headers: { "x-u": "1" },
      trailers: { "x-t": "2" },
    }));
    await send(host, "/");
    const [request] = host.requests("auth");
    expect([request!.method, request!.path, request!.authority, request!.text()]).toEqual([
      "POST",
      "/check?a=1",
      "auth.test",
      "body",
    ]);
    const [app] = host.requests("app");
    expect(["x-a", "content-length"].map((name) => request!.header(name))).toEqual(["1", "4"]);
    expect(traceNames.map((name) => request!.header(name))).toEqual(traceNames.map((_, index) => `t${index}`));
    expect(request!.header("x-request-id")).toBe(app!.header("x-request-id"));
    expect(request!.header("x-b3")).toBeNull();
    expect(["x-outcome", "x-custom", "x-trailer"].map((name) => app!.header(name))).toEqual(["ok 201 'yes'", "1", "2"]);
  });

  it.each([500, 502, 503, 504])("takes a %s of the cluster for an answer, whatever it says", async (status) => {
    const { outcome } = await passed("/", () => ({ status, body: "upstream request timeout" }));
    expect(outcome).toBe(`ok ${status} 'upstream request timeout'`);
  });

  it("tells a timeout", async () => {
    expect((await passed("/", () => ({ delayMs: 600 }))).outcome).toBe("timeout 504 'upstream request timeout'");
  });

  it("tells a connection that breaks before the answer", async () => {
    const { outcome } = await passed("/", () => ({ reset: true }));
    expect(outcome).toMatch(/^reset 503 'upstream connect error or disconnect/);
  });

  it("tells an answer that breaks off", async () => {
    expect((await passed("/", () => ({ body: "half", reset: true }))).outcome).toBe("reset 0 ''");
  });

  // In the emulator an answer that is shorter than its content-length ends there.
  it.runIf(kind === "envoy")("tells an answer that does not end in time", async () => {
    const answer = () => ({ headers: { "content-length": "10" }, body: "half" });
    expect((await passed("/", answer)).outcome).toBe("timeout 0 ''");
  });

  it("can answer the stream that waits", async () => {
    await using host = await startWith(() => ({ body: "no entry" }));
    const response = await send(host, "/deny");
    expect([response.status, response.text()]).toEqual([403, "no entry"]);
    expect(host.requests("app")).toEqual([]);
  });

  it.each([
    ["/unknown", "false refused 2"],
    ["/header", "false refused 1"],
    ["/length", "false refused 1"],
    ["/path", "false refused 1"],
    ["/name", "false refused 1"],
    ["/value", "false refused 1"],
    ["/empty", "false refused 1"],
    ["/many", "false refused 1"],
  ])("is refused when it cannot be sent: %s", async (path, text) => {
    await using host = await startWith(() => ({}));
    const response = await send(host, path);
    expect([response.status, response.text()]).toEqual([503, text]);
    expect(host.requests("auth")).toEqual([]);
  });

  it("is refused by a cluster without hosts", async () => {
    const clusters = { app: () => ({}), auth: { hosts: [] } as const };
    await using host = await startWith(() => ({}), { clusters });
    const response = await send(host, "/no-host");
    expect([response.status, response.text()]).toEqual([503, "false refused 3"]);
  });

  it("does not call back for a stream that is gone", async () => {
    await using host = await startWith(({ path }) => (path === "/late" ? { body: "late", delayMs: 300 } : {}), {
      logLevel: "trace",
    });
    expect((await send(host, "/leave")).status).toBe(200);
    // The proxy does call the module: nothing comes of it.
    const isAnswered = () => host.transcript.some((line) => line.includes("proxy_on_http_call_response"));
    for (let wait = 0; wait < 500 && !isAnswered(); wait++) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(isAnswered()).toBe(true);
    expect(host.logs.filter(({ message }) => message.startsWith("leave"))).toEqual([]);
  });

  it("can hold a body and change it", async () => {
    await using host = await startWith(({ path }) => ({ body: ` ${path}` }));
    const response = host.fetch("/body", { method: "POST", body: ["da", "ta"] });
    if (host instanceof Emulator) host.advance(100);
    expect((await response).status).toBe(200);
    expect(host.requests("auth")[0]!.text()).toBe("data");
    expect(host.requests("app")[0]!.text()).toBe("data /body");
  });

  it("can be followed by another one", async () => {
    const { outcome, asked } = await passed("/chain", ({ path }) => ({ body: path === "/one" ? "/two" : path }));
    expect([outcome, asked]).toEqual(["ok 200 '/two'", 2]);
  });

  it("does not open what another one has closed", async () => {
    await using host = await startWith(({ path }) => ({ body: path, delayMs: path === "/late" ? 40 : 1 }));
    const response = await send(host, "/race");
    expect([response.status, response.text()]).toEqual([403, "/deny"]);
    expect((await send(host, "/chain")).status).toBe(200);
    expect(host.requests("app").map(({ path }) => path)).toEqual(["/chain"]);
  });

  it("can be sent at a stream's very end, without an answer", async () => {
    await using host = await startWith(({ path }) => ({ body: path }));
    expect((await send(host, "/log")).status).toBe(200);
    await send(host, "/chain");
    expect(host.requests("auth").map(({ path }) => path)).toContain("/log");
    expect(host.logs).toEqual([]);
  });

  it("tells failures of a request with gRPC's content type, which come in gRPC's form", async () => {
    expect((await passed("/grpc", () => ({ reset: true }))).outcome).toBe("reset 200 ''");
    expect((await passed("/grpc", () => ({ delayMs: 900 }))).outcome).toBe("timeout 200 ''");
    const answer = { headers: { "grpc-message": "upstream request timeout" } };
    expect((await passed("/grpc", () => answer)).outcome).toBe("ok 200 ''");
  });

  it("costs few host calls", async () => {
    await using host = await startWith(() => ({ body: "ok" }), { logLevel: "trace" });
    await send(host, "/deny");
    const calls = (from: string) => {
      const lines = host.transcript;
      const first = lines.findIndex((line) => line.includes(`[host->vm] ${from}(`));
      const last = lines.findIndex((line) => line.includes(`[host<-vm] ${from} return`));
      return lines.slice(first, last).flatMap((line) => /\[vm->host\] \w+\.?(proxy_\w+)/.exec(line)?.[1] ?? []);
    };
    expect(calls("proxy_on_request_headers")).toEqual([
      "proxy_get_header_map_value",
      "proxy_get_current_time_nanoseconds",
      "proxy_http_call",
    ]);
    expect(calls("proxy_on_http_call_response")).toEqual([
      "proxy_set_effective_context",
      "proxy_get_header_map_pairs",
      "proxy_get_buffer_bytes",
      "proxy_send_local_response",
    ]);
  });

  it("cannot be sent while it is in flight: that is a mistake of the filter's", async () => {
    await using host = await startWith(() => ({}));
    expect((await send(host, "/twice")).status).toBe(503);
    const line = await host.waitForLog("a callout was sent that is in flight");
    expect(line.message).toMatch(/in onRequestHeaders, context \d+$/);
  });

  it("does not call back when it was cancelled, and can be sent again", async () => {
    await using host = await startWith(({ path }) => ({ body: path }));
    expect((await send(host, "/cancel")).status).toBe(200);
    const said = host.logs.map(({ message }) => message);
    expect(said).toEqual(["cancelled: cancelled false", "cancelled: ok /two"]);
  });

  it("can be one of several that are waited for", async () => {
    const { outcome } = await passed("/join", ({ path }) => ({ body: path, delayMs: path === "/user" ? 20 : 1 }));
    expect(outcome).toBe("/user /quota refused");
  });

  it("can hold a response", async () => {
    const auth: Answer = ({ path }) => ({ body: path });
    await using host = await startWith(auth, { clusters: { app: () => ({ body: "ok" }), auth } });
    const response = await send(host, "/response");
    expect([response.header("x-outcome"), response.text()]).toEqual(["ok /response", "ok"]);
  });

  it("can be a plugin's own, sent while it is configured or by a timer", async () => {
    await using host = await startWith(({ path }) => ({ body: path }), {
      plugins: [{ module, configuration: { ask: "yes" } }],
    });
    if (host instanceof Emulator) host.advance(100);
    await host.waitForLog("asked: true");
    await host.waitForLog("plugin: ok /configure");
    await host.waitForLog("timer: ok /tick");
  });

  it("is sent again after a reset, as often as the policy says", async () => {
    let answers = 0;
    const flaky = () => ((answers += 1) < 3 ? { reset: true } : { body: "third" });
    expect(await passed("/retry", flaky)).toEqual({ outcome: "ok 200 'third'", attempts: "3", asked: 3 });
    const { outcome, attempts, asked } = await passed("/retry", () => ({ reset: true }));
    expect([outcome!.slice(0, 9), attempts, asked]).toEqual(["reset 503", "3", 3]);
  });

  it("is sent again after an answer from 500 on only when the policy says so", async () => {
    const failing = () => ({ status: 500 });
    expect(await passed("/retry", failing)).toEqual({ outcome: "ok 500 ''", attempts: "1", asked: 1 });
    expect(await passed("/retry-5xx", failing)).toEqual({ outcome: "ok 500 ''", attempts: "3", asked: 3 });
  });

  it("is sent again after a timeout unless the policy excepts it", async () => {
    const slow = () => ({ delayMs: 5000 });
    expect((await passed("/retry", slow)).attempts).toBe("3");
    expect((await passed("/retry-late", slow)).attempts).toBe("1");
  });

  it.runIf(kind === "emulator")("waits a random time that doubles up to the bound (virtual time)", async () => {
    const gaps: number[][] = [[], []];
    for (let seed = 1; seed <= 40; seed++) {
      const times: number[] = [];
      await using host = await startEmulator({
        plugins: [{ module }],
        clusters: {
          app: () => ({ headers: { "x-plain": "1" } }),
          auth: () => {
            times.push(host.clock.now());
            return { reset: true };
          },
        },
        routes: [{ match: { prefix: "/" }, cluster: "app" }],
        startTime: Date.UTC(2025, 0, seed),
      });
      const response = host.fetch("/retry");
      while (times.length < 3) host.advance(1);
      expect((await response).status).toBe(200);
      gaps[0]!.push(times[1]! - times[0]!);
      gaps[1]!.push(times[2]! - times[1]!);
    }
    expect(Math.max(...gaps[0]!)).toBeLessThanOrEqual(100);
    expect(Math.max(...gaps[1]!)).toBeLessThanOrEqual(150);
    expect(Math.max(...gaps[1]!)).toBeGreaterThan(100);
    expect(Math.min(...gaps.flat())).toBeLessThan(20);
  });

  it.runIf(kind === "emulator")("is refused when the cluster goes meanwhile (virtual time)", async () => {
    const plugins = [{ module }];
    const routes = [{ match: { prefix: "/" }, cluster: "app" }];
    const app = () => ({ headers: { "x-plain": "1" } });
    await using host = await startEmulator({ plugins, routes, clusters: { app, auth: () => ({ reset: true }) } });
    const responses = [host.fetch("/retry"), host.fetch("/retry")];
    await host.update({ plugins, routes, clusters: { app } });
    host.advance(2000);
    expect((await Promise.all(responses)).map(({ status }) => status)).toEqual([200, 200]);
    const said = host.requests("app").map((request) => [request.header("x-outcome"), request.header("x-attempts")]);
    expect(said).toEqual(Array(2).fill(["refused 0 ''", "3"]));
  });

  it.runIf(kind === "emulator")("leaves nothing behind when streams die meanwhile (many streams)", async () => {
    const auth: Answer = ({ path }) =>
      path === "/check?a=1" ? { delayMs: 250 } : path === "/retry" ? { reset: true } : {};
    await using host = await startEmulator({
      plugins: [{ module }],
      clusters: { app: () => ({ body: "ok" }), auth },
      routes: [{ match: { prefix: "/" }, cluster: "app" }],
    });
    const die = (path: string, count: number) => {
      for (let index = 0; index < count; index++) {
        const stream = new ScriptedStream(host).sendHeaders({ ":path": path });
        stream.stream.clientReset();
      }
    };
    const pages = async () => Number((await host.fetch("/response")).header("x-pages"));
    for (const path of ["/", "/retry"]) {
      die(path, 10_000);
      const early = await pages();
      expect(early).toBeGreaterThan(0);
      // Streams die, and answers and timeouts come for those that died before.
      for (let round = 0; round < 3; round++) {
        host.advance(100);
        die(path, 2000);
      }
      expect(await pages()).toBe(early);
      host.advance(10_000);
      expect(host.calloutsInFlight).toBe(0);
    }
    expect(host.logs).toEqual([]);
  });
});
