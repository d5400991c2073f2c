import { Emulator, type Cluster, type GrpcRequest, type GrpcResponse } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { expect, it } from "vitest";

const module = new URL("build/plugin.wasm", import.meta.url);

const text = (field: number, value: string) =>
  Buffer.concat([Buffer.from([field * 8 + 2, value.length]), Buffer.from(value)]);
const allowed = (user: string) => ({ messages: [Buffer.concat([Buffer.from([8, 1]), text(2, user)])] });
const denied = (reason: string) => ({ messages: [text(3, reason)] });

eachHost("gRPC callout", (start) => {
  async function ask(
    authz: Cluster,
    headers: Record<string, string> = { authorization: "Bearer a", "x-user": "root" },
  ) {
    await using host = await start({
      plugins: [{ module, configuration: { timeoutMs: 100 } }],
      clusters: { app: (request) => ({ body: `hello ${request.header("x-user")}` }), authz },
      routes: [{ match: { prefix: "/" }, cluster: "app" }],
    });
    const fetched = host.fetch("/data?id=1", { headers });
    if (host instanceof Emulator) host.advance(1000);
    const response = await fetched;
    return { status: response.status, text: response.text() };
  }
  const answering = (response: GrpcResponse) => ({ grpc: () => response });

  it("lets a request in as the user the service names", async () => {
    const calls: GrpcRequest[] = [];
    const authz = {
      grpc(call: GrpcRequest) {
        calls.push(call);
        return allowed("ada");
      },
    };
    expect(await ask(authz)).toEqual({ status: 200, text: "hello ada" });
    expect(calls.map(({ service, method }) => `${service}/${method}`)).toEqual(["authz.v1.Authorizer/Check"]);
    const question = Buffer.concat([text(1, "Bearer a"), text(2, "GET"), text(3, "/data?id=1")]);
    expect(calls[0]!.messages.map((message) => Buffer.from(message))).toEqual([question]);
    expect(calls[0]!.header("x-request-id")).not.toBeNull();
  });

  it("denies what the service denies", async () => {
    expect(await ask(answering(denied("expired")))).toEqual({ status: 403, text: "expired" });
    expect((await ask(answering({ messages: [""] }))).status).toBe(403);
  });

  it("asks for a token", async () => {
    expect((await ask(answering(allowed("ada")), {})).status).toBe(401);
  });

  it.each<[string, Cluster]>([
    ["fails", answering({ status: 13, statusMessage: "oops" })],
    ["fails after an answer", answering({ ...allowed("ada"), status: 13 })],
    ["breaks off", answering({ ...allowed("ada"), reset: true })],
    ["is late", answering({ ...allowed("ada"), delayMs: 700 })],
    ["answers nonsense", answering({ messages: [Buffer.from([8, 1, 0x12])] })],
    ["is no gRPC service", () => ({ body: "allowed" })],
    ["has no host", { hosts: [] }],
  ])("lets nobody in when the service %s", async (_, authz) => {
    expect(await ask(authz)).toEqual({ status: 503, text: "authorization is not available" });
  });
});
