import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { guest } from "../../harness/testing/guest.ts";
import { checkConfiguration, describeConfiguration, findFilter } from "./check-configuration.ts";

const routing = fileURLToPath(new URL("../../assembly/header-routing", import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "attache-configuration-"));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

async function check(text: string, filter = routing, name = "config.yaml", variables?: string[]) {
  const file = join(folder, name);
  await writeFile(file, text);
  return await checkConfiguration(file, await findFilter(filter), variables);
}

describe("attache check --filter", () => {
  it.each([
    ["config.yaml", "http:\n  - route:\n      - destination: { host: a }\n"],
    ["config.json", '{"http":[{"route":[{"destination":{"host":"a"}}]}]}'],
  ])("takes what the filter and its schema take: %s", async (name, text) => {
    const report = await check(text, routing, name);
    expect(report).toEqual({
      file: join(folder, name),
      module: join(routing, "build/plugin.wasm"),
      schema: join(routing, "schema.json"),
      notes: [],
    });
    expect(describeConfiguration(report)).toMatch(/config\.\w+: .*plugin\.wasm takes it, and it fits .*schema\.json$/);
  });

  it("names all that is wrong in the filter's own words, each behind the file", async () => {
    await expect(check("http: [{ rout: [] }, { match: [{ uri: { regex: '(' } }] }]")).rejects.toThrow(
      /config\.yaml: http\[1\]\.match\[0\]\.uri\.regex: column 1: .*\n(.*\n)*.*config\.yaml: http\[0\]\.rout: unknown field, did you mean "route"\?$/,
    );
  });

  it("puts in environment variables, where the schema cannot tell what becomes of them", async () => {
    const text = "http: [{ route: [{ destination: { host: '${HOST}' }, weight: '${WEIGHT}' }] }]";
    expect(await check(text, routing, "env.yaml", ["HOST=a", "WEIGHT=1", "WEIGHT=100"])).toMatchObject({ notes: [] });
    await expect(check(text, routing, "env.yaml", ["HOSTS=a", "WEIGHT="])).rejects.toThrow(
      /destination\.host: the environment variable HOST is not set, did you mean "HOSTS"\?\n[^]*weight: expected an integer/,
    );
    await expect(check(text, routing, "env.yaml", ["=a"])).rejects.toThrow("--env =a: expected NAME=VALUE");
  });

  it("says what is no JSON, and what is no YAML", async () => {
    await expect(check("{", routing, "config.json")).rejects.toThrow(/config\.json: .*column/i);
    await expect(check("a: [", routing)).rejects.toThrow(/config\.yaml: /);
    await expect(checkConfiguration(join(folder, "none.yaml"), await findFilter(routing))).rejects.toThrow(
      /none\.yaml: cannot be read: ENOENT/,
    );
  });

  it("asks a module without a schema, in any language", async () => {
    const module = join(folder, "plugin.wasm");
    const code = await guest((w) => ({
      proxy_on_configure: `${w.log("looks at it")} (drop ${w.call("proxy_log", 3, ["is old"])}) (i32.lt_u (local.get 1) (i32.const 10))`,
    }));
    await writeFile(module, code);
    expect(await check("a: 1", module)).toMatchObject({ schema: null, notes: ["is old"] });
    await expect(check("a: 12345678", module)).rejects.toThrow(/plugin "plugin" was rejected/);
  });

  it("ends a configure that never returns", async () => {
    const module = join(folder, "endless.wasm");
    await writeFile(module, await guest(() => ({ proxy_on_configure: "(loop $l (br $l)) (i32.const 1)" })));
    await expect(check("a: 1", module)).rejects.toThrow(/proxy_on_configure did not return within/);
  }, 30_000);

  it.each([
    [join(routing, "nowhere"), /there is no such file/],
    [fileURLToPath(new URL("../manifest", import.meta.url)), /there is no module: run `attache build/],
  ])("says where there is no filter", async (filter, message) => {
    await expect(findFilter(filter)).rejects.toThrow(message);
  });
});
