import { Emulator, type UpstreamRequest, type UpstreamResponse } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { expect, it } from "vitest";

const module = new URL("build/plugin.wasm", import.meta.url);

eachHost("callout auth", (start) => {
  async function ask(auth: (request: UpstreamRequest) => UpstreamResponse, configuration: unknown = {}) {
    const host = await start({
      plugins: [{ module, configuration }],
      clusters: { app: (request) => ({ body: `hello ${request.header("x-user")}` }), auth },
      routes: [{ match: { prefix: "/" }, cluster: "app" }],
    });
    return {
      host,
      async fetch(headers: Record<string, string> = { authorization: "Bearer a", "x-user": "root" }) {
        const response = host.fetch("/data?id=1", { headers });
        if (host instanceof Emulator) host.advance(1000);
        return await response;
      },
      [Symbol.asyncDispose]: () => host.stop(),
    };
  }

  it("lets a request in as the user the service names", async () => {
    await using proxy = await ask(() => ({ headers: { "x-user": "ada" } }));
    expect((await proxy.fetch()).text()).toBe("hello ada");
    const [check] = proxy.host.requests("auth");
    const names = ["authorization", "x-original-method", "x-original-path", "x-user"];
    expect(names.map((name) => check!.header(name))).toEqual(["Bearer a", "GET", "/data?id=1", null]);
    expect(check!.header("x-request-id")).toBe(proxy.host.requests("app")[0]!.header("x-request-id"));
  });

  it("never lets the client say who it is", async () => {
    await using proxy = await ask(() => ({}));
    expect((await proxy.fetch()).text()).toBe("hello null");
  });

  it("asks for a token", async () => {
    await using proxy = await ask(() => ({}));
    const response = await proxy.fetch({});
    expect([response.status, response.header("www-authenticate")]).toEqual([401, "Bearer"]);
    expect(proxy.host.requests("auth")).toEqual([]);
  });

  it("denies what the service denies", async () => {
    await using proxy = await ask(() => ({ status: 401, body: "expired" }));
    const response = await proxy.fetch();
    expect([response.status, response.text()]).toEqual([403, "expired"]);
  });

  it.each<[string, UpstreamResponse, number]>([
    ["fails", { status: 500 }, 1],
    ["breaks the connection", { reset: true }, 2],
    ["is late", { delayMs: 900 }, 2],
  ])("lets nobody in when the service %s", async (_, answer, attempts) => {
    await using proxy = await ask(() => answer, { timeoutMs: 50 });
    const response = await proxy.fetch();
    expect([response.status, response.text()]).toEqual([503, "authorization is not available"]);
    expect(proxy.host.requests("auth").length).toBe(attempts);
    expect(proxy.host.requests("app")).toEqual([]);
  });

  it("lets nobody in when there is no such cluster", async () => {
    await using proxy = await ask(() => ({}), { cluster: "nope" });
    expect((await proxy.fetch()).status).toBe(503);
  });
});
