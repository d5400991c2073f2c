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
    ["onHttpRequestHeaders", "onRequestHeaders"],
    ["onReponseHeaders", "onResponseHeaders"],
    ["onDelet", "onDelete"],
  ])("when it is called %s", async (name, meant) => {
    const members = `${name}(headers: RequestHeaders, endOfStream: bool): FilterHeaders { ${continueHeaders} }`;
    expect(await complaint(filterSource(members))).toContain(
      `TestFilter.${name} would never be called: is '${meant}' meant?`,
    );
  });

  it("when it is the plugin's", async () => {
    const message = await complaint(filterSource("", "onConfigure(config: ConfigReader): void {}"));
    expect(message).toContain("TestPlugin.onConfigure would never be called: is 'configure' meant?");
  });
});

describe("methods of the filter's own", () => {
  it("can have any other name", async () => {
    const members = "private log(): void {}\n reset(): void {}\n onMatch(): void {}\n respond(): void {}";
    expect(await complaint(filterSource(members))).toBe("");
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
    expect(
      Buffer.from(await compileFilter(filterSource(members))).includes(Buffer.from("the clock runs", "utf16le")),
    ).toBe(true);
  });
});
