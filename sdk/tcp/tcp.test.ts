import type { Cluster } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { beforeAll, expect, it } from "vitest";
import { compileFilter } from "../../test/compile-filter.ts";

const echo: Cluster = { tcp: (peer) => ({ data: (bytes) => peer.write(bytes) }) };

/** A filter whose connections have these members. */
function tcpSource(members: string, more = ""): string {
  return `
import {
  ByteView, CalloutOutcome, CalloutRequest, CalloutResponse, closeConnection, CloseType, connection, continueConnection,
  FilterHeaders, FilterTcp, HttpCallout, HttpFilter, log, Plugin, registerPlugin, ResponseHeaders, TcpData, TcpFilter,
} from "@attache/sdk";
export * from "@attache/sdk/proxy";

class TcpPlugin extends Plugin {
  override createTcpFilter(): TcpFilter { return new Connection(); }
}
class Connection extends TcpFilter {
  ${members}
}
${more}
registerPlugin(() => new TcpPlugin());
`;
}

const onData = (body: string) =>
  `override onDownstreamData(data: TcpData, endOfStream: bool): FilterTcp { ${body} return FilterTcp.Continue; }`;

eachHost("TCP filters", (start) => {
  async function talk(source: string, send = "hello", answerSize = send.length): Promise<string> {
    const tcp = { plugins: [{ module: await compileFilter(source) }], cluster: "server" };
    await using host = await start({ plugins: [], tcp, clusters: { server: echo, http: () => ({}) } });
    const connection = await host.openTcp();
    connection.write(send);
    return Buffer.from(await connection.waitForBytes(answerSize)).toString();
  }

  it.each<[string, string, string]>([
    ["replace", `data.replace("new " + data.length.toString());`, "new 5"],
    ["replaceBytes", "data.replaceBytes(data.bytes(1, 3));", "ell"],
    ["append", `data.append(" world");`, "hello world"],
    ["prepend", `data.prepend("say ");`, "say hello"],
    ["drop", "data.drop(2);", "llo"],
    ["drop and read on", `data.drop(2); data.append(data.length.toString() + data.text());`, "llo3llo"],
    ["several changes", `data.append("!"); data.prepend("("); data.append(data.length.toString());`, "(hello!7"],
  ])("%s changes what passes", async (_, body, answer) => {
    expect(await talk(tcpSource(onData(body)), "hello", answer.length)).toBe(answer);
  });

  it("changes what the upstream sends", async () => {
    const source = tcpSource(`
      override onUpstreamData(data: TcpData, endOfStream: bool): FilterTcp {
        data.prepend("<"); data.append(">"); return FilterTcp.Continue;
      }`);
    expect(await talk(source, "hello", 7)).toBe("<hello>");
  });

  it("holds a connection until a callout is answered", async () => {
    const source = tcpSource(
      `override onNewConnection(): FilterTcp {
        const sent = new Ask().send(new CalloutRequest("http", "authz", "/"));
        return sent ? FilterTcp.StopIteration : FilterTcp.Continue;
      }`,
      `class Ask extends HttpCallout {
        override onOutcome(outcome: CalloutOutcome, response: CalloutResponse): void {
          log.info("answered " + response.status.toString());
          continueConnection();
        }
      }`,
    );
    expect(await talk(source)).toBe("hello");
  });

  it("is told of everything in a connection's life, in Envoy's order", async () => {
    const source = tcpSource(`
      override onNewConnection(): FilterTcp { log.info("new"); return FilterTcp.Continue; }
      override onDownstreamData(data: TcpData, endOfStream: bool): FilterTcp {
        log.info("client " + data.text() + endOfStream.toString()); return FilterTcp.Continue;
      }
      override onUpstreamData(data: TcpData, endOfStream: bool): FilterTcp {
        log.info("upstream " + data.text() + endOfStream.toString()); return FilterTcp.Continue;
      }
      override onUpstreamClose(): void { log.info("upstream closed"); }
      override onDownstreamClose(closedBy: CloseType): void { log.info("closed by " + (<i32>closedBy).toString()); }
      override onDone(): void { log.info("done"); }
      override onLog(): void { log.info("log"); }
      override onDelete(): void { log.info("delete"); }`);
    const tcp = { plugins: [{ module: await compileFilter(source) }], cluster: "server" };
    await using host = await start({ plugins: [], tcp, clusters: { server: echo } });
    const connection = await host.openTcp();
    connection.write("hi");
    await connection.waitForBytes(2);
    connection.end();
    expect(await connection.waitForEnd()).toBe("ended");
    await host.waitForLog("delete");
    expect(host.logs.map(({ message }) => message)).toEqual([
      "new",
      "client hifalse",
      "upstream hifalse",
      "client true",
      "upstream true",
      "upstream closed",
      "closed by 1",
      "done",
      "log",
      "delete",
    ]);
  });

  let mixed: Uint8Array;
  beforeAll(async () => {
    mixed = await compileFilter(
      tcpSource(
        onData(`data.prepend("tcp ");`),
        `class Http extends Plugin { override createFilter(): HttpFilter { return new Stream(); } }
        class Stream extends HttpFilter {
          override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
            headers.set("x-http", "1");
            return FilterHeaders.Continue;
          }
        }
        registerPlugin(() => new Http(), "http");`,
      ),
    );
  });

  it("stands in one module, and one VM, with filters of HTTP", async () => {
    await using host = await start({
      plugins: [{ module: mixed, rootId: "http" }],
      tcp: { plugins: [{ module: mixed }], cluster: "server" },
      clusters: { server: echo, up: () => ({}) },
    });
    const connection = await host.openTcp();
    connection.write("hello");
    expect(Buffer.from(await connection.waitForBytes(9)).toString()).toBe("tcp hello");
    expect((await host.fetch("/")).header("x-http")).toBe("1");
  });

  it("lets pass what it is not made for: a plugin for HTTP on TCP, and the other way round", async () => {
    await using host = await start({
      plugins: [{ module: mixed }],
      tcp: { plugins: [{ module: mixed, rootId: "http" }], cluster: "server" },
      clusters: { server: echo, up: () => ({}) },
    });
    const connection = await host.openTcp();
    connection.write("hello");
    expect(Buffer.from(await connection.waitForBytes(5)).toString()).toBe("hello");
    expect((await host.fetch("/")).header("x-http")).toBeNull();
  });
});
