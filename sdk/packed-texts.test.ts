import { startEmulator } from "@attache/harness";
import { describe, expect, it } from "vitest";
import { compileFilter, filterSource } from "../test/compile-filter.ts";

const long = "a text that is longer than the others, ".repeat(5);
const answers = ["", "x", "aaa", "aaaaaaa", "good morning", "grüß Gott", "добрый день", "お早う 🌅", long];
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
  it("take less room in the module than they have characters", async () => {
    const module = Buffer.from(await compileFilter(source));
    for (const text of ["greetingToUse", "there is no greeting", "good morning", ...many]) {
      expect([text, module.includes(text), module.includes(text, "utf16le")]).toEqual([text, false, false]);
    }
    expect(module.length).toBeLessThan(many.join("").length);
  });

  it("read as they were written", async () => {
    const module = await compileFilter(source);
    await using host = await startEmulator({ plugins: [{ module, configuration: { greetingToUse: "hello" } }] });
    for (const [index, text] of [...answers, ...many].entries())
      expect([index, (await host.fetch(`/${index}`)).text()]).toEqual([index, text]);
    await expect(startEmulator({ plugins: [{ module }] })).rejects.toThrow("there is no greeting");
  });
});
