import { eachHost } from "@attache/harness/vitest";
import { beforeAll, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

eachHost("metrics", (start) => {
  let module: Uint8Array;
  beforeAll(async () => {
    module = await compileFilter(
      filterSource(
        `override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
          requests.increment();
          requests.increment(0);
          bytes.increment(4000000000);
          inFlight.add(2);
          inFlight.add(-1);
          level.set(18446744073709551615);
          log.info("sizes " + sizes.record(512).toString());
          log.info("read " + requests.value.toString() + " " + inFlight.value.toString());
          return FilterHeaders.Continue;
        }`,
      )
        .replace("import {", "import { Counter, Gauge, Histogram,")
        .replace(
          "registerPlugin(",
          `const requests = new Counter("requests_total"), bytes = new Counter("bytes.total");
          const inFlight = new Gauge("in_flight"), level = new Gauge("level"), sizes = new Histogram("sizes");
          registerPlugin(`,
        ),
    );
  });

  it("count, go up and down, and can be read back", async () => {
    await using host = await start({ plugins: [{ module }] });
    await host.fetch("/");
    await host.waitForLog("read 1 1");
    await host.fetch("/");
    await host.waitForLog("read 2 2");
    await host.waitForLog("sizes true");
    expect(await host.metric("requests_total")).toBe(2);
    expect(await host.metric("bytes.total")).toBe(8_000_000_000);
    expect(await host.metric("in_flight")).toBe(2);
    expect(await host.metric("never")).toBeNull();
  });

  it("are defined at their first use, once", async () => {
    await using host = await start({ plugins: [{ module }], logLevel: "trace" });
    expect(host.transcript.join("\n")).not.toContain("proxy_define_metric");
    await host.fetch("/");
    await host.fetch("/");
    await host.waitForLog("read 2 2");
    const defined = host.transcript.filter((line) => line.startsWith("[vm->host] env.proxy_define_metric("));
    expect(defined).toHaveLength(5);
  });
});
