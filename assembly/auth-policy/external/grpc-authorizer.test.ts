import type { Cluster, GrpcRequest, GrpcResponse } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { describe, expect, it } from "vitest";
import { readProtobuf, writeProtobuf } from "../../../harness/abi/protobuf.ts";
import { ask, custom, DENIED, ERROR, PASSED, proxy, send } from "./testing.ts";

const grpc = (more: object = {}) => ({ name: "authz", envoyExtAuthzGrpc: { cluster: "authz", timeout: "300ms", ...more } }); // prettier-ignore

type Fields = Parameters<typeof writeProtobuf>[0];
/** A message as a field of another one. */
const inner = (fields: Fields) => Buffer.from(writeProtobuf(fields)).toString("latin1");
const header = (key: string, value: string, ...more: Fields) => inner([[1, inner([[1, key], [2, value]])], ...more]); // prettier-ignore
const APPEND: Fields[number] = [2, inner([[1, 1]])];
const STATUS_OK: Fields[number] = [1, inner([])];
const status = (code: number): Fields[number] => [1, inner([[1, code]])];

/** A service that always answers with the same `CheckResponse`. */
const answering = (fields: Fields): Cluster => ({ grpc: () => ({ messages: [writeProtobuf(fields)] }) });
const allowing = (...ok: Fields) => answering([STATUS_OK, [3, inner(ok)]]);

/** What a `CheckRequest` says, by the names of the `AttributeContext`. */
function readCheck(message: Uint8Array) {
  const bytes = (text: string) => Buffer.from(text, "latin1");
  const fields = (text: string) => readProtobuf(bytes(text))!;
  const attributes = fields(readProtobuf(message)!.text(1));
  const request = fields(attributes.text(4));
  const http = fields(request.text(2));
  const peer = (text: string) => {
    const { text: field } = fields(text);
    const socket = fields(field(1) === "" ? "" : fields(field(1)).text(1));
    return { address: socket.text(2), port: socket.number(3), principal: field(4) };
  };
  const utf8 = (text: string) => bytes(text).toString("utf8");
  return {
    source: peer(attributes.text(1)),
    destination: peer(attributes.text(2)),
    seconds: fields(request.text(1)).number(1),
    id: http.text(1),
    method: http.text(2),
    headers: Object.fromEntries(http.texts(3).map((entry) => [fields(entry).text(1), utf8(fields(entry).text(2))])),
    names: http.texts(3).map((entry) => fields(entry).text(1)),
    path: http.text(4),
    host: http.text(5),
    scheme: http.text(6),
    protocol: http.text(10),
    body: utf8(http.text(11)),
    rawBody: bytes(http.text(12)),
  };
}

