import { eachHost } from "@attache/harness/vitest";
import { beforeAll, expect, it } from "vitest";
import { compileFilter, filterSource } from "../../test/compile-filter.ts";

const source = filterSource(
  "",
  `override configure(config: ConfigReader): void {
    config.expandEnvironment();
    config.string("a", "");
    publishConfigStatus(config);
  }`,
).replace("import {", "import { publishConfigStatus,");

eachHost("the status of a configuration", (start) => {
  let module: Uint8Array;
  beforeAll(async () => {
    module = await compileFilter(source);
  });

  it("is in gauges, which tell of a rejected update, and which configuration is in effect", async () => {
    const plugins = (a: unknown) => [
      { module, name: "shop.one", configuration: { a } },
      { module, name: "two", configuration: { a: "2" } },
    ];
    await using host = await start({ plugins: plugins("1") });
    const status = async (name: string) => [
      await host.metric(`plugin=.=${name};.;config_ok`),
      await host.metric(`plugin=.=${name};.;config_hash`),
    ];
    const [isAccepted, hash] = await status("shop.one");
    expect(isAccepted).toBe(1);
    const other = await status("two");
    expect(other).toEqual([1, expect.any(Number)]);
    expect(other[1]).not.toBe(hash);

    await expect(host.update({ plugins: plugins(5) })).rejects.toThrow("a: expected a string, found the number 5");
    expect(await status("shop.one")).toEqual([0, hash]);
    expect(await status("two")).toEqual(other);

    await host.update({ plugins: plugins("2") });
    expect(await status("shop.one")).toEqual([1, other[1]]);
    await host.update({ plugins: plugins("1") });
    expect(await status("shop.one")).toEqual([1, hash]);
  });

  it("does not tell values of environment variables apart, which may be secrets", async () => {
    const hashOf = async (environment: Record<string, string>) => {
      await using host = await start({ plugins: [{ module, name: "p", configuration: { a: "${A}" }, environment }] });
      return await host.metric("plugin=.=p;.;config_hash");
    };
    expect(await hashOf({ A: "one" })).toBe(await hashOf({ A: "two" }));
  });
});
