import { createServer, request, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { startEmulator, type Emulator } from "../emulator/emulator.ts";
import { guest, type GuestCallbacks, type GuestWriter } from "../testing/guest.ts";
import { serve, type ProxyServer } from "./serve.ts";

const go = "(i32.const 0)";
const ending: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

interface Setting {
  emulator: Emulator;
  proxy: ProxyServer;
  messages(): string[];
}

/** A proxy with a filter before an upstream. */
async function setting(upstream: RequestListener, filter?: (w: GuestWriter) => GuestCallbacks): Promise<Setting> {
  const port = await listen(upstream);
  const module = await guest(filter ?? ((w) => ({ proxy_on_request_headers: `${w.add(0, "x-filter", "1")} ${go}` })));
  const emulator = await startEmulator({
    plugins: [{ module }],
    clusters: { up: { host: "127.0.0.1", port } },
    clock: "real",
  });
  const proxy = await serve(emulator, { port: 0 });
  ending.push(
    () => emulator.stop(),
    () => proxy.close(),
  );
  return { emulator, proxy, messages: () => emulator.logs.map((line) => line.message) };
}

async function listen(handler: RequestListener): Promise<number> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ending.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Sends bytes as they are, and gives what came when the connection ends. */
async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(text, "latin1");
  let received = "";
  socket.on("error", () => {});
  socket.on("data", (chunk) => (received += chunk.toString("latin1")));
  await new Promise((resolve) => socket.once("close", resolve));
  return received;
}

