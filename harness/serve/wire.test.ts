import { connect, createServer, type AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { startEmulator } from "../emulator/emulator.ts";
import type { Envoy } from "../envoy/index.ts";
import type { HostOptions, StartHost } from "../host.ts";
import { guest } from "../testing/guest.ts";
import { eachHost } from "../vitest/index.ts";
import { serve } from "./serve.ts";

// What stands on the wire between a client and the proxy, byte for byte, for the same bytes of the upstream.

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

/** A server that answers each request with these bytes. */
async function upstream(answer: string): Promise<{ host: string; port: number }> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write(answer, "latin1");
      if (!/content-length|chunked/.test(answer)) socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ending.push(async () => void server.close());
  return { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
}

/** The port of a proxy. */
async function proxy(start: StartHost, options: HostOptions): Promise<number> {
  if (start !== startEmulator) {
    const host = (await start(options)) as Envoy;
    ending.push(() => host.stop());
    return Number(new URL(host.address).port);
  }
  const emulator = await startEmulator({ ...options, clock: "real" });
  const server = await serve(emulator, { port: 0 });
  ending.push(
    () => emulator.stop(),
    () => server.close(),
  );
  return server.port;
}

/** What comes back, without what changes, up to what ends it. */
async function exchange(port: number, request: string, end: string): Promise<string> {
  let received = "";
  const socket = connect(port, "127.0.0.1");
  const answer = new Promise<string>((resolve) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      if (received.endsWith(end)) resolve(received);
    });
    socket.on("close", () => resolve(`${received}|closed`));
  });
  socket.write(request, "latin1");
  const text = await answer;
  socket.destroy();
  return text.replace(/(?:date|x-envoy-upstream-service-time): [^\r]*\r\n/g, "").replaceAll("\r\n", "|");
}

const get = (path: string, headers = "", method = "GET") => `${method} ${path} HTTP/1.1\r\nhost: h\r\n${headers}\r\n`;
const many = (count: number) => Array.from({ length: count }, (_, i) => `x-${i}: 1\r\n`).join("");
const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n";

eachHost("the wire", (start) => {
  const tooLarge =
    "HTTP/1.1 431 Request Header Fields Too Large|content-length: 31|content-type: text/plain|server: envoy|connection: close||Request Header Fields Too Large";
  const taken = "HTTP/1.1 200 OK|content-length: 2|server: envoy||ok";

  it.each([
    ["one header of 20 kB", get("/", `x-b: ${"b".repeat(20_000)}\r\n`), taken],
    ["one header of 70 kB", get("/", `x-b: ${"b".repeat(70_000)}\r\n`), tooLarge],
    ["a path of 61 KiB", get("/".padEnd(61 * 1024, "p")), tooLarge],
    ["2 MB of headers", get("/", `x-b: ${"b".repeat(2_000_000)}\r\n`), tooLarge],
    ["100 headers", get("/", many(99)), taken],
    ["101 headers", get("/", many(100)), tooLarge],
    ["2500 headers", get("/", many(2500)), tooLarge],
    ["101 headers of a HEAD request", get("/", many(100), "HEAD"), tooLarge],
  ])("answers %s", async (_what, request, expected) => {
    const port = await proxy(start, { plugins: [], clusters: { app: await upstream(ok) } });
    const end = expected === taken ? "ok" : "Large";
    expect(await exchange(port, request, `\r\n\r\n${end === "ok" ? end : "Request Header Fields Too Large"}`)).toBe(
      expected,
    );
  });

  it.each([
    ["20 kB", `x-b: ${"b".repeat(20_000)}\r\n`, `HTTP/1.1 200 OK|x-b: ${"b".repeat(20_000)}|`],
    ["more than 80 KiB", `x-b: ${"b".repeat(82_000)}\r\n`, "HTTP/1.1 502 Bad Gateway|"],
    ["100 headers", many(99), "HTTP/1.1 200 OK|x-0: 1|"],
    ["101 headers", many(100), "HTTP/1.1 502 Bad Gateway|"],
  ])("takes a response's headers or not: %s", async (_what, headers, expected) => {
    const answer = `HTTP/1.1 200 OK\r\n${headers}content-length: 2\r\n\r\nok`;
    const port = await proxy(start, { plugins: [], clusters: { app: await upstream(answer) } });
    const end = expected.includes("502") ? "protocol error" : "ok";
    expect((await exchange(port, get("/"), end)).slice(0, expected.length)).toBe(expected);
  });

  it("says that the answer to a HEAD comes in chunks when its length is not known", async () => {
    const port = await proxy(start, { plugins: [], clusters: { app: await upstream("HTTP/1.1 200 OK\r\n\r\n") } });
    const answer = await exchange(port, get("/", "", "HEAD"), "\r\n\r\n");
    expect(answer).toBe("HTTP/1.1 200 OK|server: envoy|transfer-encoding: chunked||");
  });

  it.each([
    ["are broken", "x-t: a\x01b\r\n\r\n"],
    ["are too many", `${many(101)}\r\n`],
    ["are too large", `x-t: ${"t".repeat(82_000)}\r\n\r\n`],
  ])("carries headers and data of a response whose trailers %s", async (_what, trailers) => {
    const port = await proxy(start, { plugins: [], clusters: { app: await upstream(chunked + trailers) } });
    const answer = await exchange(port, get("/"), "|closed");
    expect(answer).toBe("HTTP/1.1 200 OK|server: envoy|transfer-encoding: chunked||1|x||closed");
  });

  it("ends a response of an upstream where its length says", async () => {
    const port = await proxy(start, { plugins: [], clusters: { app: await upstream(`${ok}ay`) } });
    expect(await exchange(port, get("/"), "\r\n\r\nok")).toBe("HTTP/1.1 200 OK|content-length: 2|server: envoy||ok");
  });

  it("carries all bytes that a filter puts in, even more than the length says", async () => {
    const module = await guest((w) => ({
      proxy_on_response_body: `(if (local.get $body_size) (then ${w.setBuffer(1, 0, 0, "grown:")})) (i32.const 0)`,
    }));
    const port = await proxy(start, { plugins: [{ module }], clusters: { app: await upstream(ok) } });
    const answer = await exchange(port, get("/"), "grown:ok");
    expect(answer).toBe("HTTP/1.1 200 OK|content-length: 2|server: envoy||grown:ok");
  });

  it.each([
    ["204 No Content", ""],
    ["304 Not Modified", "location: http://h/|"],
  ])("carries the body of a local reply with status %s", async (status, location) => {
    const directResponse = { status: Number(status.slice(0, 3)), body: "abc" };
    const port = await proxy(start, { plugins: [], routes: [{ match: { prefix: "/" }, directResponse }] });
    const answer = await exchange(port, get("/"), "\r\n\r\nabc");
    expect(answer).toBe(`HTTP/1.1 ${status}|${location}content-length: 3|content-type: text/plain|server: envoy||abc`);
  });
});
