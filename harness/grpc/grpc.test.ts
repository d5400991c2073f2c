import { expect, it } from "vitest";
import { Emulator } from "../emulator/emulator.ts";
import type { Cluster, GrpcRequest, GrpcResponse } from "../host.ts";
import { runGuest } from "../testing/run.ts";
import { guest, type GuestWriter } from "../testing/guest.ts";
import { eachHost } from "../vitest/index.ts";

type Pairs = Record<string, string>;

const unary = (w: GuestWriter, target = "up", metadata: Pairs = {}, message = "hi", timeoutMs = 200) =>
  w.show(
    "call",
    `(call $proxy_grpc_call ${w.text(target)} ${w.text("pkg.Svc")} ${w.text("Do")} ${w.pairs(metadata)} ${w.text(message)}
      (i32.const ${timeoutMs}) (i32.const 8))`,
  );
const open = (w: GuestWriter, target = "up") =>
  w.show(
    "stream",
    `(call $proxy_grpc_stream ${w.text(target)} ${w.text("pkg.Svc")} ${w.text("Do")} (i32.const 0) (i32.const 0) (i32.const 8))`,
  );
const send = (w: GuestWriter, token: number, message: string, end = 0) =>
  w.show("send", w.call("proxy_grpc_send", token, [message], end));
const close = (w: GuestWriter, token: number) => w.show("half-close", w.call("proxy_grpc_close", token));
const cancel = (w: GuestWriter, token: number) => w.show("cancel", w.call("proxy_grpc_cancel", token));

/** Logs what each callback is told. */
const telling = (w: GuestWriter, also: Record<string, string>) => ({
  proxy_on_grpc_receive_initial_metadata: `${w.show("initial", "(local.get $token)")} ${w.logPairs(4)} ${also.initial ?? ""}`,
  proxy_on_grpc_receive: `${w.show("receive", "(local.get $token)")} ${w.logBuffer(5, 0, 20)} ${also.receive ?? ""}`,
  proxy_on_grpc_receive_trailing_metadata: `${w.show("trailing", "(local.get $token)")} ${w.logPairs(5)}`,
  proxy_on_grpc_close: `${w.show("close", "(local.get $token)")} ${w.show("status", "(local.get 2)")}
    (drop ${w.call("proxy_get_status", 16, 0, 4)}) (call $log (i32.load (i32.const 0)) (i32.load (i32.const 4)))
    ${w.show("code", "(i32.load (i32.const 16))")} ${also.close ?? ""} ${w.log("closed")}`,
});

const reset = "upstream connect error or disconnect/reset before headers. reset reason:";
const answers = (response: GrpcResponse) => ({ grpc: () => response });
const ok = answers({ messages: ["a"] });
const began = "[:status: 200][content-type: application/grpc]";
const failed = (token: number, status: number, message: string) => [
  `close=${token}`,
  `status=${status}`,
  message,
  `code=${status}`,
  "closed",
];

