import { once } from "node:events";
import { request } from "node:http";
import { Emulator, HeaderMap } from "@attache/harness";
import type { Envoy } from "@attache/harness/envoy";
import { eachHost } from "@attache/harness/vitest";
import { beforeAll, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

/** Holds requests; once `count` of them wait, a timer of the plugin goes on with some and answers the others. */
const source = filterSource(
  `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    const plugin = this.plugin;
    plugin.held.push(new HeldStream());
    plugin.headers = headers;
    if (plugin.held.length == plugin.count) plugin.startTimer(new Release(plugin), 100, false);
    return FilterHeaders.StopAllIterationAndWatermark;
  }`,
  `count: i32 = 0;
  held: HeldStream[] = [];
  headers: RequestHeaders | null = null;
  override configure(config: ConfigReader): void { this.count = <i32>config.integer("count", 1); }`,
)
  .replace("import {", "import { HeldStream, Timer,")
  .replace(
    "registerPlugin(",
    `class Release extends Timer {
      constructor(private plugin: TestPlugin) { super(); }
      override onTimer(): void {
        const headers = this.plugin.headers!;
        for (let index = 0; index < this.plugin.held.length; index++) {
          if (!this.plugin.held[index].act()) log.info(index.toString() + " is gone");
          else if (headers.path == "/answered") new LocalReply(418).send();
          else {
            headers.set("x-index", index.toString() + headers.path);
            continueRequest();
          }
        }
        this.plugin.startTimer(new After(), 1, false);
      }
    }
    class After extends Timer {
      override onTimer(): void { log.info("timers go on"); }
    }
    registerPlugin(`,
  );

/** Holds requests without a body; the trailers of another let them go. */
const releasedByTrailers = filterSource(
  `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    if (!endOfStream) return FilterHeaders.Continue;
    this.plugin.held = new HeldStream();
    log.info("held");
    return FilterHeaders.StopAllIterationAndWatermark;
  }
  override onRequestTrailers(trailers: RequestTrailers): FilterTrailers {
    const held = this.plugin.held;
    if (held !== null && held.act()) continueRequest();
    return FilterTrailers.Continue;
  }`,
  `held: HeldStream | null = null;`,
).replace("import {", "import { HeldStream,");

eachHost("a held stream", (start) => {
  let module: Uint8Array;
  beforeAll(async () => void (module = await compileFilter(source)));
  const startFor = async (count: number) =>
    await start({ plugins: [{ module, configuration: { count } }], clusters: { app: () => ({ body: "app" }) } });

  it("goes on, or is answered, by a timer of the plugin", async () => {
    await using host = await startFor(3);
    const answers = ["/a", "/answered", "/b"].map((path) => host.fetch(path));
    if (host instanceof Emulator) host.advance(200);
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 418, 200]);
    const seen = host.requests("app").map(({ path, headers }) => [path, new Map(headers).get("x-index")!.slice(1)]);
    expect(seen.sort()).toEqual([
      ["/a", "/a"],
      ["/b", "/b"],
    ]);
    await host.waitForLog("timers go on");
  });

  it("that is gone cannot be acted on, the others can", async () => {
    await using host = await startFor(2);
    if (host instanceof Emulator) {
      const nobody = { headers() {}, data() {}, trailers() {}, reset() {}, pauseRequest() {} };
      const stream = host.openStream(nobody);
      const headers = { ":authority": "a", ":path": "/gone", ":method": "GET", ":scheme": "http" };
      stream.headers(HeaderMap.from("requestHeaders", Object.entries(headers)), true);
      stream.clientReset();
    } else {
      const outgoing = request(`${(host as Envoy).address}/gone`).on("error", () => {});
      outgoing.end();
      await once(outgoing, "finish");
      outgoing.destroy();
    }
    const answer = host.fetch("/stays");
    if (host instanceof Emulator) host.advance(200);
    expect((await answer).status).toBe(200);
    await host.waitForLog(/is gone/);
    expect(host.requests("app").map(({ path }) => path)).toEqual(["/stays"]);
  });

  it("goes on by the trailers of another stream, which go on too", async () => {
    const released = await compileFilter(releasedByTrailers);
    await using host = await start({ plugins: [{ module: released }], clusters: { app: () => ({ body: "app" }) } });
    const held = host.fetch("/held");
    await host.waitForLog("held");
    const other = await host.fetch("/other", { method: "POST", body: "b", trailers: { "x-a": "1" } });
    expect([other.status, (await held).status]).toEqual([200, 200]);
    expect(host.requests("app").find(({ path }) => path === "/other")!.trailers).toEqual([["x-a", "1"]]);
  });
});
