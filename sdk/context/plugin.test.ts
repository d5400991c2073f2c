import { Emulator } from "@attache/harness";
import { eachHost } from "@attache/harness/vitest";
import { beforeAll, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

eachHost("plugins and streams", (start) => {
  const modules: Record<string, Uint8Array> = {};
  beforeAll(async () => {
    modules.configured = await compileFilter(
      filterSource(
        `override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
          headers.set("x-greeting", this.plugin.greeting.substring(0, 100));
          headers.set("x-pages", memory.size().toString());
          return FilterHeaders.Continue;
        }`,
        `greeting: string = "";
        override configure(config: ConfigReader): void { this.greeting = config.string("greeting", "hello"); }`,
      ),
    );
    modules.two = await compileFilter(
      filterSource("").replace(
        "registerPlugin(() => new TestPlugin());",
        `class Named extends HttpFilter {
          constructor(private name: string) { super(); }
          override onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): FilterHeaders {
            headers.append("x-plugin", this.name);
            return FilterHeaders.Continue;
          }
        }
        class A extends Plugin { override createFilter(): HttpFilter { return new Named("a"); } }
        class B extends Plugin { override createFilter(): HttpFilter { return new Named("b"); } }
        registerPlugin(() => new A());
        registerPlugin(() => new B(), "b");`,
      ),
    );
    modules.lingering = await compileFilter(
      filterSource(
        "",
        `override onDone(): bool { log.info("not yet"); this.startTimer(new End(this), 5, false); return false; }`,
      )
        .replace("import {", "import { Timer,")
        .replace(
          "registerPlugin(",
          `class End extends Timer {
            constructor(private plugin: TestPlugin) { super(); }
            override onTimer(): void { log.info("now: " + this.plugin.done().toString()); }
          }
          registerPlugin(`,
        ),
    );
    modules.aborting = await compileFilter(
      filterSource(`override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
        if (headers.has("x-crash")) throw new Error("on purpose");
        return FilterHeaders.Continue;
      }`),
    );
    modules.lifecycle = await compileFilter(
      filterSource(`
        override onLog(): void { log.info("log"); }
        override onDone(): void { log.info("done"); }
        override onDelete(): void { log.info("delete"); }`),
    );
  });

  it("reads its configuration; without one the defaults hold", async () => {
    const module = modules.configured!;
    await using given = await start({ plugins: [{ module, configuration: { greeting: "servus" } }] });
    expect((await given.fetch("/")).header("x-greeting")).toBe("servus");
    await using none = await start({ plugins: [{ module }] });
    expect((await none.fetch("/")).header("x-greeting")).toBe("hello");
  });

  it("is rejected with every problem of its configuration", async () => {
    const configuration = '{"greting": "hi", "greeting": 5}';
    const rejected = start({ plugins: [{ module: modules.configured!, configuration }] });
    await expect(rejected).rejects.toThrow(/greeting: .*number 5[^]*greting: .*"greeting"/);
  });

  it("is rejected when its configuration is not JSON", async () => {
    const rejected = start({ plugins: [{ module: modules.configured!, configuration: "{greeting}" }] });
    await expect(rejected).rejects.toThrow(/config rejected: .*line 1, column 2/);
  });

  it("keeps the old configuration when the new one is rejected", async () => {
    const module = modules.configured!;
    await using host = await start({ plugins: [{ module, configuration: { greeting: "old" } }] });
    await expect(host.update({ plugins: [{ module, configuration: { greeting: [] } }] })).rejects.toThrow(/array/);
    expect((await host.fetch("/")).header("x-greeting")).toBe("old");
    await host.update({ plugins: [{ module, configuration: { greeting: "new" } }] });
    expect((await host.fetch("/")).header("x-greeting")).toBe("new");
  });

  it("is chosen by root id, the unnamed one for all others", async () => {
    const module = modules.two!;
    await using host = await start({
      plugins: [
        { module, name: "first", rootId: "b" },
        { module, name: "second", rootId: "unknown" },
        { module, name: "third" },
      ],
    });
    const response = await host.fetch("/");
    const names = response.headers.filter(([name]) => name === "x-plugin").map(([, value]) => value);
    expect(names).toEqual(["a", "a", "b"]); // responses pass the chain backwards
  });

  it("says in the log where it aborted", async () => {
    await using host = await start({ plugins: [{ module: modules.aborting!, failurePolicy: "closed" }] });
    expect((await host.fetch("/")).status).toBe(200);
    expect((await host.fetch("/", { headers: { "x-crash": "1" } })).status).toBe(503);
    const line = await host.waitForLog("on purpose");
    expect(line.message).toMatch(/^on purpose at .*filter\.ts:\d+:\d+ in onRequestHeaders, context \d+$/);
    expect(line.level).toBe("critical");
    expect((await host.fetch("/")).status).toBe(503);
  });

  it("can put off its end until it is ready, as long as another plugin keeps the VM", async () => {
    const plugins = ["stays", "goes"].map((name) => ({ module: modules.lingering!, name }));
    await using host = await start({ plugins });
    await host.update({ plugins: plugins.slice(0, 1) });
    await host.waitForLog("not yet");
    if (host instanceof Emulator) host.advance(5);
    await host.waitForLog("now: true");
  });

  it("leaves nothing behind when it is replaced in a VM that lives on", async () => {
    const module = modules.configured!;
    const plugins = (greeting: string) => [
      { module, name: "stays", configuration: {} },
      { module, name: "changes", configuration: { greeting } },
    ];
    await using host = await start({ plugins: plugins("0") });
    const pages = async () => {
      await host.fetch("/"); // garbage is collected after callbacks
      return Number((await host.fetch("/")).header("x-pages"));
    };
    const update = async (round: number) => await host.update({ plugins: plugins(String(round).repeat(50_000)) });
    for (let round = 0; round < 30; round++) await update(round);
    const early = await pages();
    expect(early).toBeGreaterThan(0);
    for (let round = 0; round < 40; round++) await update(round);
    expect(await pages()).toBe(early);
  });

  it("is told when a stream ends: log, done, delete", async () => {
    await using host = await start({ plugins: [{ module: modules.lifecycle! }] });
    await host.fetch("/");
    await host.waitForLog("delete");
    expect(host.logs.map(({ message }) => message)).toEqual(["log", "done", "delete"]);
  });
});
