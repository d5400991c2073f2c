import { expect, it } from "vitest";
import { guest } from "../testing/guest.ts";
import { eachHost } from "../vitest/index.ts";

const broken = { code: "STREAM_RESET" };

eachHost("a response that is not framed as HTTP/1.1 wants it", (start, kind) => {
  const growing = () =>
    guest((w) => ({
      proxy_on_response_body: `(if (local.get $body_size) (then ${w.setBuffer(1, 0, 0, "grown:")})) (i32.const 0)`,
    }));

  it("is broken when its body is longer than its content-length", async () => {
    await using host = await start({
      plugins: [{ module: await growing() }],
      clusters: { app: () => ({ body: "resp" }) },
    });
    const response = host.fetch("/");
    if (kind === "envoy") await expect(response).rejects.toMatchObject(broken);
    else await expect(response).rejects.toThrow("content-length says 4, and 10 bytes came");
  });

  it("may be longer when a filter removes the content-length, or it comes in chunks", async () => {
    await using host = await start({
      plugins: [{ module: await growing() }],
      clusters: { app: () => ({ body: ["re", "sp"] }) },
    });
    expect((await host.fetch("/")).text()).toMatch(/^grown:re.*sp$/);
  });

  it.each([204, 304])("is broken when a %i has a body", async (status) => {
    await using host = await start({
      plugins: [],
      routes: [{ match: { prefix: "/" }, directResponse: { status, body: "abc" } }],
    });
    await expect(host.fetch("/")).rejects.toMatchObject(broken);
    expect((await host.fetch("/", { method: "HEAD" })).header("content-length")).toBe("3");
  });
});

eachHost("a direct response", (start) => {
  it.each([
    [200, null],
    [201, "http://x.com/a?b"],
    [302, "http://x.com/a?b"],
    [400, null],
  ])("with status %i names as its location %s", async (status, location) => {
    await using host = await start({
      plugins: [],
      routes: [{ match: { prefix: "/" }, directResponse: { status, body: "there" } }],
    });
    const response = await host.fetch("/a?b", { headers: { host: "x.com" } });
    expect([response.status, response.header("location"), response.text()]).toEqual([status, location, "there"]);
  });
});

eachHost("a client", (start) => {
  it("breaks a stream off by a signal", async () => {
    const module = await guest((w) => ({
      proxy_on_request_headers: `${w.log("held")} (i32.const 1)`,
      proxy_on_log: `${w.logProperty("response.code_details")} ${w.log("over")}`,
    }));
    await using host = await start({ plugins: [{ module }] });
    const abortion = new AbortController();
    const response = host.fetch("/", { signal: abortion.signal });
    await host.waitForLog("held");
    abortion.abort();
    await expect(response).rejects.toMatchObject(broken);
    await host.waitForLog("over");
  });

  it("whose signal is aborted already sends nothing that is answered", async () => {
    await using host = await start({ plugins: [] });
    await expect(host.fetch("/", { signal: AbortSignal.abort() })).rejects.toMatchObject(broken);
    expect((await host.fetch("/")).status).toBe(200);
  });
});