async function until(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 5000; !condition();) {
    if (Date.now() > deadline) throw new Error("the condition did not come true in 5 s");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The value once it has not changed for 2,000 turns of the event loop, in which all ends of the test run. */
async function settled(value: () => number): Promise<number> {
  let last = value();
  for (let idleTurns = 0; idleTurns < 2000; idleTurns++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (value() !== last) idleTurns = 0;
    last = value();
  }
  return last;
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x.com\r\nConnection: close\r\n\r\n`;
const close = "Connection: close\r\n";
const readBody = async (incoming: IncomingMessage) => Buffer.concat(await incoming.toArray()).toString("latin1");

describe("serve", () => {
  it("sends requests through the filters to the upstream, headers and bytes untouched", async () => {
    const seen: string[][] = [];
    const { proxy } = await setting((incoming, outgoing) => {
      seen.push(incoming.rawHeaders);
      outgoing.writeHead(200, ["X-A", "1", "x-a", "\xe9", "Content-Length", "2"]);
      outgoing.end(Buffer.from("ok"));
    });
    const answer = await raw(proxy.port, `GET /a?b HTTP/1.1\r\nHost: x.com\r\nX-B: 1\r\nX-b: \xe9\r\n${close}\r\n`);
    expect(seen[0]!.slice(0, 6)).toEqual(["host", "x.com", "x-b", "1", "x-b", "\xe9"]);
    expect(seen[0]).toContain("x-filter");
    expect(answer).toMatch(
      /^HTTP\/1.1 200 OK\r\nx-a: 1\r\nx-a: \xe9\r\n.*content-length: 2\r\n.*server: envoy\r\nconnection: close\r\n\r\nok$/s,
    );
  });

  it("keeps a connection for the next request, and answers pipelined ones in order", async () => {
    const { proxy } = await setting((incoming, outgoing) => {
      setTimeout(() => outgoing.end(incoming.url), incoming.url === "/slow" ? 20 : 0);
    });
    const answer = await raw(proxy.port, `GET /slow HTTP/1.1\r\nHost: x\r\n\r\n${get("/quick")}`);
    expect(answer.match(/\/[a-z]+$|\/slow/gm)).toEqual(["/slow", "/quick"]);
  });

  it.each([
    ["HEAD", "HEAD", 200, /^HTTP\/1.1 200 OK\r\n.*content-length: 5\r\n.*\r\n\r\n$/s],
    ["204", "GET", 204, /^HTTP\/1.1 204 No Content\r\n(?!.*content-length).*\r\n\r\n$/s],
    ["304", "GET", 304, /^HTTP\/1.1 304 Not Modified\r\n.*\r\n\r\n$/s],
  ])("ends a %s response where its headers end", async (_what, method, status, expected) => {
    const { proxy } = await setting((_incoming, outgoing) => {
      outgoing.writeHead(status, status === 200 ? { "content-length": 5 } : {});
      outgoing.end();
    });
    expect(await raw(proxy.port, get("/").replace("GET", method))).toMatch(expected);
  });

  it("passes chunked bodies and trailers both ways", async () => {
    let received = "";
    const { proxy } = await setting(async (incoming, outgoing) => {
      received = `${await readBody(incoming)} ${incoming.rawTrailers.join("=")}`;
      outgoing.writeHead(200, { trailer: "x-u" });
      outgoing.write("one");
      outgoing.addTrailers({ "x-u": "2" });
      outgoing.end("two");
    });
    const body = "2\r\nab\r\n3\r\ncde\r\n0\r\nX-T: 1\r\n\r\n";
    const answer = await raw(
      proxy.port,
      `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n${close}\r\n${body}`,
    );
    expect(received).toBe("abcde x-t=1");
    expect(answer).toMatch(/transfer-encoding: chunked\r\n.*one\r\n.*two\r\n0\r\nx-u: 2\r\n\r\n$/s);
  });

  it("answers 100 Continue itself, and sends the upstream no expectation", async () => {
    let expectation: string | undefined = "none yet";
    const { proxy } = await setting(async (incoming, outgoing) => {
      expectation = incoming.headers.expect;
      outgoing.end(await readBody(incoming));
    });
    const head = `POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n${close}\r\nab`;
    expect(await raw(proxy.port, head)).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK\r\n.*ab$/s);
    expect(expectation).toBeUndefined();
  });

  it.each([
    ["no Host header", "GET / HTTP/1.1\r\n\r\n", "400 Bad Request"],
    ["a header name with a space", "GET / HTTP/1.1\r\nHost: x\r\na b: c\r\n\r\n", "400 Bad Request"],
    ["no HTTP at all", "hello\r\n\r\n", "400 Bad Request"],
    ["HTTP/1.0", "GET / HTTP/1.0\r\nHost: x\r\n\r\n", "426 Upgrade Required"],
    ["an upgrade", "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "403 Forbidden"],
  ])("refuses %s as Envoy does", async (_what, text, status) => {
    const { proxy } = await setting((_incoming, outgoing) => outgoing.end());
    const answer = await raw(proxy.port, text);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status}\r\n.*server: envoy\r\n.*connection: close\r\n`, "s"));
  });

  it("answers 503 when the upstream is down, with Envoy's words", async () => {
    const { proxy, emulator } = await setting(() => {});
    const port = await listen(() => {});
    await ending.pop()!();
    await emulator.update({ plugins: [], clusters: { up: { host: "127.0.0.1", port } } });
    expect(await raw(proxy.port, get("/"))).toMatch(
      /^HTTP\/1.1 503 Service Unavailable\r\n.*\r\n\r\nupstream connect error or disconnect\/reset before headers. reset reason: remote connection failure$/s,
    );
  });

  it("answers 503 when the upstream closes without an answer, and breaks off when it does so within one", async () => {
    const { proxy, messages } = await setting(
      (incoming, outgoing) => {
        if (incoming.url === "/half") outgoing.write("half", () => outgoing.destroy());
        else outgoing.destroy();
      },
      (w) => ({ proxy_on_log: w.logProperty("response.code_details") }),
    );
    expect(await raw(proxy.port, get("/"))).toMatch(/503 .*reset reason: connection termination$/s);
    expect(await raw(proxy.port, get("/half"))).toMatch(/200 OK\r\n.*half\r\n$/s);
    const hex = Buffer.from("upstream_reset_after_response_started{protocol_error}").toString("hex");
    await until(() => messages().includes(`response.code_details=${hex}`));
  });

  it("resets the stream in the guest, and at the upstream, when the client disappears", async () => {
    let gone = false;
    const { proxy, messages } = await setting(
      (_incoming, outgoing) => {
        outgoing.on("close", () => (gone = true));
        outgoing.write("begun");
      },
      (w) => ({ proxy_on_done: `${w.log("done")} (i32.const 1)`, proxy_on_delete: w.log("delete") }),
    );
    const socket = connect(proxy.port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await new Promise((resolve) => socket.once("data", resolve));
    socket.destroy();
    await until(() => gone);
    expect(messages()).toEqual(["done", "delete"]);
  });

  it("holds back an upload that the upstream does not take", async () => {
    const waiting: (() => void)[] = [];
    let received = 0;
    const { proxy } = await setting((incoming, outgoing) => {
      waiting.push(() => {
        incoming.on("data", (chunk: Buffer) => (received += chunk.length));
        incoming.on("end", () => outgoing.end(String(received)));
      });
    });
    const size = 64 * 1024 * 1024;
    const { upload, sent, answer } = slowUpload(proxy.port, size);
    await until(() => waiting.length > 0 && upload.writableNeedDrain);
    expect(await settled(sent)).toBeLessThan(size / 2);
    waiting[0]!();
    expect(await answer).toBe(String(size));
  });

  it("holds back a download that the client does not take", async () => {
    const size = 64 * 1024 * 1024;
    let sent = 0;
    let isBlocked = false;
    const { proxy } = await setting((_incoming, outgoing) => pour(outgoing, size));
    function pour(outgoing: ServerResponse, left: number): void {
      for (isBlocked = false; left > 0 && !isBlocked; left -= 65536, sent += 65536) isBlocked = !outgoing.write(zeros);
      if (isBlocked) outgoing.once("drain", () => pour(outgoing, left));
      else outgoing.end();
    }
    const incoming = await new Promise<IncomingMessage>((resolve) => request({ port: proxy.port }, resolve).end());
    await until(() => isBlocked);
    expect(await settled(() => sent)).toBeLessThan(size / 2);
    let received = 0;
    for await (const chunk of incoming) received += (chunk as Buffer).length;
    expect(received).toBe(size);
  });

  it("carries many requests at once", async () => {
    const { proxy, messages } = await setting(
      (incoming, outgoing) => void setTimeout(() => outgoing.end(incoming.url), Math.random() * 5),
      (w) => ({ proxy_on_delete: w.log("delete") }),
    );
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => fetch(`${proxy.address}/${i}`).then((response) => response.text())),
    );
    expect(answers).toEqual(answers.map((_, i) => `/${i}`));
    expect(messages()).toHaveLength(200);
  });

  it("says which port is in use", async () => {
    const { emulator, proxy } = await setting(() => {});
    await expect(serve(emulator, { port: proxy.port })).rejects.toMatchObject({
      code: "PORT_IN_USE",
      message: `port ${proxy.port} on 127.0.0.1 is in use: stop what listens there, or choose another`,
    });
  });
});

const zeros = Buffer.alloc(65536);

function slowUpload(port: number, size: number) {
  let sent = 0;
  let finish: (text: string) => void;
  const answer = new Promise<string>((resolve) => (finish = resolve));
  const upload = request({ port, method: "POST", headers: { "content-length": size } }, (incoming) => {
    void readBody(incoming).then(finish);
  });
  const pour = (): void => {
    while (sent < size) {
      sent += zeros.length;
      if (!upload.write(zeros)) {
        upload.once("drain", pour);
        return;
      }
    }
    upload.end();
  };
  pour();
  return { upload, sent: () => sent, answer };
}
