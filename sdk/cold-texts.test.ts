import { startEmulator } from "@attache/harness";
import { describe, expect, it } from "vitest";
import { compileFilter, filterSource } from "../test/compile-filter.ts";

const source = filterSource(
  `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    if (headers.has("x-trap")) throw new Error("nobody should ask for this");
    headers.set("x-needed-by-requests", this.plugin.greeting);
    headers.set("x-explained", this.explain(headers.path));
    return FilterHeaders.Continue;
  }
  // @ts-ignore: decorator
  @cold
  private explain(path: string): string {
    return path == "/other" ? "another path" : "the usual path";
  }`,
  `greeting: string = "";
  override configure(config: ConfigReader): void {
    this.greeting = config.string("greetingToUse", "good morning");
    if (this.greeting.length > 20) config.error("the greeting of " + (config.has("name") ? "a name" : "nobody") + " is too long");
  }`,
);

/** A text as string literals have it. */
const wide = (text: string) => Buffer.from(text, "utf16le").toString("latin1");

describe("texts that are seldom needed", () => {
  it("stand in the module byte by byte, those of requests do not", async () => {
    const module = Buffer.from(await compileFilter(source)).toString("latin1");
    const cold = ["greetingToUse", "good morning", "the greeting of ", " is too long"];
    for (const text of [...cold, "nobody should ask for this", "another path", "the usual path"]) {
      expect([text, module.includes(text), module.includes(wide(text))]).toEqual([text, true, false]);
    }
    expect(module.includes(wide("x-needed-by-request"))).toBe(true);
  });

  it("read as they were written", async () => {
    const module = await compileFilter(source);
    const start = async (configuration: unknown) =>
      await startEmulator({ plugins: [{ module, configuration }], clusters: { app: () => ({}) } });
    await using host = await start({});
    await host.fetch("/");
    expect(host.requests("app")[0]!.header("x-needed-by-requests")).toBe("good morning");
    expect(host.requests("app")[0]!.header("x-explained")).toBe("the usual path");
    expect((await host.fetch("/", { headers: { "x-trap": "1" } })).status).toBe(503);
    await host.waitForLog("nobody should ask for this");
    await expect(start({ greetingToUse: "g".repeat(21), name: 1 })).rejects.toThrow(
      "the greeting of a name is too long",
    );
    await expect(start({ greetingToUs: "x" })).rejects.toThrow('did you mean "greetingToUse"?');
  });
});
