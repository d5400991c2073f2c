import { eachHost } from "@attache/harness/vitest";
import { beforeAll, describe, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

/** A filter that announces changes of both bodies and runs `request` and `response` on their pieces. */
async function onBodies(request: string, response: string): Promise<Uint8Array> {
  return await compileFilter(
    filterSource(`
      override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
        if (!endOfStream) headers.allowBodyChange();
        return FilterHeaders.Continue;
      }
      override onRequestBody(body: Body, endOfStream: bool): FilterData { ${request} }
      override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
        if (!endOfStream) headers.allowBodyChange();
        return FilterHeaders.Continue;
      }
      override onResponseBody(body: Body, endOfStream: bool): FilterData { ${response} }
    `),
  );
}

const goOn = "return FilterData.Continue;";

eachHost("bodies in pieces", (start) => {
  const modules: Record<string, Uint8Array> = {};
  beforeAll(async () => {
    modules.read = await onBodies(
      goOn,
      `if (body.length > 0) {
         log.info(body.length.toString() + " " + body.text() + " " + body.bytes(1, 2).toString() + "|" +
           body.bytes(2).toString() + "|" + body.bytes(-5, 1).toString() + "|" + body.bytes(99).toString() + "|" +
           body.isTruncated.toString());
       }
       ${goOn}`,
    );
    modules.write = await onBodies(
      `if (body.length > 0) log.info("request " + body.prepend("<").toString() + body.append(">").toString() + body.text());
       if (endOfStream) body.append("!");
       ${goOn}`,
      `if (!endOfStream) return FilterData.StopIterationAndBuffer;
       log.info("response " + body.replace("é").toString() + body.length.toString() + body.text());
       ${goOn}`,
    );
    modules.binary = await onBodies(
      goOn,
      `if (!endOfStream) return FilterData.StopIterationAndBuffer;
       const bytes = body.bytes();
       for (let index = 0; index < bytes.length; index++) bytes.setAt(index, bytes.at(index) ^ 0xff);
       const added = new Uint8Array(3);
       added[1] = 0xfe;
       body.replaceBytes(bytes);
       body.appendBytes(ByteView.from(added));
       body.prependBytes(ByteView.from(added).slice(1, 2));
       ${goOn}`,
    );
    modules.unannounced = await compileFilter(
      filterSource(`override onResponseBody(body: Body, endOfStream: bool): FilterData {
        if (endOfStream) log.info("done=" + body.append("more").toString());
        ${goOn}
      }`),
    );
    modules.drop = await onBodies(
      goOn,
      `if (body.length == 1) return FilterData.StopIterationNoBuffer;
       return endOfStream ? FilterData.Continue : FilterData.StopIterationAndWatermark;`,
    );
    modules.outside = await compileFilter(
      filterSource(`
        private kept: Body | null = null;
        override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
          headers.allowBodyChange();
          return FilterHeaders.Continue;
        }
        override onResponseBody(body: Body, endOfStream: bool): FilterData { this.kept = body; ${goOn} }
        override onLog(): void {
          const body = this.kept!;
          log.info("log: " + body.length.toString() + "<" + body.text() + ">" + body.replace("late").toString());
        }`),
    );
  });

  it("are read whole and in parts", async () => {
    await using host = await start({
      plugins: [{ module: modules.read! }],
      clusters: { app: () => ({ body: "abcd" }) },
    });
    expect((await host.fetch("/")).text()).toBe("abcd");
    await host.waitForLog("4 abcd bc|cd|a||false");
  });

  it("are replaced, prepended and appended to, and content-length does not lie", async () => {
    const app = () => ({ body: "a longer body", headers: { "content-length": "13" } });
    await using host = await start({ plugins: [{ module: modules.write! }], clusters: { app } });
    const response = await host.fetch("/", { method: "POST", body: "up", headers: { "content-length": "2" } });
    expect([response.text(), response.header("content-length")]).toEqual(["é", null]);
    expect(host.requests("app")[0]!.text()).toBe("<up>!");
    expect(host.requests("app")[0]!.header("content-length")).toBeNull();
    await host.waitForLog("request truetrue<up>");
    await host.waitForLog("response true2é");
  });

  it("can be any bytes", async () => {
    const body = Uint8Array.from({ length: 256 }, (_, index) => index);
    await using host = await start({ plugins: [{ module: modules.binary! }], clusters: { app: () => ({ body }) } });
    const expected = [0xfe, ...[...body].map((byte) => byte ^ 0xff), 0, 0xfe, 0];
    expect([...(await host.fetch("/")).body]).toEqual(expected);
  });

  it("are not changed behind a content-length that was sent ahead", async () => {
    const app = () => ({ body: "abcd" });
    await using host = await start({ plugins: [{ module: modules.unannounced! }], clusters: { app } });
    expect((await host.fetch("/")).text()).toBe("abcd");
    await host.waitForLog("done=false");
    await host.waitForLog("the body is not changed: call allowBodyChange or collectBody");
  });

  it("lose the pieces a filter drops", async () => {
    await using host = await start({ plugins: [{ module: modules.drop! }], clusters: { app: () => ({ body: "a" }) } });
    expect((await host.fetch("/")).text()).toBe("");
  });

  it("are out of reach when they have gone on", async () => {
    await using host = await start({
      plugins: [{ module: modules.outside! }],
      clusters: { app: () => ({ body: "a" }) },
    });
    expect((await host.fetch("/")).text()).toBe("a");
    await host.waitForLog("log: 0<>false");
  });

  describe("asks the proxy", () => {
    it("once for bytes that are read twice, and never for their number", async () => {
      const module = await onBodies(
        goOn,
        `if (body.length > 0 && body.bytes().length == body.text().length) body.bytes(0, 1); ${goOn}`,
      );
      const app = () => ({ body: "abcd" });
      await using host = await start({ plugins: [{ module }], clusters: { app }, logLevel: "trace" });
      await host.fetch("/");
      const calls = host.transcript.filter((line) => line.startsWith("[vm->host] env.proxy_"));
      expect(calls.map((line) => line.replace(/\(.*/, "").slice("[vm->host] env.".length))).toEqual([
        "proxy_remove_header_map_value",
        "proxy_get_buffer_bytes",
      ]);
    });
  });
});