eachHost("auth-policy with an external gRPC service", (start) => {
  const startWith = async (authz: Cluster, more: object = {}, policies?: object[]) =>
    await start(proxy([grpc(more)], { authz }, policies));
  const recording = (calls: GrpcRequest[]): Cluster => ({
    grpc: (call) => (calls.push(call), { messages: [writeProtobuf([STATUS_OK, [3, ""]])] }),
  });

  it("asks with the attributes that Envoy has", async () => {
    const calls: GrpcRequest[] = [];
    await using host = await startWith(recording(calls));
    const headers = { host: "shop.example", "x-a": ["1", "2", "1"], cookie: ["a=1", "b=2"], "x-bytes": "\xff" };
    expect(await ask(host, "/a?b=c", { method: "POST", headers, body: "text" })).toEqual(PASSED);
    expect(calls.map(({ service, method }) => `${service}/${method}`)).toEqual([
      "envoy.service.auth.v3.Authorization/Check",
    ]);
    const check = readCheck(calls[0]!.messages[0]!);
    expect(check).toMatchObject({
      source: { address: "", principal: "" },
      destination: { address: "127.0.0.1" },
      method: "POST",
      path: "/a?b=c",
      host: "shop.example",
      scheme: "http",
      protocol: "HTTP/1.1",
      body: "",
      headers: { ":path": "/a?b=c", "x-a": "1,2,1", cookie: expect.stringMatching(/^a=1; ?b=2$/), "x-bytes": "\ufffd" },
    });
    expect(check.destination.port).toBeGreaterThan(0);
    expect(check.seconds).toBeGreaterThan(1_500_000_000);
    expect(check.id).toBe(check.headers["x-request-id"]);
    expect(new Set(check.names).size).toBe(check.names.length);
    expect(check.headers).not.toHaveProperty("x-envoy-auth-partial-body");
  });

  it("tells the address of the client only where it may be taken for that of the peer", async () => {
    const calls: GrpcRequest[] = [];
    const options = { options: { sourceIpFrom: "remoteAddress" } };
    await using host = await start(proxy([grpc()], { authz: recording(calls) }, undefined, options));
    expect(await ask(host)).toEqual(PASSED);
    expect(readCheck(calls[0]!.messages[0]!).source.address).toBe("127.0.0.1");
  });

  it("changes the request and the response as it is told", async () => {
    const authz = allowing(
      [2, header("x-user", "ann")],
      [2, header("x-group", "b", APPEND)],
      [2, header("X-New", "c", [2, inner([[1, 0]])])],
      [5, "x-secret"],
      [5, "host"],
      [5, ":path"],
      [6, header("x-checked", "yes")],
    );
    await using host = await startWith(authz);
    const headers = { "x-user": ["forged", "root"], "x-group": "a", "x-secret": "s", host: "shop.example" };
    const response = await send(host, "/", { headers });
    expect([response.status, response.header("x-checked"), response.header("x-app")]).toEqual([200, "yes", "yes"]);
    const [request] = host.requests("app");
    const values = (name: string) => request!.headers.filter(([key]) => key === name).map(([, value]) => value);
    expect(["x-user", "x-group", "x-new", "x-secret"].map(values)).toEqual([["ann"], ["a", "b"], ["c"], []]);
    expect([request!.authority, request!.path]).toEqual(["shop.example", "/"]);
  });

  it.each<[string, Fields, string[], string[]]>([
    ["nothing said", [], ["b"], ["a", "b"]],
    ["append", [APPEND], ["a", "b"], ["a", "b"]],
    ["append: false", [[2, ""]], ["b"], ["b"]],
    ["append: false and an action", [[2, ""], [3, 1]], ["b"], ["b"]], // prettier-ignore
    ["ADD_IF_ABSENT", [[3, 1]], ["a"], ["a"]],
    ["OVERWRITE_IF_EXISTS_OR_ADD", [[3, 2]], ["b"], ["b"]],
    ["OVERWRITE_IF_EXISTS", [[3, 3]], ["b"], ["b"]],
  ])("sets headers that are there with %s", async (_, action, upstream, downstream) => {
    const authz = allowing([2, header("x-a", "b", ...action)], [6, header("x-a", "b", ...action)]);
    const app: Cluster = () => ({ headers: { "x-a": "a" } });
    await using host = await start(proxy([grpc()], { authz, app }));
    const response = await send(host, "/", { headers: { "x-a": "a" } });
    const lines = (headers: readonly (readonly [string, string])[]) =>
      headers.filter(([name]) => name === "x-a").map(([, value]) => value);
    expect([lines(host.requests("app")[0]!.headers), lines(response.headers)]).toEqual([upstream, downstream]);
  });

  it("appends to headers of the request and of a refusal that are there only, as Envoy", async () => {
    const option = header("x-new", "b", APPEND);
    await using allowed = await startWith(allowing([2, option], [6, option]));
    expect((await send(allowed)).header("x-new")).toBe("b");
    expect(allowed.requests("app")[0]!.header("x-new")).toBe(null);
    await using denied = await startWith(answering([status(7), [2, inner([[2, option]])]])); // prettier-ignore
    expect((await send(denied)).header("x-new")).toBe(null);
  });

  it("sets headers that are not there as their action says", async () => {
    const fields = [0, 1, 2, 3].map((action): Fields[number] => [6, header(`x-${action}`, "b", [3, action])]);
    await using host = await startWith(allowing(...fields));
    const response = await send(host);
    expect([0, 1, 2, 3].map((action) => response.header(`x-${action}`))).toEqual(["b", "b", "b", null]);
  });

  it("refuses as it is told", async () => {
    const denied: Fields = [
      status(7),
      [2, inner([[1, inner([[1, 401]])], [2, header("www-authenticate", "Bearer")], [3, "no session"]])], // prettier-ignore
    ];
    await using host = await startWith(answering(denied));
    const response = await send(host);
    expect([response.status, response.text(), response.header("www-authenticate")]).toEqual([
      401,
      "no session",
      "Bearer",
    ]);
    expect(host.requests("app")).toEqual([]);
    expect(await host.metric("auth_policy.ext_authz_denied")).toBe(1);
  });

  it.each<[string, Fields]>([
    ["a status alone", [status(16)]],
    ["a status below 0", [[1, `\x08${"\xff".repeat(9)}\x01`]]],
    ["a status that is revoked", [status(7), STATUS_OK]],
    ["no HTTP status", [status(7), [2, inner([[3, ""]])]]],
    ["no status, but a refusal", [[2, inner([])]]],
    ["a status of OK and a refusal", [STATUS_OK, [2, inner([])]]],
  ])("refuses with 403 by %s", async (_, fields) => {
    await using host = await startWith(answering(fields), { failOpen: true, statusOnError: 500 });
    expect(await ask(host)).toEqual([403, ""]);
    expect(host.requests("app")).toEqual([]);
  });

  it.each<[string, Fields]>([
    ["OK alone", [STATUS_OK]],
    ["OK with its number", [status(0)]],
    ["no status", [[3, inner([])]]],
  ])("lets requests pass by %s", async (_, fields) => {
    await using host = await startWith(answering(fields));
    expect(await ask(host)).toEqual(PASSED);
  });

  it.each<[string, GrpcResponse]>([
    ["nothing", { messages: [""] }],
    ["no message", { messages: [Buffer.from([0x0a, 0x05, 0x08])] }],
    ["leave and a message broken off", { messages: [Buffer.from([0x0a, 0x00, 0x1a, 0x7f])] }],
    ["a text for its status", { messages: [writeProtobuf([[1, "OK"]])] }],
    ["a number for its status", { messages: [writeProtobuf([[1, 0]])] }],
    ["leave and refusal", { messages: [writeProtobuf([STATUS_OK, [2, ""], [3, ""]])] }],
    ["a refusal with what belongs to leave", { messages: [writeProtobuf([status(7), [3, ""]])] }],
    ["a status that HTTP does not have", { messages: [writeProtobuf([status(7), [2, inner([[1, inner([[1, 99]])]])]])] }], // prettier-ignore
    ["another path", { messages: [writeProtobuf([STATUS_OK, [3, inner([[2, header(":path", "/admin")]])]])] }],
    ["another host", { messages: [writeProtobuf([STATUS_OK, [3, inner([[2, header("Host", "evil")]])]])] }],
    ["another length", { messages: [writeProtobuf([STATUS_OK, [3, inner([[2, header("content-length", "1")]])]])] }],
    ["a header that ends", { messages: [writeProtobuf([STATUS_OK, [3, inner([[2, header("x-a", "b\r\nx-c: d")]])]])] }],
    [
      "an action that there is not",
      { messages: [writeProtobuf([STATUS_OK, [3, inner([[2, header("x-a", "b", [3, 4])]])]])] },
    ],
    ["a header without a name", { messages: [writeProtobuf([STATUS_OK, [3, inner([[2, header("", "b")]])]])] }],
    ["another query", { messages: [writeProtobuf([STATUS_OK, [3, inner([[7, inner([[1, "a"], [2, "b"]])]])]])] }], // prettier-ignore
  ])("takes an answer with %s for a refusal, even with failOpen", async (_, answer) => {
    await using host = await startWith({ grpc: () => answer }, { failOpen: true, statusOnError: 500 });
    expect(await ask(host)).toEqual([500, ""]);
    expect(host.requests("app")).toEqual([]);
    await host.waitForLog("auth-policy: authz: its answer cannot be used");
  });

  const silent: [string, Cluster][] = [
    ["fails", { grpc: () => ({ status: 14, statusMessage: "down" }) }],
    ["says UNIMPLEMENTED", { grpc: () => ({ status: 12 }) }],
    ["answers without a message", { grpc: () => ({ messages: [] }) }],
    ["is late", { grpc: () => ({ messages: [writeProtobuf([STATUS_OK])], delayMs: 800 }) }],
    ["breaks off", { grpc: () => ({ reset: true }) }],
    ["has no host", { hosts: [] }],
  ];
  it.each(silent)("lets nobody in when it %s, but with failOpen", async (_, authz) => {
    await using closed = await startWith(authz);
    expect(await ask(closed)).toEqual(ERROR);
    expect(closed.requests("app")).toEqual([]);
    const deny = { action: "DENY", rules: [{ to: [{ operation: { paths: ["/no"] } }] }] };
    await using open = await startWith(authz, { failOpen: true }, [custom("authz"), deny]);
    expect(await ask(open, "/yes")).toEqual(PASSED);
    expect(await ask(open, "/no")).toEqual(DENIED);
  });

  describe("that wants to see bodies", () => {
    it.each([
      [{ maxRequestBytes: 4 }, "abcd", { body: "abcd", partial: "false" }],
      [{ maxRequestBytes: 4, allowPartialMessage: true }, "abcdef", { body: "abcd", partial: "true" }],
      [{ maxRequestBytes: 4 }, "\xff", { body: "\ufffd", partial: "false" }],
      [{ maxRequestBytes: 4, packAsBytes: true }, "\xff", { rawBody: "\xff", partial: "false" }],
    ])("(%j) gets them", async (includeRequestBodyInCheck, sent, expected) => {
      const calls: GrpcRequest[] = [];
      await using host = await startWith(recording(calls), { includeRequestBodyInCheck });
      expect(await ask(host, "/", { method: "POST", body: Buffer.from(sent, "latin1") })).toEqual(PASSED);
      const { body, rawBody, headers } = readCheck(calls[0]!.messages[0]!);
      const partial = headers["x-envoy-auth-partial-body"];
      expect({ body, rawBody: rawBody.toString("latin1"), partial }).toEqual({ body: "", rawBody: "", ...expected });
      expect(Buffer.from(host.requests("app")[0]!.body).toString("latin1")).toBe(sent);
    });
  });
});
