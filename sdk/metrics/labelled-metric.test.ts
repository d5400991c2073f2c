import { eachHost } from "@attache/harness/vitest";
import { beforeAll, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

eachHost("labelled metrics", (start) => {
  let module: Uint8Array;
  beforeAll(async () => {
    module = await compileFilter(
      filterSource(
        `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
          set.begin().bytes(headers.getBytes("value")).text("GET");
          const before = __allocatedBytes();
          requests.increment(set);
          sizes.record(set, 512);
          log.info("allocated " + (__allocatedBytes() - before).toString());
          levels.record(set, 7);
          levels.add(set, -2);
          log.info("series " + few.seriesCount.toString() + " " + few.increment(set, 2).toString());
          return FilterHeaders.Continue;
        }`,
      )
        .replace("import {", "import { LabelledCounter, LabelledGauge, LabelledHistogram, LabelSet,")
        .replace(
          "registerPlugin(",
          `const names = ["value", "method"], set = new LabelSet(2);
          const requests = new LabelledCounter("requests", names), sizes = new LabelledHistogram("sizes", names);
          const levels = new LabelledGauge("levels", names), few = new LabelledCounter("few", names, 3);
          registerPlugin(`,
        ),
    );
  });

  const series = (value: string, name: string) => `value=.=${value};.;method=.=GET;.;${name}`;

  it("are one statistic for each set of values, and find a known one without allocating", async () => {
    await using host = await start({ plugins: [{ module }] });
    for (const value of ["a", "b", "a", "a"]) await host.fetch("/", { headers: { value } });
    await host.waitForLog("allocated 0");
    expect(await host.metric(series("a", "requests"))).toBe(3);
    expect(await host.metric(series("b", "requests"))).toBe(1);
    expect(await host.metric(series("a", "levels"))).toBe(5);
    await host.fetch("/");
    expect(await host.metric(series("unknown", "requests"))).toBe(1);
  });

  it("stay bounded, and tell how much they could not tell apart", async () => {
    await using host = await start({ plugins: [{ module }] });
    for (let value = 0; value < 40; value++) await host.fetch("/", { headers: { value: `v${value}` } });
    await host.fetch("/", { headers: { value: "v1" } });
    await host.waitForLog("series 3");
    expect(await host.metric(series("v1", "few"))).toBe(4);
    expect(await host.metric(series("v3", "few"))).toBeNull();
    expect(await host.metric("value=.=_overflow;.;method=.=_overflow;.;few")).toBe(74);
    expect(await host.metric("few_dropped_series_total")).toBe(37);
    expect(await host.metric("requests_dropped_series_total")).toBeNull();
    for (let value = 0; value < 40; value++) {
      expect(await host.metric(series(`v${value}`, "requests"))).toBe(value === 1 ? 2 : 1);
    }
  });

  it.each([
    ["what would end the value", "x;.;method=.=POST;.;", "x;_;method=_=POST;_;"],
    ["a dot that would become part of the end", "a;.", "a;_"],
    ["what is not UTF-8", "\xff\xe4a", "__a"],
    ["a tab", "a\tb", "a_b"],
    ["text above 128 bytes", "x".repeat(200), "x".repeat(128)],
  ])("make values harmless: %s", async (_, value, expected) => {
    await using host = await start({ plugins: [{ module }] });
    await host.fetch("/", { headers: { value } });
    expect(await host.metric(series(expected, "requests"))).toBe(1);
  });

  it("makes values harmless wherever the flaw stands", async () => {
    await using host = await start({ plugins: [{ module }] });
    for (const [flaw, expected] of [
      ["\xff", "_"],
      ["\t", "_"],
      ["=.", "=_"],
      ["\xc3\xa4", "\u00e4"],
    ] as const) {
      for (const before of [1, 6, 7, 8, 9, 15, 16]) {
        for (const behind of [1, 7, 8]) {
          const [head, tail] = ["a".repeat(before), "b".repeat(behind)];
          await host.fetch("/", { headers: { value: head + flaw + tail } });
          expect(
            await host.metric(series(head + expected + tail, "requests")),
            `${before}, ${JSON.stringify(flaw)}, ${behind}`,
          ).not.toBeNull();
        }
      }
    }
  });
});
