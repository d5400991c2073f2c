import { createServer, connect, type AddressInfo, type Server, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { Dispatcher } from "../emulator/dispatcher.ts";
import { startEmulator } from "../emulator/emulator.ts";
import { waitUntil } from "../envoy/wait.ts";
import { guest, type GuestCallbacks, type GuestWriter } from "../testing/guest.ts";
import type { TcpUpstreamListener } from "../tcp/tcp-upstream.ts";
import { RealUpstream } from "./real-cluster.ts";
import { RealTcpConnection } from "./real-tcp-connection.ts";
import { serveTcp, type ServedConnection } from "./serve-tcp.ts";

const ending: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const goOn = "(i32.const 0)";
const noted = (w: GuestWriter): GuestCallbacks => ({
  proxy_on_new_connection: `${w.log("new")} ${goOn}`,
  proxy_on_downstream_connection_close: w.show("down", "(local.get $close_type)"),
  proxy_on_upstream_connection_close: w.show("up", "(local.get $close_type)"),
});

/** A proxy with a filter before an upstream, which is a function of the socket or a port that nobody listens on. */
async function setting(upstream: ((socket: Socket) => void) | number, filter = noted) {
  const port = typeof upstream === "number" ? upstream : await listen(upstream);
  const ended: ServedConnection[] = [];
  const emulator = await startEmulator({
    plugins: [],
    tcp: { plugins: [{ module: await guest(filter) }], cluster: "up" },
    clusters: { up: { host: "127.0.0.1", port } },
    clock: "real",
  });
  const proxy = await serveTcp(emulator, { port: 0, onConnection: (connection) => ended.push(connection) });
  ending.push(
    () => emulator.stop(),
    () => proxy.close(),
  );
  const client = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
  ending.push(() => void client.destroy());
  return { emulator, proxy, client, ended, messages: () => emulator.logs.map(({ message }) => message) };
}

async function listen(handle: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket.on("error", () => {}));
    handle(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ending.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const echo = (socket: Socket) => void socket.pipe(socket);

describe("a TCP connection through the emulator", () => {
  it("carries bytes both ways, and each end by itself", async () => {
    const { client, ended, messages } = await setting(echo);
    const sent = Buffer.alloc(3_000_000, "0123456789");
    client.end(sent);
    expect((await buffer(client)).equals(sent)).toBe(true);
    await waitUntil("the connection to end", async () => ended[0] ?? null);
    expect(ended[0]).toMatchObject({ received: 3_000_000, sent: 3_000_000 });
    expect(messages()[0]).toBe("new");
  });

  it("passes through the filter", async () => {
    const { client } = await setting(echo, (w) => ({
      proxy_on_downstream_data: `${w.setBuffer(2, 0, 0, "> ")} ${goOn}`,
    }));
    // The end can come with the bytes or by itself.
    client.end("hello");
    expect((await buffer(client)).toString()).toMatch(/^> hello(> )?$/);
  });

  it("holds the client back while the upstream takes nothing, and the upstream while the client does not", async () => {
    const upstream: Socket[] = [];
    const { client } = await setting((socket) => void upstream.push(socket.pause()));
    const most = 64 << 20;
    const chunk = Buffer.alloc(1 << 20);
    let written = 0;
    const fill = (socket: Socket) => {
      while (written < most && socket.write(chunk)) written += chunk.length;
      return socket.writableNeedDrain;
    };
    // Each fills what the kernel holds for it, and then has to wait.
    await waitUntil("the client to be held back", async () => (fill(client), await isStuck(client)) || null);
    expect(written).toBeLessThan(most);
    client.pause();
    written = 0;
    await waitUntil(
      "the upstream to be held back",
      async () => (fill(upstream[0]!), await isStuck(upstream[0]!)) || null,
    );
    expect(written).toBeLessThan(most);
  });

  it("is closed when the upstream cannot be reached", async () => {
    const port = await listen(() => {});
    for (const end of ending.splice(0)) await end();
    const { client, ended } = await setting(port);
    client.on("error", () => {});
    await waitUntil("the connection to end", async () => ended[0] ?? null);
    expect(ended[0]).toMatchObject({ received: 0, sent: 0 });
  });

  it("ends in the filter and at the upstream when the client breaks it off", async () => {
    const closed: boolean[] = [];
    const { client, messages } = await setting((socket) => {
      socket.resume().once("close", () => closed.push(true));
      socket.once("end", () => socket.end());
    });
    client.write("hello");
    await waitUntil("the connection", async () => messages().includes("new") || null);
    client.resetAndDestroy();
    await waitUntil("the upstream's end", async () => closed[0] ?? null);
    expect(messages()).toContain("down=2");
  });

  it("is refused with the name of the cause when the port is taken", async () => {
    const { emulator, proxy } = await setting(echo);
    await expect(serveTcp(emulator, { port: proxy.port })).rejects.toMatchObject({ code: "PORT_IN_USE" });
  });
});

describe("a connection to an upstream", () => {
  it("tells once that it takes nothing, however much is written then, and once that it does again", async () => {
    const sockets: Socket[] = [];
    const port = await listen((socket) => void sockets.push(socket.pause()));
    const told: (boolean | "connected")[] = [];
    const listener: TcpUpstreamListener = {
      connected: () => told.push("connected"),
      data: () => {},
      ended: () => {},
      closed: () => {},
      blocked: (isBlocked) => told.push(isBlocked),
    };
    const upstream = new RealUpstream("up", { host: "127.0.0.1", port }, new Dispatcher());
    const connection = new RealTcpConnection(upstream, listener);
    ending.push(() => connection.close(true));
    await waitUntil("the connection", async () => (told.length > 0 && sockets[0]) || null);
    for (let write = 0; write < 3; write++) connection.write(Buffer.alloc(16 << 20));
    sockets[0]!.resume();
    await waitUntil("the upstream to take more", async () => told.includes(false) || null);
    expect(told).toEqual(["connected", true, false]);
  });
});

/** Whether what was written stays where it is. */
async function isStuck(socket: Socket): Promise<boolean> {
  if (!socket.writableNeedDrain) return false;
  const before = socket.bytesWritten;
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  return socket.writableNeedDrain && socket.bytesWritten === before;
}