eachHost("gRPC", (start, kind) => {
  async function logs(
    cluster: Cluster,
    act: (w: GuestWriter) => string,
    last: string,
    also: (w: GuestWriter) => Record<string, string> = () => ({}),
  ) {
    const module = await guest((w) => ({
      proxy_on_request_headers: `${act(w)} (i32.const 0)`,
      ...telling(w, also(w)),
    }));
    await using host = await start({
      plugins: [{ module }],
      clusters: { up: cluster },
      routes: [{ match: { prefix: "/" }, directResponse: { status: 200 } }],
    });
    await host.fetch("/");
    if (host instanceof Emulator) host.advance(2000);
    await host.waitForLog(last);
    return host.logs.map(({ message }) => message.replace(/service-time: \d+/, "service-time: 0"));
  }

  it.each<[string, Cluster, string[]]>([
    ["a message", answers({ messages: ["hello"], trailers: { "x-t": "1" } }), ["receive=5", "body=hello"]],
    ["an empty message", answers({ messages: [""] }), ["receive=5", "body="]],
    ["the last of several messages", answers({ messages: ["a", "b"] }), ["receive=5", "body=b"]],
    ["no message", answers({ metadata: {} }), failed(5, 13, "")],
    ["neither headers nor message", answers({}), failed(5, 13, "")],
    ["an error at once", answers({ status: 7, statusMessage: "no %41" }), failed(5, 7, "no %41{via_upstream}")],
    ["an error after a message", answers({ messages: ["a"], status: 5 }), failed(5, 5, "via_upstream")],
    ["no status", answers({ messages: ["a"], status: null }), failed(5, 2, "via_upstream")],
    ["a status that is none", answers({ status: 99 }), failed(5, 4294967295, "via_upstream")],
    ["HTTP's 404", answers({ httpStatus: 404, status: null }), failed(5, 12, "via_upstream")],
    ["HTTP's 503 with a status", answers({ httpStatus: 503, status: 3 }), failed(5, 3, "via_upstream")],
    ["HTTP's 503 with a body", answers({ httpStatus: 503, messages: ["a"] }), failed(5, 14, "via_upstream")],
    ["what is no gRPC", () => ({ body: "plain" }), failed(5, 13, "via_upstream")],
    [
      "a reset",
      answers({ reset: true }),
      failed(5, 14, `${reset} remote reset{upstream_reset_before_response_started{remote_reset}}`),
    ],
    [
      "a reset after headers",
      answers({ messages: ["a"], reset: true }),
      failed(5, 13, "upstream_reset_after_response_started{remote_reset}"),
    ],
    ["nothing in time", answers({ delayMs: 900 }), failed(5, 14, "upstream request timeout{response_timeout}")],
    [
      "no end in time",
      { grpc: () => ({ delayMs: 900 }), grpcMessage: () => ({ messages: ["a"] }) },
      failed(5, 13, "response_timeout"),
    ],
  ])("a unary call whose upstream sends %s", async (_, cluster, expected) => {
    const last = expected.at(-1)!;
    expect(await logs(cluster, (w) => unary(w), last)).toEqual(["call=0", ...expected]);
  });

  it("sends what it is given", async () => {
    const calls: GrpcRequest[] = [];
    const cluster = {
      grpc(call: GrpcRequest) {
        calls.push(call);
        return { messages: ["a"] };
      },
    };
    const target = "\x0a\x09\x0a\x02up\x12\x03a.b\x2a\x06\x0a\x01c\x12\x01d";
    const metadata = { "x-md": "1", "x-md-bin": "\x01\x02" };
    await logs(
      cluster,
      (w) => unary(w, target, metadata) + unary(w, "up", {}, "", 0) + unary(w, "up", {}, "", -1),
      "receive=13",
    );
    expect(calls.map(({ service, method, authority }) => [service, method, authority])).toEqual([
      ["pkg.Svc", "Do", "a.b"],
      ["pkg.Svc", "Do", "up"],
      ["pkg.Svc", "Do", "up"],
    ]);
    expect(calls.map(({ messages }) => messages.map((message) => Buffer.from(message).toString()))).toEqual([
      ["hi"],
      [""],
      [""],
    ]);
    expect(calls[0]!.headers).toEqual([
      ["te", "trailers"],
      ["grpc-timeout", "200m"],
      ["content-type", "application/grpc"],
      ["c", "d"],
      ["x-md", "1"],
      ["x-md-bin", "AQI="],
      ["x-envoy-internal", "true"],
      ["x-envoy-expected-rq-timeout-ms", "200"],
    ]);
    expect(calls.map((call) => call.header("grpc-timeout"))).toEqual(["200m", "0m", "4294967S"]);
  });

  it("joins metadata to the headers a call has by itself", async () => {
    const paths: string[] = [];
    const cluster = {
      grpc(call: GrpcRequest) {
        paths.push(call.path, call.authority, call.header("content-type")!);
        return { messages: ["a"] };
      },
    };
    const metadata = { ":path": "/a", ":authority": "b", "content-type": "c" };
    await logs(cluster, (w) => unary(w, "up", metadata), "receive=5");
    expect(paths).toEqual(["/pkg.Svc/Do,/a", "up,b", "application/grpc,c"]);
    const details = `${reset} protocol error{upstream_reset_before_response_started{protocol_error}}`;
    expect(await logs(ok, (w) => unary(w, "up", { te: "a" }), "closed")).toEqual(["call=0", ...failed(5, 14, details)]);
  });

  // On a connection that is open already, Envoy refuses such a call at once (10) and calls back all the same.
  it.each([
    ["a b", "1", "invalid header name: a b"],
    ["a", "1\n2", "invalid header value for: a"],
  ])("cannot carry metadata that is no header: %s", async (name, value, flaw) => {
    const details = `{filter_removed_required_request_headers{${flaw.replaceAll(" ", "_")}}}`;
    const said = await logs(ok, (w) => unary(w, "up", { [name]: value }), "closed");
    expect(said).toEqual(["call=0", ...failed(5, 14, flaw + details)]);
  });

  it("is refused for an unknown cluster; the one of a GrpcService message, or without hosts, ends by a callback too", async () => {
    const target = "\x0a\x06\x0a\x04nope";
    expect(await logs(ok, (w) => unary(w, "nope") + open(w, "nope") + unary(w, target), "closed")).toEqual([
      "call=4",
      "stream=4",
      "call=10",
      ...failed(5, 14, "Cluster not available"),
    ]);
    expect(await logs({ hosts: [] }, (w) => unary(w), "closed")).toEqual([
      "call=10",
      ...failed(5, 14, "no healthy upstream{no_healthy_upstream}"),
    ]);
    // Two of the callbacks come within the host call.
    expect(await logs({ hosts: [] }, (w) => open(w), "closed")).toEqual([
      "initial=6",
      "-",
      "trailing=6",
      `${began}[grpc-status: 14][grpc-message: no healthy upstream]`,
      "stream=10",
      ...failed(6, 14, "no healthy upstream{no_healthy_upstream}"),
    ]);
  });

  it("can be cancelled or closed without a callback", async () => {
    const said = await logs(
      ok,
      (w) =>
        unary(w) +
        cancel(w, 5) +
        cancel(w, 5) +
        unary(w) +
        close(w, 9) +
        open(w) +
        cancel(w, 6) +
        send(w, 6, "a") +
        unary(w),
      "body=",
    );
    expect(said).toEqual([
      ...["call=0", "cancel=0", "cancel=1", "call=0", "half-close=0", "stream=0", "cancel=0", "send=1", "call=0"],
      ...["receive=13", "body=a"],
    ]);
  });

  it("knows its tokens", async () => {
    const act = (w: GuestWriter) =>
      [send(w, 5, "a"), send(w, 7, "a"), send(w, 6, "a"), cancel(w, 4), cancel(w, 5), close(w, 7), close(w, 6)].join(
        "",
      );
    expect(await logs(ok, (w) => act(w) + w.log("end"), "end")).toEqual([
      ...["send=2", "send=2", "send=1", "cancel=2", "cancel=1", "half-close=2", "half-close=1", "end"],
    ]);
  });

  it("streams: what was sent, answered, and how it ended", async () => {
    const cluster = answers({ messages: ["a", "b"], metadata: { "x-i": "1" }, trailers: { "x-t": "2" } });
    expect(await logs(cluster, (w) => open(w) + send(w, 6, "one") + close(w, 6), "closed")).toEqual([
      ...["stream=0", "send=0", "half-close=0"],
      ...["initial=6", `${began}[x-i: 1][x-envoy-upstream-service-time: 0]`],
      ...["receive=6", "body=a", "receive=6", "body=b"],
      ...["trailing=6", "[grpc-status: 0][x-t: 2]", ...failed(6, 0, "via_upstream")],
    ]);
  });

  it("streams message by message", async () => {
    const cluster = { grpc: () => ({}), grpcMessage: (message: Uint8Array) => ({ messages: [message] }) };
    const once = (w: GuestWriter) =>
      `(if (i32.load (i32.const 40)) (then ${close(w, 6)})
        (else (i32.store (i32.const 40) (i32.const 1)) ${send(w, 6, "two")}))`;
    expect(
      await logs(
        cluster,
        (w) => open(w) + send(w, 6, "one"),
        "closed",
        (w) => ({ receive: once(w) }),
      ),
    ).toEqual([
      ...["stream=0", "send=0", "initial=6", began, "receive=6", "body=one", "send=0", "receive=6", "body=two"],
      ...["half-close=0", "trailing=6", "[grpc-status: 0]", ...failed(6, 0, "via_upstream")],
    ]);
  });

  it("keeps a stream that the upstream ended until it is closed here too", async () => {
    const cluster = { ...ok, grpcMessage: () => ({ messages: ["a"], status: 9, statusMessage: "st" }) };
    const also = (w: GuestWriter) => ({ close: send(w, 6, "late") + close(w, 6) + close(w, 6) });
    expect(await logs(cluster, (w) => open(w) + send(w, 6, "one"), "closed", also)).toEqual([
      ...["stream=0", "send=0", "initial=6", began, "receive=6", "body=a"],
      ...["trailing=6", "[grpc-status: 9][grpc-message: st]", "close=6", "status=9", "st{via_upstream}", "code=9"],
      ...["send=0", "half-close=0", "half-close=1", "closed"],
    ]);
  });

  it.each<[string, GrpcResponse, string[]]>([
    [
      "before it answers",
      { reset: true },
      [
        ...["initial=6", "-", "trailing=6", `${began}[grpc-status: 14][grpc-message: ${reset} remote reset]`],
        ...failed(6, 14, `${reset} remote reset{upstream_reset_before_response_started{remote_reset}}`),
      ],
    ],
    [
      "within its answer",
      { messages: ["z"], reset: true },
      [
        ...["initial=6", began, "receive=6", "body=z", "trailing=6", "-"],
        ...failed(6, 13, "upstream_reset_after_response_started{remote_reset}"),
      ],
    ],
  ])("tells a stream that the upstream resets %s", async (_, response, expected) => {
    const cluster = { ...ok, grpcMessage: () => response };
    expect(await logs(cluster, (w) => open(w) + send(w, 6, "x"), "closed")).toEqual([
      "stream=0",
      "send=0",
      ...expected,
    ]);
  });

  it("shows an error at once as trailing metadata with all headers", async () => {
    const cluster = answers({ status: 3, statusMessage: "bad" });
    expect(await logs(cluster, (w) => open(w) + close(w, 6), "closed")).toEqual([
      ...["stream=0", "half-close=0", "initial=6", "-", "trailing=6"],
      `${began}[grpc-status: 3][grpc-message: bad][x-envoy-upstream-service-time: 0]`,
      ...failed(6, 3, "bad{via_upstream}"),
    ]);
  });

  it("hears nothing more of a stream that a callback cancels", async () => {
    const cluster = answers({ messages: ["a", "b"] });
    const also = (w: GuestWriter) => ({ receive: cancel(w, 6) + cancel(w, 6) + w.log("cancelled") });
    const said = await logs(cluster, (w) => open(w) + close(w, 6), "cancelled", also);
    expect(said.slice(4)).toEqual(["receive=6", "body=a", "cancel=0", "cancel=1", "cancelled"]);
  });

  // Envoy crashes.
  it.runIf(kind === "emulator")("reports a target that reads as a GrpcService message without one", async () => {
    await using host = await runGuest((w) => ({
      proxy_on_request_headers: `${["", "auth-grpc", "cd"].map((name) => unary(w, name)).join("")} (i32.const 0)`,
    }));
    await host.fetch("/");
    expect(host.messages).toEqual(["call=2", "call=2", "call=2"]);
    expect(host.diagnostics.map(({ code }) => code)).toEqual(Array(3).fill("GRPC_SERVICE_WITHOUT_TARGET"));
  });

  // Envoy's worker hangs.
  it.runIf(kind === "emulator")("ends a call and a stream that both fail at once in one callback", async () => {
    const module = await guest((w) => ({
      proxy_on_request_headers: `${unary(w, "nobody")} ${open(w, "nobody")} (i32.const 0)`,
      ...telling(w, {}),
    }));
    await using host = (await start({ plugins: [{ module }], clusters: { nobody: { hosts: [] } } })) as Emulator;
    await host.fetch("/");
    const closed = host.logs.flatMap(({ message }) => /^close=\d+/.exec(message)?.[0] ?? []);
    expect(closed).toEqual(["close=5", "close=6"]);
    expect(host.diagnostics.map(({ code }) => code)).toContain("ENVOY_HANGS");
  });
});
