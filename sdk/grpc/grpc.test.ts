import {
  Emulator,
  startEmulator,
  type Cluster,
  type GrpcRequest,
  type GrpcResponse,
  type HostOptions,
} from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { beforeAll, expect, it } from "vitest";
import { ScriptedStream } from "../../harness/testing/scripted-stream.ts";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

/** What it does is the path of a request. */
const source = filterSource(
  `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    const path = headers.path;
    const name = new ProtobufWriter().text(1, "ada");
    if (path == "/deny") return held(new Deny().send(method("up"), name.written()));
    if (path == "/leave") {
      new Said("leave").send(method("up"), name.written());
      return FilterHeaders.Continue;
    }
    if (path == "/cancel") {
      const call = new Said("cancelled");
      call.send(method("up"), name.written());
      call.cancel();
      log.info(outcomeName(call.outcome) + " " + call.isInFlight.toString());
      return held(call.send(method("up"), name.written()));
    }
    if (path == "/join") {
      const join = new Both(headers);
      join.one.send(method("up"), new ProtobufWriter().text(1, "one").written());
      join.two.send(method("up"), new ProtobufWriter().text(1, "two").written());
      join.add(join.one);
      join.add(join.two);
      return held(join.isPending);
    }
    if (path == "/unknown") return refused(new Said("no"), method("nope"));
    if (path == "/no-cluster") return refused(new Said("no"), method(""));
    if (path == "/metadata") return refused(new Said("no"), method("up").metadata(":path", "/"));
    if (path == "/own") return refused(new Said("no"), method("up").metadata("TE", "x"));
    if (path == "/lines") return refused(new Said("no"), method("up").metadata("x-a", "1\\n2"));
    if (path == "/refused-stream") {
      const stream = new Talk(headers);
      const opened = stream.open(method("up"));
      // Callbacks came within that call: this one must still act on its own stream.
      return new LocalReply(503).text(opened.toString() + " " + (<i32>stream.refusal).toString()).send();
    }
    if (path == "/talk") {
      const talk = new Talk(headers);
      if (!talk.open(method("up"))) return new LocalReply(503).send();
      talk.send(new ProtobufWriter().text(1, "hello").written());
      return FilterHeaders.StopIteration;
    }
    if (path == "/stream-leave") {
      const talk = new Talk(headers);
      talk.open(method("up"));
      talk.send(name.written());
      return FilterHeaders.Continue;
    }
    const request = method("up").metadata("x-md", "1").metadata("x-md-bin", "ab").authority("a.test").trace(headers);
    return held(new Ask(headers).send(request.timeout(300), name.written()));
  }
  override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
    headers.set("x-pages", memory.size().toString());
    return FilterHeaders.Continue;
  }`,
  `override configure(config: ConfigReader): void {
    if (config.string("ask", "") != "") new Said("plugin").send(method("up"), new ProtobufWriter().text(1, "x").written());
  }`,
)
  .replace(
    "import {",
    `import { CalloutHeaders, CalloutJoin, CalloutOutcome, GrpcCall, GrpcReply, GrpcRequest, GrpcStatus, GrpcStream, ProtobufReader,
      ProtobufWriter,`,
  )
  .replace(
    "class TestPlugin",
    `
function method(cluster: string): GrpcRequest { return new GrpcRequest(cluster, "test.Greeter", "Greet").timeout(300); }
function held(isHeld: bool): FilterHeaders {
  return isHeld ? FilterHeaders.StopIteration : new LocalReply(503).send();
}
function refused(call: GrpcCall, request: GrpcRequest): FilterHeaders {
  const sent = call.send(request, new ProtobufWriter().written());
  return new LocalReply(503)
    .text(sent.toString() + " " + outcomeName(call.outcome) + " " + (<i32>call.refusal).toString())
    .send();
}
function outcomeName(outcome: CalloutOutcome): string {
  const names = ["pending", "ok", "timeout", "reset", "refused", "cancelled"];
  return names[outcome];
}
function textOf(reply: GrpcReply): string {
  const reader = new ProtobufReader(reply.bytes());
  let text = "";
  while (reader.next()) if (reader.field == 1) text += reader.text();
  const error = reader.error;
  return error === null ? text : error;
}
function described(outcome: CalloutOutcome, reply: GrpcReply): string {
  return outcomeName(outcome) + " " + (<i32>reply.status).toString() + " <" + textOf(reply) + "> '" + reply.statusMessage + "'";
}
class Ask extends GrpcCall {
  constructor(private request: RequestHeaders) { super(); }
  override onOutcome(outcome: CalloutOutcome, reply: GrpcReply): void {
    this.request.set("x-outcome", described(outcome, reply));
    continueRequest();
  }
}
class Deny extends GrpcCall {
  override onOutcome(outcome: CalloutOutcome, reply: GrpcReply): void {
    new LocalReply(403).text(textOf(reply)).send();
  }
}
class Said extends GrpcCall {
  constructor(private who: string) { super(); }
  override onOutcome(outcome: CalloutOutcome, reply: GrpcReply): void {
    log.info(this.who + ": " + described(outcome, reply));
    continueRequest();
  }
}
class Kept extends GrpcCall {
  text: string = "";
  override onOutcome(outcome: CalloutOutcome, reply: GrpcReply): void { this.text = textOf(reply); }
}
class Both extends CalloutJoin {
  one: Kept = new Kept();
  two: Kept = new Kept();
  constructor(private request: RequestHeaders) { super(); }
  override onJoined(): void {
    this.request.set("x-outcome", this.one.text + " " + this.two.text);
    continueRequest();
  }
}
class Talk extends GrpcStream {
  private said: string = "";
  constructor(private request: RequestHeaders) { super(); }
  override onInitialMetadata(metadata: CalloutHeaders): void {
    const value = metadata.get("x-i");
    this.said += "[" + (value === null ? "-" : value) + "]";
  }
  override onMessage(message: GrpcReply): void {
    const text = textOf(message);
    this.said += " " + text;
    if (text == "hello") this.said += this.send(new ProtobufWriter().text(1, "bye").written()).toString();
    else this.said += this.end().toString() + this.send(new ProtobufWriter().written()).toString();
  }
  override onTrailingMetadata(metadata: CalloutHeaders): void {
    const value = metadata.get("x-t");
    this.said += " [" + (value === null ? "-" : value) + "]";
  }
  override onOutcome(outcome: CalloutOutcome, reply: GrpcReply): void {
    log.info("talk ended");
    this.request.set("x-outcome", this.said + " " + described(outcome, reply));
    continueRequest();
  }
}
class TestPlugin`,
  );

