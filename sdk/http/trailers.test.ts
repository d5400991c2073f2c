import { eachHost } from "@attache/harness/vitest";
import { beforeAll, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

const describeAll = `
  function all(trailers: HeaderMap): string {
    let entries = "";
    for (let index = 0; index < trailers.count; index++)
      entries += trailers.nameAt(index)!.toString() + "=" + trailers.valueAt(index)!.toString() + " ";
    return entries;
  }
`;

eachHost("trailers", (start) => {
  const modules: Record<string, Uint8Array> = {};
  beforeAll(async () => {
    modules.change = await compileFilter(
      filterSource(`
        override onRequestTrailers(trailers: RequestTrailers): FilterTrailers {
          log.info("request " + all(trailers) + (trailers.get("x-missing") === null ? "no x-missing" : ""));
          trailers.set("x-changed", "by filter");
          trailers.delete("x-gone");
          trailers.append("x-added", "1");
          return FilterTrailers.Continue;
        }
        override onResponseTrailers(trailers: ResponseTrailers): FilterTrailers {
          log.info("response " + all(trailers));
          trailers.set("x-changed", "by filter");
          trailers.delete("x-gone");
          log.info("refused " + trailers.set("x-evil", "a\\r\\nb: c").toString());
          return FilterTrailers.Continue;
        }`) + `import { HeaderMap } from "@attache/sdk";\n${describeAll}`,
    );
    modules.add = await compileFilter(
      filterSource(`
        override onRequestBody(body: Body, endOfStream: bool): FilterData {
          log.info("request " + endOfStream.toString() + body.addTrailer("x-sum", "1").toString());
          return FilterData.Continue;
        }
        override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
          headers.delete("content-length");
          return FilterHeaders.Continue;
        }
        override onResponseBody(body: Body, endOfStream: bool): FilterData {
          log.info("response " + endOfStream.toString() + body.addTrailer("x-sum", "2").toString());
          return FilterData.Continue;
        }
        override onResponseTrailers(trailers: ResponseTrailers): FilterTrailers {
          log.info("trailers callback");
          return FilterTrailers.Continue;
        }`),
    );
    modules.delete = await compileFilter(
      filterSource(`
        private kept: ResponseTrailers | null = null;
        override onRequestTrailers(trailers: RequestTrailers): FilterTrailers { return FilterTrailers.Continue; }
        override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
          this.kept = new ResponseTrailers();
          return FilterHeaders.Continue;
        }
        override onResponseBody(body: Body, endOfStream: bool): FilterData {
          if (endOfStream) {
            const trailers = this.kept!;
            log.info("deleted=" + trailers.delete("x-a").toString() + " has=" + trailers.has("x-a").toString() +
              " count=" + trailers.count.toString());
          }
          return FilterData.Continue;
        }`),
    );
  });

  it("are read and changed in both directions", async () => {
    const app = () => ({ body: ["a", "b"], trailers: { "x-changed": "old", "x-gone": "1", "x-kept": "2" } });
    await using host = await start({ plugins: [{ module: modules.change! }], clusters: { app } });
    const response = await host.fetch("/", {
      method: "POST",
      body: "up",
      trailers: { "x-changed": "old", "x-gone": "1" },
    });
    expect(host.requests("app")[0]!.trailers).toEqual([
      ["x-changed", "by filter"],
      ["x-added", "1"],
    ]);
    expect(Object.fromEntries(response.trailers)).toEqual({ "x-changed": "by filter", "x-kept": "2" });
    await host.waitForLog("request x-changed=old x-gone=1 no x-missing");
    await host.waitForLog("response x-changed=old x-gone=1 x-kept=2");
    await host.waitForLog("refused false");
  });

  it("are not there in most messages", async () => {
    await using host = await start({
      plugins: [{ module: modules.change! }],
      clusters: { app: () => ({ body: "b" }) },
    });
    const response = await host.fetch("/", { method: "POST", body: "up" });
    expect([response.text(), response.trailers]).toEqual(["b", []]);
    expect(host.logs).toEqual([]);
  });

  it("can be added at the end of a body that has none", async () => {
    const app = () => ({ body: ["a", "b"] });
    await using host = await start({ plugins: [{ module: modules.add! }], clusters: { app } });
    const response = await host.fetch("/", { method: "POST", body: ["u", "p"] });
    expect(response.text()).toBe("ab");
    expect(response.trailers).toEqual([["x-sum", "2"]]);
    expect(host.requests("app")[0]!.trailers).toEqual([["x-sum", "1"]]);
    await host.waitForLog("response truetrue");
    expect(host.logs.map(({ message }) => message)).not.toContain("trailers callback");
    expect(host.logs.map(({ message }) => message)).not.toContain("response falsetrue");
  });

  it("do not come into being by deleting one or asking for one", async () => {
    const module = modules.delete!;
    await using host = await start({
      plugins: [{ module }],
      clusters: { app: () => ({ body: ["a", "b"] }) },
      logLevel: "trace",
    });
    expect((await host.fetch("/")).trailers).toEqual([]);
    await host.waitForLog("deleted=false has=false count=0");
    const calls = host.transcript.filter((line) => line.startsWith("[vm->host] env.proxy_remove_header_map_value("));
    expect(calls).toEqual([]);
  });
});
