import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "@attache/cli";
import { startEmulator } from "@attache/harness";
import { expect, it } from "vitest";
import "../vitest/index.ts";
import { filterSource } from "../../test/compile-filter.ts";

const folder = fileURLToPath(new URL("../../sdk/build/tests/source-map/", import.meta.url));
const source = filterSource(`override onRequestHeaders(headers: RequestHeaders, endOfStream: bool): FilterHeaders {
  if (headers.has("x-trap")) unreachable();
  return FilterHeaders.Continue;
}`);

async function compiled(sourceMap: boolean): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const entry = join(folder, "filter.ts");
  await writeFile(entry, source);
  return (await build({ entry, outFile: join(folder, "plugin.wasm"), sourceMap, debug: true })).outFile;
}

it("a trap names its place in the source by the map beside the module", async () => {
  const module = await compiled(true);
  await using host = await startEmulator({ plugins: [{ module, name: "trapping" }] });
  await host.fetch("/");
  expect(host).toHaveNoTraps();
  await host.fetch("/", { headers: { "x-trap": "1" } });
  const line = 1 + source.split("\n").findIndex((text) => text.includes("unreachable()"));
  expect(host.traps).toMatchObject([
    {
      plugin: "trapping",
      callback: "proxy_on_request_headers",
      message: "unreachable",
      frames: expect.arrayContaining([
        expect.objectContaining({
          function: expect.stringContaining("TestFilter#onRequestHeaders") as string,
          position: expect.objectContaining({ source: expect.stringMatching(/filter\.ts$/) as string, line }) as object,
        }),
      ]) as object[],
    },
  ]);
  expect(() => expect(host).toHaveNoTraps()).toThrow(
    new RegExp(
      `trapping, proxy_on_request_headers: unreachable\\n {4}at .*TestFilter#onRequestHeaders \\(.*filter\\.ts:${line}:`,
    ),
  );
});

it("a trap has no places without a map, and a build without one removes an older one", async () => {
  await compiled(true);
  const module = (await build({ entry: join(folder, "filter.ts"), outFile: join(folder, "plugin.wasm"), debug: true }))
    .outFile;
  await using host = await startEmulator({ plugins: [{ module }] });
  await host.fetch("/", { headers: { "x-trap": "1" } });
  expect(host.traps[0]!.frames.every(({ position }) => position === null)).toBe(true);
});