/** The message \`{ text = 1 }\`. */
const message = (text: string) => Buffer.concat([Buffer.from([10, text.length]), Buffer.from(text)]);

eachHost("a gRPC callout", (start, kind) => {
  let module: Uint8Array;
  beforeAll(async () => {
    module = await compileFilter(source);
  });

  const startWith = async (up: Cluster, options: Partial<HostOptions> = {}) =>
    await start({
      plugins: [{ module }],
      clusters: { app: () => ({ body: "ok" }), up },
      routes: [{ match: { prefix: "/" }, cluster: "app" }],
      ...options,
    });
  const send = async (host: Awaited<ReturnType<typeof startWith>>, path: string) => {
    const response = host.fetch(path, { headers: { traceparent: "00-1-2-01" } });
    if (host instanceof Emulator) host.advance(2000);
    return await response;
  };
  const passed = async (path: string, up: Cluster) => {
    await using host = await startWith(up);
    expect((await send(host, path)).status).toBe(200);
    return host.requests("app")[0]!.header("x-outcome");
  };
  const answers = (response: GrpcResponse) => ({ grpc: () => response });

  it("sends what it is given, and gets the message", async () => {
    const calls: GrpcRequest[] = [];
    const greeter = {
      grpc(call: GrpcRequest) {
        calls.push(call);
        return { messages: [message("hi ada")] };
      },
    };
    expect(await passed("/", greeter)).toBe("ok 0 <hi ada> ''");
    const [call] = calls;
    expect([call!.service, call!.method, call!.authority]).toEqual(["test.Greeter", "Greet", "a.test"]);
    expect(call!.messages.map((bytes) => Buffer.from(bytes).toString("hex"))).toEqual([message("ada").toString("hex")]);
    const names = ["x-md", "x-md-bin", "traceparent", "grpc-timeout"];
    expect(names.map((name) => call!.header(name))).toEqual(["1", "YWI=", "00-1-2-01", "300m"]);
  });

  it.each<[string, GrpcResponse, string]>([
    [
      "an error",
      { status: 7, statusMessage: "no%20way %C3%BC{x}" },
      `ok 7 <> 'no way ${Buffer.from("ü").toString("latin1")}{x}'`,
    ],
    ["an error without a message", { status: 16 }, "ok 16 <> ''"],
    [
      "a message that says what the proxy would",
      { status: 14, statusMessage: "upstream request timeout{response_timeout}" },
      "ok 14 <> 'upstream request timeout{response_timeout}'",
    ],
    ["no status", { messages: ["a"], status: null }, "ok 2 <> ''"],
    ["a status that gRPC does not have", { status: 77 }, "ok 2 <> ''"],
    ["no message", {}, "ok 13 <> ''"],
    ["HTTP's 404", { httpStatus: 404, status: null }, "ok 12 <> ''"],
    ["nothing in time", { delayMs: 900 }, "timeout 14 <> 'upstream request timeout{response_timeout}'"],
    ["a message that is none", { messages: ["\x0a"] }, "ok 0 <byte 0: the message ends within a number> ''"],
  ])("tells %s", async (_, response, expected) => {
    expect(await passed("/", answers(response))).toBe(expected);
  });

  it("tells a connection that breaks, before the answer and within it", async () => {
    expect(await passed("/", answers({ reset: true }))).toMatch(/^reset 14 <> 'upstream connect error/);
    expect(await passed("/", answers({ messages: ["a"], reset: true }))).toMatch(/^reset 13 <> 'upstream_reset_after/);
  });

  it("can answer the stream that waits", async () => {
    await using host = await startWith(answers({ messages: [message("no entry")] }));
    const response = await send(host, "/deny");
    expect([response.status, response.text()]).toEqual([403, "no entry"]);
  });

  it.each([
    ["/unknown", "false refused 3"],
    ["/no-cluster", "false refused 1"],
    ["/metadata", "false refused 1"],
    ["/own", "false refused 1"],
    ["/lines", "false refused 1"],
  ])("is refused when it cannot be sent: %s", async (path, text) => {
    await using host = await startWith(answers({}));
    const response = await send(host, path);
    expect([response.status, response.text()]).toEqual([503, text]);
    expect(host.logs).toEqual([]);
  });

  it("is refused by a cluster without hosts; callbacks that come within the call do not disturb", async () => {
    await using host = await startWith({ hosts: [] });
    const response = await send(host, "/refused-stream");
    expect([response.status, response.text()]).toEqual([503, "false 3"]);
    expect((await send(host, "/")).status).toBe(503);
    expect(host.logs).toEqual([]);
  });

  it.each(["/leave", "/stream-leave"])("is cancelled when its stream is gone: %s", async (path) => {
    const up = {
      grpc: () => ({ delayMs: 200, messages: [message("late")] }),
      grpcMessage: () => ({ delayMs: 200, messages: [message("late")] }),
    };
    await using host = await startWith(up);
    expect((await send(host, path)).status).toBe(200);
    if (host instanceof Emulator) expect(host.calloutsInFlight).toBe(0);
    // A later call is answered later.
    await send(host, "/cancel");
    await host.waitForLog("cancelled: ok");
    expect(host.logs.filter(({ message: line }) => /^leave|^talk/.test(line))).toEqual([]);
  });

  it("does not call back when it was cancelled, and can be sent again", async () => {
    await using host = await startWith(answers({ messages: [message("a")] }));
    expect((await send(host, "/cancel")).status).toBe(200);
    expect(host.logs.map(({ message: line }) => line)).toEqual(["cancelled false", "cancelled: ok 0 <a> ''"]);
  });

  it("can be one of several that are waited for", async () => {
    const echo = { grpc: (call: GrpcRequest) => ({ messages: [call.messages[0]!] }) };
    expect(await passed("/join", echo)).toBe("one two");
  });

  it("can be a plugin's own", async () => {
    await using host = await startWith(answers({ messages: [message("a")] }), {
      plugins: [{ module, configuration: { ask: "yes" } }],
    });
    if (host instanceof Emulator) host.advance(1);
    await host.waitForLog("plugin: ok 0 <a> ''");
  });

  it("streams both ways, with metadata first and last", async () => {
    let count = 0;
    const echo = {
      grpc: () => ({ trailers: { "x-t": "2" }, status: 3, statusMessage: "enough" }),
      grpcMessage: (bytes: Uint8Array) => ({
        messages: [bytes],
        ...((count += 1) === 1 ? { metadata: { "x-i": "1" } } : {}),
      }),
    };
    expect(await passed("/talk", echo)).toBe("[1] hellotrue byetruefalse [2] ok 3 <> 'enough'");
    expect(count).toBe(2);
  });

  it("tells how a stream ended that the service ends first, or breaks off", async () => {
    const ends = {
      ...answers({}),
      grpcMessage: () => ({ messages: [message("a")], status: 5, statusMessage: "gone" }),
    };
    expect(await passed("/talk", ends)).toBe("[-] atruefalse [-] ok 5 <> 'gone'");
    const breaks = { ...answers({}), grpcMessage: () => ({ reset: true }) };
    await using host = await startWith(breaks);
    await send(host, "/talk");
    expect(host.requests("app")[0]!.header("x-outcome")).toMatch(/^\[-\] \[-\] reset 14 <> 'upstream connect error/);
    // The proxy keeps a stream until this side has ended too.
    if (host instanceof Emulator) expect(host.calloutsInFlight).toBe(0);
  });

  it.runIf(kind === "emulator")("leaves nothing behind when streams die meanwhile (many streams)", async () => {
    const up = { grpc: () => ({ delayMs: 100 }), grpcMessage: () => ({ delayMs: 100, messages: ["a"] }) };
    await using host = await startEmulator({
      plugins: [{ module }],
      clusters: { app: () => ({ body: "ok" }), up },
      routes: [{ match: { prefix: "/" }, cluster: "app" }],
    });
    const die = (path: string, count: number) => {
      for (let index = 0; index < count; index++) {
        new ScriptedStream(host).sendHeaders({ ":path": path }).stream.clientReset();
      }
    };
    const pages = async () => Number((await host.fetch("/leave")).header("x-pages"));
    for (const path of ["/", "/talk"]) {
      die(path, 1000);
      const early = await pages();
      expect(early).toBeGreaterThan(0);
      die(path, 10_000);
      expect(host.calloutsInFlight).toBe(0);
      expect(await pages()).toBe(early);
    }
  });
});
