import type { RequestOptions, UpstreamResponse } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { beforeAll, describe, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

/** A filter that collects one of the bodies with these arguments and handles it. */
async function collecting(side: "Request" | "Response", options: string, handler: string): Promise<Uint8Array> {
  return await compileFilter(
    filterSource(`
      private headers: ${side}Headers | null = null;
      override on${side}Headers(headers: ${side}Headers, endOfStream: bool): FilterHeaders {
        this.headers = headers;
        return headers.collectBody(endOfStream, ${options});
      }
      override onWhole${side}Body(body: Body): FilterData {
        ${handler}
        return FilterData.Continue;
      }
    `),
  );
}

const report = `
  log.info("whole " + body.length.toString() + (body.isTruncated ? "+ " : " ") + body.text());
`;

eachHost("whole bodies", (start) => {
  const modules: Record<string, Uint8Array> = {};
  beforeAll(async () => {
    modules.request = await collecting("Request", "8", report);
    modules.response = await collecting("Response", "8", report);
    modules.passRequest = await collecting("Request", "8, OverLimit.PassThrough, BodyAccess.Change", report);
    modules.pass = await collecting("Response", "8, OverLimit.PassThrough, BodyAccess.Change", report);
    modules.truncateRequest = await collecting("Request", "8, OverLimit.Truncate", report);
    modules.truncate = await collecting(
      "Response",
      "8, OverLimit.Truncate, BodyAccess.Change",
      `${report} log.info("write " + body.append("!").toString());`,
    );
    modules.change = await collecting(
      "Response",
      "64, OverLimit.Reject, BodyAccess.Change",
      `body.append(" and more");`,
    );
    modules.changeRequest = await collecting(
      "Request",
      "64, OverLimit.Reject, BodyAccess.Change",
      `log.info("write " + body.replace("changed").toString());`,
    );
    modules.readOnly = await collecting("Response", "64", `log.info("write " + body.append("!").toString());`);
    modules.held = await collecting(
      "Response",
      "8, OverLimit.Reject, BodyAccess.HoldHeaders",
      `if (body.text() == "deny") {
         new LocalReply(403).text("no").send();
       } else {
         body.append("!");
         this.headers!.set("x-length", body.length.toString());
       }`,
    );
    modules.heldRequest = await collecting(
      "Request",
      "8, OverLimit.Reject, BodyAccess.HoldHeaders",
      `if (body.text() == "deny") new LocalReply(403).text("no").send();
       body.prepend(this.headers!.method);`,
    );
    modules.waiting = await collecting(
      "Request",
      "8, OverLimit.Reject, BodyAccess.HoldHeaders",
      `body.append("!"); continueRequest(); return FilterData.StopIterationAndBuffer;`,
    );
    modules.limitsBoth = await compileFilter(
      filterSource(`
        override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
          return headers.collectBody(endOfStream, 8);
        }
        override onWholeRequestBody(body: Body): FilterData { return FilterData.Continue; }
        override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
          return headers.collectBody(endOfStream, 8);
        }
        override onWholeResponseBody(body: Body): FilterData { return FilterData.Continue; }`),
    );
    modules.huge = await compileFilter(
      filterSource(`
        override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
          return headers.collectBody(endOfStream, 4000000, OverLimit.PassThrough);
        }
        override onWholeRequestBody(body: Body): FilterData { ${report} return FilterData.Continue; }
        override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
          return headers.status == 413
            ? FilterHeaders.Continue
            : headers.collectBody(endOfStream, 4000000, OverLimit.PassThrough);
        }
        override onWholeResponseBody(body: Body): FilterData { ${report} return FilterData.Continue; }`),
    );
    modules.waitingPart = await collecting(
      "Request",
      "8, OverLimit.Truncate",
      `${report} continueRequest(); return FilterData.StopIterationAndBuffer;`,
    );
    modules.both = await compileFilter(
      filterSource(`
        override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
          return headers.path == "/whole" ? headers.collectBody(endOfStream, 8) : FilterHeaders.Continue;
        }
        override onRequestBody(body: Body, endOfStream: bool): FilterData {
          if (!endOfStream) log.info("piece " + body.text());
          return FilterData.Continue;
        }
        override onWholeRequestBody(body: Body): FilterData { ${report} return FilterData.Continue; }
        override onRequestTrailers(trailers: RequestTrailers): FilterTrailers {
          log.info("trailers " + trailers.get("x-a")!);
          return FilterTrailers.Continue;
        }`),
    );
  });
  const wholes = (host: { logs: readonly { message: string }[] }) =>
    host.logs.map(({ message }) => message).filter((message) => message.startsWith("whole "));

  describe("come once", () => {
    it.each<[string, Pick<RequestOptions, "body" | "trailers">, string]>([
      ["in one piece", { body: "12345678" }, "whole 8 12345678"],
      ["in several", { body: ["123", "45", "678"] }, "whole 8 12345678"],
      ["before trailers", { body: ["123", "4"], trailers: { "x-a": "1" } }, "whole 4 1234"],
      ["without a body", {}, "whole 0 "],
    ])("of a request: %s", async (_, message, expected) => {
      await using host = await start({ plugins: [{ module: modules.request! }], clusters: { app: () => ({}) } });
      expect((await host.fetch("/", { method: "POST", ...message })).status).toBe(200);
      await host.waitForLog(expected);
      expect(wholes(host)).toEqual([expected]);
      expect(host.requests("app")[0]!.text()).toBe([message.body ?? ""].flat().join(""));
      expect(host.requests("app")[0]!.trailers).toEqual(Object.entries(message.trailers ?? {}));
    });

    it.each<[string, UpstreamResponse, string]>([
      ["in one piece", { body: "12345678" }, "whole 8 12345678"],
      ["in several", { body: ["123", "45", "678"] }, "whole 8 12345678"],
      ["before trailers", { body: ["123", "4"], trailers: { "x-a": "1" } }, "whole 4 1234"],
      ["before trailers, without a body", { trailers: { "x-a": "1" } }, "whole 0 "],
      ["without a body", {}, "whole 0 "],
      ["204", { status: 204 }, "whole 0 "],
      ["304", { status: 304, headers: { "content-length": "100" } }, "whole 0 "],
    ])("of a response: %s", async (_, message, expected) => {
      await using host = await start({ plugins: [{ module: modules.response! }], clusters: { app: () => message } });
      const response = await host.fetch("/");
      await host.waitForLog(expected);
      expect(wholes(host)).toEqual([expected]);
      expect([response.status, response.text()]).toEqual([message.status ?? 200, [message.body ?? ""].flat().join("")]);
      expect(response.trailers).toEqual(Object.entries(message.trailers ?? {}));
    });

    it("of a HEAD request's response, whose content-length is not that of a body", async () => {
      const app = () => ({ headers: { "content-length": "100" } });
      await using host = await start({ plugins: [{ module: modules.response! }], clusters: { app } });
      const response = await host.fetch("/", { method: "HEAD" });
      await host.waitForLog("whole 0 ");
      expect([response.status, response.header("content-length")]).toEqual([200, "100"]);
    });
  });

  it("are collected for the streams that ask for it; the others see pieces", async () => {
    await using host = await start({ plugins: [{ module: modules.both! }], clusters: { app: () => ({}) } });
    const message = { method: "POST", body: "1234", trailers: { "x-a": "1" } };
    await host.fetch("/pieces", message);
    await host.fetch("/whole", message);
    await host.waitForLog("whole");
    expect(host.logs.map((line) => line.message)).toEqual(["piece 1234", "trailers 1", "whole 4 1234", "trailers 1"]);
  });

  describe("over the limit", () => {
    const long = "123456789";

    it("are answered 413, before the upstream hears of the request when its size is known", async () => {
      await using host = await start({ plugins: [{ module: modules.request! }], clusters: { app: () => ({}) } });
      const response = await host.fetch("/", { method: "POST", body: long, headers: { "content-length": "9" } });
      expect([response.status, response.text()]).toEqual([413, "request body too large"]);
      expect(host.requests("app")).toHaveLength(0);
      expect((await host.fetch("/", { method: "POST", body: ["12345", "6789"] })).status).toBe(413);
      expect(wholes(host)).toEqual([]);
    });

    it("make a response 502 when its size is known, else it is reset", async () => {
      const app = ({ path }: { path: string }) =>
        path === "/known" ? { body: long, headers: { "content-length": "9" } } : { body: ["12345", "6789"] };
      await using host = await start({ plugins: [{ module: modules.response! }], clusters: { app } });
      const response = await host.fetch("/known");
      expect([response.status, response.text()]).toEqual([502, "response body too large"]);
      await expect(host.fetch("/unknown")).rejects.toThrow();
      expect(wholes(host)).toEqual([]);
    });

    it.each([
      ["of known size", long, "9"],
      ["of unknown size", ["12345", "6789"], null],
    ])("pass untouched: %s", async (_, body, length) => {
      const headers: Record<string, string> = length === null ? {} : { "content-length": length };
      const plugins = [{ module: modules.pass! }, { module: modules.passRequest! }];
      await using host = await start({ plugins, clusters: { app: () => ({ body, headers }) } });
      const response = await host.fetch("/", { method: "POST", body, headers });
      expect([response.text(), response.header("content-length")]).toEqual([long, length]);
      const [request] = host.requests("app");
      expect([request!.text(), request!.header("content-length")]).toEqual([long, length]);
      expect(wholes(host)).toEqual([]);
    });

    it.each([[long], [["12345", "6789", "abc"]]])("are shown in part: %j", async (body) => {
      const plugins = [{ module: modules.truncate! }, { module: modules.truncateRequest! }];
      await using host = await start({ plugins, clusters: { app: () => ({ body }) } });
      expect((await host.fetch("/", { method: "POST", body })).text()).toBe([body].flat().join(""));
      await host.waitForLog("write false");
      expect(host.requests("app")[0]!.text()).toBe([body].flat().join(""));
      expect(wholes(host)).toEqual(["whole 8+ 12345678", "whole 8+ 12345678"]);
    });
  });

  it("of the filter's own error replies pass, whatever the limit for responses", async () => {
    const plugins = [{ module: modules.limitsBoth! }];
    await using host = await start({ plugins, clusters: { app: () => ({}) } });
    const response = await host.fetch("/", { method: "POST", body: ["12345", "6789"] });
    expect([response.status, response.text()]).toEqual([413, "request body too large"]);
  });

  it("over the proxy's own limit never reach the filter", async () => {
    const body = ["x".repeat(1_000_000), "x".repeat(1_000_000)];
    await using host = await start({ plugins: [{ module: modules.huge! }], clusters: { app: () => ({ body }) } });
    const response = await host.fetch("/", { method: "POST", body });
    expect([response.status, response.text()]).toEqual([413, "Payload Too Large"]);
    await expect(host.fetch("/")).rejects.toThrow();
    expect(wholes(host)).toEqual(["whole 0 "]);
  });

  it("shown in part and held go on with the rest", async () => {
    await using host = await start({ plugins: [{ module: modules.waitingPart! }], clusters: { app: () => ({}) } });
    const body = ["12345", "6789", "abc", "def"];
    expect((await host.fetch("/", { method: "POST", body, trailers: { "x-a": "1" } })).status).toBe(200);
    expect(host.requests("app")[0]!.text()).toBe("123456789abcdef");
    expect(host.requests("app")[0]!.trailers).toEqual([["x-a", "1"]]);
    expect(wholes(host)).toEqual(["whole 8+ 12345678"]);
  });

  describe("change", () => {
    it.each([
      ["content-length", { body: "this", headers: { "content-length": "4" } }],
      ["chunks", { body: ["th", "is"] }],
      ["trailers", { body: ["th", "is"], trailers: { "x-a": "1" } }],
    ])("with their content-length removed: %s", async (_, message) => {
      await using host = await start({ plugins: [{ module: modules.change! }], clusters: { app: () => message } });
      const response = await host.fetch("/");
      expect([response.text(), response.header("content-length")]).toEqual(["this and more", null]);
    });

    it("in requests", async () => {
      await using host = await start({ plugins: [{ module: modules.changeRequest! }], clusters: { app: () => ({}) } });
      await host.fetch("/", { method: "POST", body: "this", headers: { "content-length": "4" } });
      expect(host.requests("app")[0]!.text()).toBe("changed");
      expect(host.requests("app")[0]!.header("content-length")).toBeNull();
    });

    it("not where there is none", async () => {
      await using host = await start({ plugins: [{ module: modules.changeRequest! }], clusters: { app: () => ({}) } });
      await host.fetch("/");
      await host.waitForLog("write false");
      expect(host.requests("app")[0]!.text()).toBe("");
    });

    it("not when they were asked for reading", async () => {
      const app = () => ({ body: "this" });
      await using host = await start({ plugins: [{ module: modules.readOnly! }], clusters: { app } });
      expect((await host.fetch("/")).text()).toBe("this");
      await host.waitForLog("write false");
    });
  });

  describe("with the headers held", () => {
    it("have the right content-length, or none", async () => {
      const app = ({ path }: { path: string }) =>
        path === "/known" ? { body: "1234567", headers: { "content-length": "7" } } : { body: ["123", "4"] };
      const plugins = [{ module: modules.held!, allowOnHeadersStopIteration: true }];
      await using host = await start({ plugins, clusters: { app } });
      const known = await host.fetch("/known");
      expect([known.text(), known.header("content-length"), known.header("x-length")]).toEqual(["1234567!", "8", "8"]);
      const unknown = await host.fetch("/unknown");
      expect([unknown.text(), unknown.header("content-length"), unknown.header("x-length")]).toEqual([
        "1234!",
        null,
        "5",
      ]);
    });

    it("can be answered otherwise: 502 over the limit, or the filter's own reply", async () => {
      const app = ({ path }: { path: string }) => ({ body: path === "/deny" ? ["de", "ny"] : ["12345", "6789"] });
      const plugins = [{ module: modules.held!, allowOnHeadersStopIteration: true }];
      await using host = await start({ plugins, clusters: { app } });
      expect((await host.fetch("/long")).status).toBe(502);
      const denied = await host.fetch("/deny");
      expect([denied.status, denied.text()]).toEqual([403, "no"]);
    });

    it("keep a request from the upstream until the filter has decided", async () => {
      const plugins = [{ module: modules.heldRequest!, allowOnHeadersStopIteration: true }];
      await using host = await start({ plugins, clusters: { app: () => ({}) } });
      const message = (body: string) => ({ method: "PUT", body, headers: { "content-length": String(body.length) } });
      expect((await host.fetch("/", message("deny"))).status).toBe(403);
      expect((await host.fetch("/", message("ok"))).status).toBe(200);
      const requests = host.requests("app");
      expect(requests.map((request) => request.text())).toEqual(["PUTok"]);
      expect(requests[0]!.header("content-length")).toBe("5");
    });

    it("go on when the filter says so", async () => {
      const plugins = [{ module: modules.waiting!, allowOnHeadersStopIteration: true }];
      await using host = await start({ plugins, clusters: { app: () => ({}) } });
      const headers = { "content-length": "2" };
      expect((await host.fetch("/", { method: "POST", body: "ok", headers })).status).toBe(200);
      expect(host.requests("app")[0]!.text()).toBe("ok!");
      expect(host.requests("app")[0]!.header("content-length")).toBe("3");
    });
  });

  it("cost two host calls to collect and one to read, which never asks for more than the limit", async () => {
    const app = () => ({ body: "123456789", headers: { "content-length": "9" } });
    const module = await collecting("Response", "8, OverLimit.Truncate, BodyAccess.Change", `body.bytes();`);
    await using host = await start({ plugins: [{ module }], clusters: { app }, logLevel: "trace" });
    await host.fetch("/");
    const calls = host.transcript.filter((line) => line.startsWith("[vm->host] env.proxy_"));
    expect(calls.map((line) => line.replace(/\[vm->host\] env\.(\w+)\(.*/, "$1"))).toEqual([
      "proxy_get_header_map_value",
      "proxy_remove_header_map_value",
      "proxy_get_buffer_bytes",
    ]);
    expect(calls[2]).toMatch(/proxy_get_buffer_bytes\(1, 0, 8, /);
  });
});
