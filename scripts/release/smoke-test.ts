import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { templates, type Template } from "../../cli/commands/new.ts";
import { npm } from "./npm.ts";
import { NpmRegistry } from "./npm-registry.ts";
import { publications } from "./packages.ts";
import type { Tarball } from "./pack.ts";

/**
 * Installs the packages into projects that know nothing of this repository: those that `npm create @attache` makes, whose
 * tests run in both hosts, and one that uses the ready filters.
 */
export async function smokeTest(tarballs: readonly Tarball[], progress: (line: string) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "attache-release-"));
  try {
    await using registry = await NpmRegistry.start(tarballs);
    const environment = { ...registry.environment, npm_config_cache: join(folder, "npm-cache") };
    const run = async (args: string[], cwd: string) => await npm(args, cwd, environment);
    const projects = join(folder, "projects");
    await mkdir(projects);
    for (const template of Object.keys(templates) as Template[]) {
      await run(["create", "--yes", "@attache", `try-${template}`, "--", "--template", template], projects);
      const project = join(projects, `try-${template}`);
      // The first one brings what all of them need, and the others find it around them.
      if (template === "hello") {
        await run(["install", ...quiet], project);
        await rename(join(project, "node_modules"), join(projects, "node_modules"));
      }
      await run(["test"], project);
      progress(`a new ${template} filter builds, and its tests pass`);
    }
    await tryFilters(projects, run);
    progress("the ready filters start");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const quiet = ["--no-audit", "--no-fund"];

/** Each ready filter from its package, in a test of the project's own. */
async function tryFilters(folder: string, run: (args: string[], cwd: string) => Promise<string>): Promise<void> {
  const project = join(folder, "filters");
  await mkdir(project);
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "filters", private: true, type: "module" }));
  const names = publications
    .filter(({ kind }) => kind === "filter")
    .map(({ folder }) => folder.replace("assembly/", ""));
  await writeFile(
    join(project, "filters.test.js"),
    `import { eachHost } from "@attache/harness/vitest";
import { expect, it } from "vitest";

eachHost("the filters", (start) => {
  it.each(${JSON.stringify(names)})("%s starts", async (name) => {
    const { module } = await import("@attache/" + name);
    const perAddress = { name: "ip", key: [{ maskedRemoteAddress: { v4: 32, v6: 64 } }], limit: 9, per: "1m" };
    const configurations = { "header-routing": { http: [] }, "rate-limit": { limits: [perAddress] } };
    await using host = await start({ plugins: [{ module, configuration: configurations[name] ?? {} }], clusters: { app: () => ({}) } });
    expect(typeof (await host.fetch("/")).status).toBe("number");
  });
});
`,
  );
  await run(["install", ...quiet, ...names.map((name) => `@attache/${name}`)], project);
  await run(["exec", "--", "vitest", "run"], project);
}
