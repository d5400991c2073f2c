import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitUntil } from "../harness/envoy/wait.ts";
import { build, BuildError } from "./build.ts";
import type { ModuleSizes } from "./sizes.ts";

/** Inside the repository, so that the SDK is found. */
const folder = fileURLToPath(new URL("build/tests/", import.meta.url));
const main = fileURLToPath(new URL("main.ts", import.meta.url));

const filter = (top: string, exports = `export * from "@attache/sdk/proxy";`) => `
import { HttpFilter, Plugin, registerPlugin } from "@attache/sdk";
${exports}
class Minimal extends Plugin {}
registerPlugin(() => new Minimal());
${top}
`;

beforeAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
});

/** What the build says about a source; empty when it takes it. */
async function complaint(name: string, source: string): Promise<string> {
  const entry = join(folder, `${name}.ts`);
  await writeFile(entry, source);
  return await build({ entry, outFile: join(folder, `${name}.wasm`) }).then(
    () => "",
    (error: unknown) => (error instanceof BuildError ? error.message : Promise.reject(error as Error)),
  );
}

describe("attache build refuses, naming the culprit and the cure,", () => {
  it.each([
    ["Math.random", `export function roll(): f64 { return Math.random(); }`, "env.seed"],
    ["Date.now", `export function now(): i64 { return Date.now(); }`, "env.Date.now"],
    ["console.log", `export function say(): void { console.log("hello"); }`, "env.console.log"],
    [
      "a host function of its own",
      `@external("env", "proxy_teleport") declare function teleport(): void;\nexport function go(): void { teleport(); }`,
      "env.proxy_teleport",
    ],
  ])("an import that Envoy lacks: %s", async (name, top, culprit) => {
    const said = await complaint(name.replaceAll(/\W/g, "-"), filter(top));
    expect(said).toContain("Envoy would refuse this filter");
    expect(said).toContain(culprit);
    await expect(stat(join(folder, `${name.replaceAll(/\W/g, "-")}.wasm`))).rejects.toThrow();
  });

  it("v128 in an exported signature", async () => {
    await mkdir(join(folder, "simd"));
    await writeFile(join(folder, "simd", "package.json"), "{}");
    await writeFile(join(folder, "simd", "asconfig.json"), `{ "options": { "enable": ["simd"] } }`);
    await writeFile(
      join(folder, "simd", "filter.ts"),
      filter(`export function vector(): v128 { return i32x4.splat(1); }`),
    );
    await expect(build({ entry: join(folder, "simd") })).rejects.toThrow(/vector.*v128/);
  });

  it("a module without the proxy's callbacks", async () => {
    expect(await complaint("no-exports", filter("", ""))).toMatch(
      /no Proxy-Wasm ABI marker.*re-exports its proxy module/,
    );
  });

  it("a source that does not compile, with file and line", async () => {
    const said = await complaint("wrong", filter("const x: string = 5;"));
    expect(said).toMatch(/wrong\.ts\(\d+,\d+\)/);
    expect(said).toContain("does not compile");
  });

  it("a file or folder that is not there", async () => {
    await expect(build({ entry: join(folder, "none.ts") })).rejects.toThrow(/none\.ts: there is no such file/);
    await expect(build({ entry: tmpdir() })).rejects.toThrow(/neither a filter\.ts nor an index\.ts/);
  });

  it("a package without the SDK", async () => {
    const outside = await mkdtemp(join(tmpdir(), "attache-test-"));
    await writeFile(join(outside, "filter.ts"), filter(""));
    await expect(build({ entry: outside })).rejects.toThrow(/@attache\/sdk is not installed here/);
    await rm(outside, { recursive: true });
  });
});

