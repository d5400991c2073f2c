import { readFile } from "node:fs/promises";
import { mockCluster, startEmulator } from "@attache/harness";
import { eachHost, stable } from "@attache/harness/vitest";
import { expect, it } from "vitest";
import { compileFilter, filterSource } from "./compile-filter.ts";

// The examples of docs/guide/testing.md: the last test here compares them.

const plugins = [
  {
    name: "greeter",
    module: await compileFilter(
      filterSource(
        `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
          if (headers.has("x-trap")) unreachable();
          log.info("greets " + headers.path);
          greeted.increment();
          return FilterHeaders.Continue;
        }
        override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
          headers.set("x-greeting", "hello");
          return FilterHeaders.Continue;
        }`,
      )
        .replace("import {", "import { Counter,")
        .replace("class TestPlugin", `@lazy const greeted = new Counter("greeted");\nclass TestPlugin`),
    ),
  },
];

eachHost("greeter", (start) => {
  it("greets", async () => {
    await using host = await start({ plugins, clusters: { app: () => ({ status: 201, body: "made" }) } });
    const response = await host.fetch("/things", { method: "POST", headers: { "x-a": "1" }, body: "one" });
    expect(response).toHaveStatus(201);
    expect(response).toHaveHeader("x-greeting", "hello");
    expect(response).toHaveBody("made");
    await expect(host).toHaveLogged("greets /things");
    await expect(host).toHaveMetric("greeted", 1);
    expect(host.requests("app").map(({ method, path }) => [method, path])).toEqual([["POST", "/things"]]);
  });

  it("asks nobody it should not", async () => {
    using app = mockCluster();
    app.intercept({ path: "/slow", method: "GET" }).reply(200, "at last").delay(20);
    app
      .intercept({ path: /^\/ever/ })
      .reply(204)
      .persist();
    await using host = await start({ plugins, clusters: { app } });
    expect(await host.fetch("/ever/1")).toHaveStatus(204);
    const slow = host.fetch("/slow");
    if (host.kind === "emulator") (host as { advance?: (ms: number) => void }).advance!(20);
    expect(await slow).toHaveBody("at last");
  });

  it("sees clients go", async () => {
    await using host = await start({ plugins, clusters: { app: () => ({ delayMs: 60_000 }) } });
    const abortion = new AbortController();
    const response = host.fetch("/", { signal: abortion.signal });
    await host.waitForLog("greets /");
    abortion.abort();
    await expect(response).rejects.toMatchObject({ code: "STREAM_RESET" });
  });
});

it("calls the proxy in this order", async () => {
  await using host = await startEmulator({ plugins, clusters: { app: () => ({}) }, logLevel: "trace" });
  await host.fetch("/");
  expect(stable(host.transcript)).toMatchSnapshot();
});

it("costs little", async () => {
  await using host = await startEmulator({ plugins, clusters: { app: () => ({}) }, profile: true });
  await host.fetch("/");
  const request = host.profile.find(({ callback }) => callback === "proxy_on_request_headers")!;
  expect(request.hostCalls).toBeLessThanOrEqual(6);
});

it("makes no mistakes", async () => {
  await using host = await startEmulator({ plugins, clusters: { app: () => ({}) }, failOnDiagnostics: true });
  await host.fetch("/");
  expect(host).toHaveNoTraps();
});

it("waits for nothing real", async () => {
  await using host = await startEmulator({ plugins, clusters: { app: () => ({ delayMs: 20_000 }) } });
  const response = host.fetch("/");
  host.advance(15_000);
  expect(await response).toHaveStatus(504);
});

it("stands in the guide as it is here", async () => {
  const here = squeezed(await readFile(new URL(import.meta.url), "utf8"));
  const guide = await readFile(new URL("../docs/guide/testing.md", import.meta.url), "utf8");
  const examples = [...guide.matchAll(/```ts\n([^]*?)```/g)].map(([, code]) => squeezed(code!));
  expect(examples.length).toBeGreaterThan(5);
  for (const example of examples) expect(here).toContain(example);
});

function squeezed(code: string): string {
  return code.replace(/\s+/g, " ").trim();
}
