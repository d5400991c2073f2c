import { connect } from "node:tls";
import { duplexPair } from "node:stream";
import { once } from "node:events";
import { eachHost } from "@attache/harness/vitest";
import { beforeAll, expect, it } from "vitest";

const module = new URL("build/plugin.wasm", import.meta.url);

/** The first bytes a TLS client sends. */
async function clientHello(servername?: string): Promise<Buffer> {
  const [socket, other] = duplexPair();
  const client = connect({ socket, ...(servername === undefined ? {} : { servername }) });
  client.on("error", () => {});
  const [bytes] = (await once(other, "data")) as [Buffer];
  client.destroy();
  return bytes;
}

eachHost("TCP sniffing", (start) => {
  let allowed: Buffer;
  beforeAll(async () => {
    allowed = await clientHello("API.example.com");
  });
  const open = async () => {
    const host = await start({
      plugins: [],
      tcp: {
        plugins: [{ module, configuration: { serverNames: ["*.example.com", "example.org"] } }],
        cluster: "server",
      },
      clusters: { server: { tcp: (peer) => ({ data: (bytes) => peer.write(`${bytes.length} bytes;`) }) } },
    });
    return { host, connection: await host.openTcp() };
  };

  it("lets a client through that wants a listed server", async () => {
    const { host, connection } = await open();
    await using running = host;
    connection.write(allowed);
    const answer = `${allowed.length} bytes;`;
    await connection.waitForBytes(answer.length);
    connection.write("and more");
    const both = await connection.waitForBytes(answer.length + 8);
    expect(Buffer.from(both).toString()).toBe(`${answer}8 bytes;`);
    expect(await running.metric("tcp_sniffing_admitted")).toBe(1);
  });

  it("waits for the whole ClientHello, however it is cut", async () => {
    const { host, connection } = await open();
    await using running = host;
    for (const [from, to] of [
      [0, 1],
      [1, 40],
      [40, allowed.length],
    ]) {
      connection.write(allowed.subarray(from, to));
    }
    const answer = `${allowed.length} bytes;`;
    expect(Buffer.from(await connection.waitForBytes(answer.length)).toString()).toBe(answer);
    expect(running.tcpConnections("server").map(({ received }) => received.length)).toEqual([allowed.length]);
  });

  it.each<[string, () => Promise<Buffer>, string]>([
    ["wants another server", async () => await clientHello("evil.test"), "refused: evil.test"],
    ["names no server", async () => await clientHello(), "refused: no TLS server name"],
    ["speaks no TLS", async () => Buffer.from("GET / HTTP/1.1\r\n\r\n"), "refused: no TLS server name"],
    ["sends a broken ClientHello", async () => Buffer.from("16030100050100000100", "hex"), "no TLS server name"],
    [
      "says less than its lengths promise",
      async () => cutShort(await clientHello("a.example.com")),
      "no TLS server name",
    ],
  ])("closes the connection of a client that %s", async (_, bytes, message) => {
    const { host, connection } = await open();
    await using running = host;
    connection.write(await bytes());
    expect(["ended", "reset"]).toContain(await connection.waitForEnd());
    await running.waitForLog(message);
    expect(connection.received).toHaveLength(0);
    expect(running.tcpConnections("server").map(({ received }) => received.length)).toEqual([0]);
  });

  it("closes the connection of a client that ends before it said what it wants", async () => {
    const { host, connection } = await open();
    await using running = host;
    connection.write(allowed.subarray(0, 20));
    connection.end();
    await connection.waitForEnd();
    await running.waitForLog("refused: no TLS server name");
  });

  it("refuses a configuration that would let nobody in", async () => {
    const tcp = { plugins: [{ module, configuration: {} }], cluster: "server" };
    const rejected = start({ plugins: [], tcp, clusters: { server: { tcp: () => ({}) } } });
    await expect(rejected).rejects.toThrow(/serverNames: names no server/);
  });
});

/** A ClientHello whose record ends within its extensions. */
function cutShort(hello: Buffer): Buffer {
  const cut = Buffer.from(hello.subarray(0, 60));
  cut.writeUInt16BE(55, 3);
  return cut;
}
