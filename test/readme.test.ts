import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "@attache/cli";
import { expect, it } from "vitest";

/** The README's filter and its test, in a folder of their own and otherwise as they stand there. */
const folder = fileURLToPath(new URL("build/readme/", import.meta.url));
const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
const [filter, test] = [...readme.matchAll(/```ts\n([^]*?)```/g)].map(([, code]) => code!);

await mkdir(folder, { recursive: true });
await writeFile(`${folder}filter.ts`, filter!);
await writeFile(`${folder}filter.test.ts`, test!);
await build({ entry: `${folder}filter.ts`, outFile: `${folder}build/plugin.wasm` });
process.chdir(folder);
await import(`${folder}filter.test.ts`);

it("shows a filter of 15 lines", () => {
  expect(filter!.split("\n").filter((line) => line !== "").length).toBe(15);
});

it.each([
  ["sdk", filter!],
  ["harness", test!],
])("stands with its code in the package %s as well", async (name, code) => {
  expect(await readFile(new URL(`../${name}/README.md`, import.meta.url), "utf8")).toContain(code);
});
