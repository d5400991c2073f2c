import { BuildError } from "@attache/cli";
import { loadModule } from "@attache/harness";
import { describe, expect, it } from "vitest";
import { compileFilter, filterSource } from "../test/compile-filter.ts";

const continueHeaders = "return FilterHeaders.Continue;";

async function exportsOf(source: string): Promise<string[]> {
  const { shape } = await loadModule(await compileFilter(source));
  return shape.exports
    .map(({ name }) => name)
    .filter((name) => name.startsWith("proxy_on_"))
    .sort();
}

async function complaint(source: string): Promise<string> {
  return await compileFilter(source).then(
    () => "",
    (error: unknown) => (error instanceof BuildError ? error.message : Promise.reject(error as Error)),
  );
}

describe("a filter's exports", () => {
  it("are the callbacks it overrides, and those every filter needs", async () => {
    const members = `override onResponseHeaders(h: ResponseHeaders, e: bool): FilterHeaders { ${continueHeaders} }`;
    expect(await exportsOf(filterSource(members))).toEqual([
      "proxy_on_context_create",
      "proxy_on_delete",
      "proxy_on_memory_allocate",
      "proxy_on_response_headers",
    ]);
  });

  it("are those that bring a whole body, when it is asked for", async () => {
    const members = `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
        return headers.collectBody(endOfStream, 8);
      }
      override onWholeRequestBody(body: Body): FilterData { return FilterData.Continue; }`;
    const exported = await exportsOf(filterSource(members));
    expect(exported.filter((name) => name.includes("request") || name.includes("response"))).toEqual([
      "proxy_on_request_body",
      "proxy_on_request_headers",
      "proxy_on_request_trailers",
    ]);
  });

  it("are those that bring answers, in a filter that makes callouts", async () => {
    const source = filterSource("").replace(
      "registerPlugin(",
      `class Ask extends HttpCallout {
        override onOutcome(outcome: CalloutOutcome, response: CalloutResponse): void {}
      }
      registerPlugin(`,
    );
    const importing = (names: string) => source.replace("import {", `import { ${names},`);
    const exported = await exportsOf(importing("CalloutOutcome, CalloutResponse, HttpCallout"));
    expect(exported).toContain("proxy_on_http_call_response");
    expect(exported).not.toContain("proxy_on_tick");
    // With a policy, a callout can be sent again later, by a timer.
    const retrying = await exportsOf(importing("CalloutOutcome, CalloutResponse, HttpCallout, RetryPolicy"));
    expect(retrying).toContain("proxy_on_tick");
  });

  it("are those of the gRPC calls it makes", async () => {
    const source = filterSource("").replace(
      "registerPlugin(",
      `class Ask extends GrpcCall {
        override onOutcome(outcome: CalloutOutcome, reply: GrpcReply): void {}
      }
      registerPlugin(`,
    );
    const imported = "import { CalloutOutcome, GrpcCall, GrpcReply,";
    const exported = await exportsOf(source.replace("import {", imported));
    expect(exported.filter((name) => /grpc|http_call|tick/.test(name))).toEqual([
      "proxy_on_grpc_close",
      "proxy_on_grpc_receive",
    ]);
  });

  it("include callbacks that only a base class of its own overrides", async () => {
    const source = filterSource("").replace(
      "class TestFilter extends HttpFilter {",
      "abstract class Logged extends HttpFilter { override onLog(): void {} }\nclass TestFilter extends Logged {",
    );
    expect(await exportsOf(source)).toContain("proxy_on_log");
  });

  it("include the plugin's callbacks", async () => {
    const exported = await exportsOf(filterSource("", "override onDone(): bool { return false; }"));
    expect(exported).toContain("proxy_on_done");
  });
});

describe("a callback that would never run is refused", () => {
  it("when 'override' is missing", async () => {
    const message = await complaint(filterSource(`onLog(): void {}`));
    expect(message).toContain("TestFilter.onLog is a callback: write 'override onLog'");
    expect(message).toMatch(/filter\.ts\(\d+,\d+\)/);
  });

  it.each([
    ["onRequestHeader", "onRequestHeaders"],
    ["onRequestheaders", "onRequestHeaders"],
    ["on_request_headers", "onRequestHeaders"],
    ["proxy_on_request_headers", "onRequestHeaders"],
    ["onHttpRequestHeaders", "onRequestHeaders"],
    ["onReponseHeaders", "onResponseHeaders"],
    ["ondelete", "onDelete"],
    ["static onRequestHeaders", "onRequestHeaders"],
  ])("when it is called %s", async (name, meant) => {
    const members = `${name}(headers: RequestHeaders, endOfStream: bool): FilterHeaders { ${continueHeaders} }`;
    expect(await complaint(filterSource(members))).toContain(
      `TestFilter.${name.replace("static ", "")} would never be called: is 'override ${meant}' meant?`,
    );
  });

  it.each(["onRequest", "onHeaders", "onReqHeaders", "onRequestHeadersReceived", "onTick", "on_tick"])(
    "when it looks like one, as %s does",
    async (name) => {
      const said = await complaint(filterSource(`${name}(): void {}`));
      expect(said).toMatch(
        new RegExp(`TestFilter\\.${name} would never be called: the callbacks are onRequestHeaders, .*`),
      );
    },
  );

  it("when nothing asks for the body it is about", async () => {
    const members = "override onWholeRequestBody(body: Body): FilterData { return FilterData.Continue; }";
    expect(await complaint(filterSource(members))).toContain(
      "TestFilter.onWholeRequestBody would never be called: ask for the body by 'headers.collectBody' in onRequestHeaders",
    );
  });

  it("when it is the plugin's", async () => {
    const message = await complaint(filterSource("", "onConfigure(config: ConfigReader): void {}"));
    expect(message).toContain("TestPlugin.onConfigure would never be called: is 'override configure' meant?");
  });

  it("when its class stands in a namespace", async () => {
    const source = filterSource("").replace(
      "registerPlugin(",
      "namespace inner { export class Hidden extends HttpFilter { onLog(): void {} } }\nregisterPlugin(",
    );
    expect(await complaint(source)).toContain("Hidden.onLog is a callback: write 'override onLog'");
  });
});

describe("methods of the filter's own", () => {
  it("can have any other name", async () => {
    const members = [
      "log",
      "reset",
      "isDone",
      "undone",
      "respond",
      "once",
      "only",
      "ongoing",
      "deleteAll",
      "configured",
    ];
    expect(await complaint(filterSource(members.map((name) => `${name}(): void {}`).join("\n")))).toBe("");
  });
});

describe("the compiled module", () => {
  it("has no start section and no import that Envoy lacks", async () => {
    const { shape } = await loadModule(await compileFilter(filterSource("")));
    expect(shape.hasStartSection).toBe(false);
    expect(shape.imports.every(({ module }) => module === "env")).toBe(true);
    expect(shape.exports.map(({ name }) => name)).toContain("_initialize");
  });

  it("keeps the filter's own checks", async () => {
    const members = `override onLog(): void { assert(currentTimeNs() == 0, "the clock runs"); }`;
    expect(Buffer.from(await compileFilter(filterSource(members))).includes("the clock runs")).toBe(true);
  });
});
