import { eachHost } from "@attache/harness/vitest";
import { expect, it } from "vitest";

const module = new URL("build/plugin.wasm", import.meta.url);

eachHost("attributes example", (start) => {
  const clusters = { app: () => ({ status: 201, body: "made" }) };
  const routes = [{ name: "main", match: { prefix: "/" }, cluster: "app" }];

  it("logs one line of JSON for each request", async () => {
    await using host = await start({ plugins: [{ module }], clusters, routes });
    await host.fetch("/a?b=1", { method: "POST", body: "12345" });
    const { message } = await host.waitForLog('"path"');
    expect(JSON.parse(message)).toEqual({
      method: "POST",
      path: "/a?b=1",
      status: 201,
      details: "via_upstream",
      bytesReceived: 5,
      bytesSent: 4,
      durationUs: expect.any(Number),
      client: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      upstream: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      route: "main",
    });
    expect(host.logs.filter(({ message }) => message.includes('"path"'))).toHaveLength(1);
  });

  it("logs what the proxy answers itself, without an upstream", async () => {
    await using host = await start({ plugins: [{ module }], routes: [] });
    await host.fetch("/");
    const { message } = await host.waitForLog('"path"');
    expect(JSON.parse(message)).toMatchObject({
      status: 404,
      details: "route_not_found",
      upstream: null,
      route: null,
    });
  });

  it("keeps a path from adding fields of its own", async () => {
    await using host = await start({ plugins: [{ module }], clusters, routes });
    await host.fetch('/a"},{"status":999,"b\\');
    const { message } = await host.waitForLog('"path"');
    expect(JSON.parse(message)).toMatchObject({ path: '/a"},{"status":999,"b\\', status: 201 });
  });

  it("tells the upstream the client's address, whatever the client says", async () => {
    await using host = await start({ plugins: [{ module }], clusters, routes });
    await host.fetch("/", { headers: { "x-client-address": "10.0.0.1:1" } });
    expect(host.requests("app")[0]!.header("x-client-address")).toMatch(/^127\.0\.0\.1:\d+$/);
  });
});
