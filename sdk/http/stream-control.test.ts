import { eachHost } from "@attache/harness/vitest";
import { beforeAll, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

eachHost("a stream", (start) => {
  const modules: Record<string, Uint8Array> = {};
  beforeAll(async () => {
    modules.continue = await compileFilter(
      filterSource(`
        override onRequestBody(body: Body, endOfStream: bool): FilterData {
          if (endOfStream) log.info("request " + body.text() + continueRequest().toString());
          return FilterData.StopIterationAndBuffer;
        }
        override onResponseBody(body: Body, endOfStream: bool): FilterData {
          if (endOfStream) log.info("response " + body.text() + continueResponse().toString());
          return FilterData.StopIterationAndBuffer;
        }`),
    );
    modules.continueTrailers = await compileFilter(
      filterSource(`
        override onRequestTrailers(trailers: RequestTrailers): FilterTrailers {
          trailers.set("x-a", "2");
          continueRequest();
          return FilterTrailers.StopIteration;
        }
        override onResponseTrailers(trailers: ResponseTrailers): FilterTrailers {
          trailers.set("x-a", "3");
          continueResponse();
          return FilterTrailers.StopIteration;
        }`),
    );
    modules.continueTwice = await compileFilter(
      filterSource(`
        override onRequestBody(body: Body, endOfStream: bool): FilterData { return FilterData.StopIterationAndBuffer; }
        override onRequestTrailers(trailers: RequestTrailers): FilterTrailers {
          continueRequest();
          return FilterTrailers.Continue;
        }
        override onResponseBody(body: Body, endOfStream: bool): FilterData { return FilterData.StopIterationAndBuffer; }
        override onResponseTrailers(trailers: ResponseTrailers): FilterTrailers {
          continueResponse();
          return FilterTrailers.Continue;
        }`),
    );
    modules.reset = await compileFilter(
      filterSource(`
        override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
          if (headers.path != "/reset") return FilterHeaders.Continue;
          log.info("reset=" + resetStream().toString());
          return FilterHeaders.StopIteration;
        }
        override onDone(): void { log.info("done"); }`),
    );
    modules.resetLate = await compileFilter(
      filterSource(`
        override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
          if (endOfStream) {
            new LocalReply(403).send();
            log.info("reset=" + resetStream().toString());
          }
          return FilterHeaders.Continue;
        }
        override onResponseTrailers(trailers: ResponseTrailers): FilterTrailers {
          log.info("reset=" + resetStream().toString());
          log.info("again=" + resetStream().toString());
          return FilterTrailers.Continue;
        }`),
    );
  });

  it("goes on with what was held of its bodies", async () => {
    const app = () => ({ body: ["c", "d"] });
    await using host = await start({ plugins: [{ module: modules.continue! }], clusters: { app } });
    expect((await host.fetch("/", { method: "POST", body: ["a", "b"] })).text()).toBe("cd");
    expect(host.requests("app")[0]!.text()).toBe("ab");
    await host.waitForLog("request abtrue");
    await host.waitForLog("response cdtrue");
  });

  it("goes on with what was held of its trailers", async () => {
    const app = () => ({ body: "c", trailers: { "x-a": "1" } });
    await using host = await start({ plugins: [{ module: modules.continueTrailers! }], clusters: { app } });
    const response = await host.fetch("/", { method: "POST", body: "a", trailers: { "x-a": "1" } });
    expect([response.text(), response.trailers]).toEqual(["c", [["x-a", "3"]]]);
    expect(host.requests("app")[0]!.trailers).toEqual([["x-a", "2"]]);
  });

  it("goes on once when trailers are let go and go on as well: Envoy would send them twice, or crash", async () => {
    const app = () => ({ body: "c", trailers: { "x-a": "1" } });
    await using host = await start({ plugins: [{ module: modules.continueTwice! }], clusters: { app } });
    for (let count = 1; count <= 3; count++) {
      const response = await host.fetch("/", { method: "POST", body: "a", trailers: { "x-a": "1" } });
      expect([response.status, response.text(), response.trailers]).toEqual([200, "c", [["x-a", "1"]]]);
      expect(host.requests("app")).toHaveLength(count);
    }
  });

  it("is reset without an answer", async () => {
    await using host = await start({ plugins: [{ module: modules.reset! }], clusters: { app: () => ({}) } });
    await expect(host.fetch("/reset")).rejects.toThrow();
    await host.waitForLog("reset=true");
    await host.waitForLog("done");
    expect(host.requests("app")).toHaveLength(0);
    expect((await host.fetch("/")).status).toBe(200);
  });

  it("is ended once, and stays in hand when trailers go on after a reset: Envoy would crash", async () => {
    const app = ({ path }: { path: string }) => (path === "/trailers" ? { body: "b", trailers: { "x-a": "1" } } : {});
    await using host = await start({ plugins: [{ module: modules.resetLate! }], clusters: { app } });
    expect((await host.fetch("/")).status).toBe(403);
    await host.waitForLog("reset=false");
    await host.waitForLog("a reset of a stream that has been answered or reset: left out");
    await expect(host.fetch("/trailers")).rejects.toMatchObject({ code: "STREAM_RESET" });
    await host.waitForLog("reset=true");
    await host.waitForLog("again=false");
    expect((await host.fetch("/")).status).toBe(403);
  });
});
