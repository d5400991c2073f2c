import { startEmulator } from "@attache/harness";
import { describe, expect, it } from "vitest";
import { compileFilter, filterSource } from "../test/compile-filter.ts";

const long = "a text that is longer than the others, ".repeat(5);
const answers = ["", "x", "good morning", "grüß Gott", "добрый день", "お早う 🌅", long];
/** More than a page of memory. */
const many = Array.from(
  { length: 400 },
  (_, index) => `${index} is one of very many texts in this filter, none of which is short`,
);

const source = filterSource(
  `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
    const index = i32(parseInt(headers.path.substring(1)));
    return new LocalReply(200).text(this.plugin.answers[index]).send();
  }`,
  `answers: string[] = [${[...answers, ...many].map((text) => JSON.stringify(text)).join(", ")}];
  override configure(config: ConfigReader): void {
    if (!config.has("greetingToUse")) config.error("there is no greeting");
  }`,
);

describe("texts of a filter", () => {
  it("stand in the module byte by byte", async () => {
    const module = Buffer.from(await compileFilter(source)).toString("latin1");
    for (const text of ["greetingToUse", "there is no greeting", "good morning", "grüß Gott", ...many]) {
      const wide = Buffer.from(text, "utf16le").toString("latin1");
      expect([text, module.includes(text), module.includes(wide)]).toEqual([text, true, false]);
    }
  });

  it("read as they were written", async () => {
    const module = await compileFilter(source);
    await using host = await startEmulator({ plugins: [{ module, configuration: { greetingToUse: "hello" } }] });
    for (const [index, text] of [...answers, ...many].entries())
      expect([index, (await host.fetch(`/${index}`)).text()]).toEqual([index, text]);
    await expect(startEmulator({ plugins: [{ module }] })).rejects.toThrow("there is no greeting");
  });
});
