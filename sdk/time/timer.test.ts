import { Emulator } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { beforeAll, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

eachHost("timers", (start, kind) => {
  let module: Uint8Array;
  beforeAll(async () => {
    module = await compileFilter(
      filterSource(
        "",
        `override configure(config: ConfigReader): void {
          this.startTimer(new Repeated("a"), 20);
          this.startTimer(new Repeated("b"), 50);
          this.startTimer(new Repeated("once"), 30, false);
          this.startTimer(new Stopping(), 10);
        }`,
      )
        .replace("import {", "import { Timer,")
        .replace(
          "registerPlugin(",
          `class Repeated extends Timer {
            count: i32 = 0;
            constructor(private name: string) { super(); }
            override onTimer(): void { log.info(this.name + " " + (++this.count).toString()); }
          }
          class Stopping extends Timer {
            count: i32 = 0;
            override onTimer(): void {
              log.info("stopping " + (++this.count).toString());
              if (this.count == 2) this.stop();
            }
          }
          registerPlugin(`,
        ),
    );
  });

  it("fire again and again, each in its own period, or once; a stopped one never", async () => {
    await using host = await start({ plugins: [{ module }] });
    if (host instanceof Emulator) host.advance(120);
    await host.waitForLog("a 5");
    await host.waitForLog("b 2");
    await host.waitForLog("once 1");
    const said = host.logs.map(({ message }) => message);
    expect(said).not.toContain("once 2");
    expect(said).not.toContain("stopping 3");
    // The first of each kind, as each thread has its own.
    const order = ["stopping 1", "a 1", "once 1", "b 1"].map((line) => said.indexOf(line));
    expect(order).toEqual([...order].sort((x, y) => x - y));
  });

  it.runIf(kind === "emulator")("fire at their times to the millisecond (virtual time)", async () => {
    await using host = await start({ plugins: [{ module }] });
    const fired = (milliseconds: number) => {
      const before = host.logs.length;
      (host as Emulator).advance(milliseconds);
      return new Set(host.logs.slice(before).map(({ message }) => message));
    };
    expect(fired(9)).toEqual(new Set());
    expect(fired(1)).toEqual(new Set(["stopping 1"]));
    expect(fired(10)).toEqual(new Set(["stopping 2", "a 1"]));
    expect(fired(10)).toEqual(new Set(["once 1"]));
    expect(fired(20)).toEqual(new Set(["a 2", "b 1"]));
  });

  it.runIf(kind === "emulator")("fire in time when the clock is set back by an hour (virtual time)", async () => {
    await using host = await start({ plugins: [{ module }] });
    const emulator = host as Emulator;
    emulator.advance(15);
    emulator.advance(-3_600_000);
    emulator.advance(100);
    const said = host.logs.map(({ message }) => message);
    for (const line of ["stopping 2", "a 4", "b 1", "once 1"]) expect(said).toContain(line);
  });
});
