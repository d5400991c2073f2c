import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newProject, templates, type Template } from "./new.ts";

// That what it makes builds and passes its tests is shown with the packages: scripts/release/release.test.ts.
describe("attache new", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "attache-new-"));
  });
  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  it.each(Object.keys(templates) as Template[])("makes a project from the template %s", async (template) => {
    const project = join(folder, "deep", `my-${template}`);
    const { files } = await newProject(project, template);
    expect(files).toEqual(
      expect.arrayContaining(["README.md", "envoy.yaml", "filter.test.ts", "filter.ts", "package.json"]),
    );
    const manifest = JSON.parse(await readFile(join(project, "package.json"), "utf8"));
    expect(manifest.name).toBe(`my-${template}`);
    expect(/config/.test(manifest.scripts.start)).toBe(files.includes("config.yaml"));
    const envoyYaml = await readFile(join(project, "envoy.yaml"), "utf8");
    expect(envoyYaml).toContain("filename: build/plugin.wasm");
    expect(envoyYaml).toContain(`name: my-${template}`);
  });

  it("takes an empty folder, and leaves one that is not alone", async () => {
    await mkdir(join(folder, "empty"));
    await newProject(join(folder, "empty"), "hello");
    await mkdir(join(folder, "full"));
    await writeFile(join(folder, "full", "notes.txt"), "mine");
    await expect(newProject(join(folder, "full"), "hello")).rejects.toThrow(
      /there is something in this folder already/,
    );
    expect(await readdir(join(folder, "full"))).toEqual(["notes.txt"]);
  });

  it("says what is wrong with a name, and makes nothing", async () => {
    await expect(newProject(join(folder, "My Filter"), "hello")).rejects.toThrow(/My Filter: is no package name/);
    await expect(newProject(join(folder, "full", "notes.txt", "a"), "hello")).rejects.toThrow(/cannot be written to/);
    expect((await readdir(folder)).filter((name) => name.startsWith("."))).toEqual([]);
  });
});