describe("attache build", () => {
  it("keeps the options a filter cannot do without, whatever the package's asconfig.json says", async () => {
    const own = join(folder, "own-options");
    await mkdir(own);
    await writeFile(join(own, "package.json"), "{}");
    await writeFile(join(own, "asconfig.json"), `{ "options": { "runtime": "stub", "exportStart": "_start" } }`);
    await writeFile(join(own, "filter.ts"), filter(""));
    const { outFile, size } = await build({ entry: own });
    expect(outFile).toBe(join(own, "build", "plugin.wasm"));
    expect((await readFile(outFile)).length).toBe(size);
    expect((await readFile(outFile)).includes("_initialize")).toBe(true);
  });

  it("gives the same bytes for the same source", async () => {
    expect(await complaint("first", filter(""))).toBe("");
    expect(await complaint("second", filter(""))).toBe("");
    expect(await readFile(join(folder, "first.wasm"))).toEqual(await readFile(join(folder, "second.wasm")));
  });

  it("says that the module cannot be written where a folder should be", async () => {
    const entry = join(folder, "unwritable.ts");
    await writeFile(entry, filter(""));
    const outFile = join(entry, "plugin.wasm");
    await expect(build({ entry, outFile })).rejects.toThrow(/unwritable\.ts\/plugin\.wasm: cannot write the module/);
  });

  it("leaves an older module as it was when the new source is wrong, and nothing half-written", async () => {
    expect(await complaint("kept", filter(""))).toBe("");
    const before = await readFile(join(folder, "kept.wasm"));
    expect(await complaint("kept", filter("oops("))).not.toBe("");
    expect(await readFile(join(folder, "kept.wasm"))).toEqual(before);
    expect((await readdir(folder)).filter((name) => name.startsWith("."))).toEqual([]);
  });
});

describe("the command line", () => {
  const run = async (...args: string[]) =>
    await new Promise<{ status: number; stdout: string; stderr: string }>((resolve) => {
      execFile(process.execPath, [main, ...args], (error, stdout, stderr) =>
        resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });

  it("prints what it made", async () => {
    await writeFile(join(folder, "cli.ts"), filter(""));
    const { status, stdout } = await run("build", join(folder, "cli.ts"), "--out", join(folder, "cli.wasm"));
    expect(status).toBe(0);
    expect(stdout).toMatch(/cli\.wasm: [\d,]+ bytes\n$/);
  });

  it("says what the module's bytes are, function by function", async () => {
    const [source, out] = [join(folder, "sizes.ts"), join(folder, "sizes.wasm")];
    await writeFile(source, filter(""));
    const text = (await run("build", source, "--out", out, "--sizes")).stdout;
    expect(text).toMatch(/^ +[\d,]+ {2}code: .*[\d,]+ of @attache\/sdk, /m);
    expect(text).toMatch(/^ +\d+ {2}~lib\/@attache\/sdk\/proxy\/proxy_on_context_create$/m);
    const { bytes, sizes } = JSON.parse((await run("build", source, "--out", out, "--sizes", "--json")).stdout) as {
      bytes: number;
      sizes: ModuleSizes;
    };
    expect([bytes, sizes.code + sizes.data + sizes.other]).toEqual([(await stat(out)).size, bytes]);
    const inFunctions = sizes.functions.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(sizes.code - inFunctions).toBeLessThan(10);
  });

  it("builds again when a source changes, and keeps what it had when that is wrong", async () => {
    const own = join(folder, "watched");
    await mkdir(own);
    await writeFile(join(own, "package.json"), "{}");
    await writeFile(join(own, "filter.ts"), filter(""));
    const child = spawn(process.execPath, [main, "build", own, "--watch", "--debug"]);
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (said += data));
    const heard = async (text: RegExp) => await waitUntil(`${text}`, async () => text.test(said) || null, 60_000);
    try {
      await heard(/plugin\.wasm: [\d,]+ bytes\n/);
      await writeFile(join(own, "filter.ts"), filter("oops("));
      await heard(/does not compile/);
      const before = (await stat(join(own, "build", "plugin.wasm"))).size;
      said = "";
      await writeFile(join(own, "filter.ts"), filter("export function more(): i32 { return 7; }"));
      await heard(/plugin\.wasm: [\d,]+ bytes\n/);
      expect((await stat(join(own, "build", "plugin.wasm"))).size).toBeGreaterThan(before);
    } finally {
      child.kill();
    }
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(0);
  });

  it("exits with 1 for a filter that is wrong, with 2 for a command line that is, never with a stack trace", async () => {
    const missing = await run("build", "no-such-folder");
    expect([missing.status, missing.stderr]).toEqual([1, expect.stringContaining("no-such-folder")]);
    const unknown = await run("bild");
    expect([unknown.status, unknown.stderr]).toEqual([2, expect.stringContaining("unknown command 'bild'")]);
    const option = await run("build", "--optimise");
    expect([option.status, option.stderr]).toEqual([2, expect.stringContaining("--optimise")]);
    for (const { stderr } of [missing, unknown, option]) expect(stderr).not.toMatch(/\n\s+at /);
  });
});

afterAll(async () => await rm(folder, { recursive: true, force: true }));
