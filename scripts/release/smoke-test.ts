import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { templates, toolVersions } from "../../cli/commands/new.ts";
import { npm } from "./npm.ts";
import { publications, type Manifest } from "./packages.ts";
import type { Tarball } from "./pack.ts";

/**
 * Installs the packages into projects that know nothing of this repository: those that `npm create @attache` makes, whose
 * tests run in both hosts, and one that uses the ready filters.
 */
export async function smokeTest(tarballs: readonly Tarball[], progress: (line: string) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "attache-release-"));
  try {
    await install(folder, tarballs);
    for (const template of Object.keys(templates)) {
      const project = join(folder, `try-${template}`);
      await npm(["exec", "--offline", "--", "create", project, "--template", template], folder);
      // One installs its own packages, the others find those of the folder around them.
      if (template === "hello") await install(project, tarballs);
      await npm(["test"], project);
      progress(`a new ${template} filter builds, and its tests pass`);
    }
    await tryFilters(folder);
    progress("the ready filters start");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Installs what a project depends on, with our packages from their tarballs. */
async function install(project: string, tarballs: readonly Tarball[]): Promise<void> {
  await mkdir(project, { recursive: true });
  const path = join(project, "package.json");
  const manifest: Partial<Manifest> = existsSync(path)
    ? (JSON.parse(await readFile(path, "utf8")) as Manifest)
    : { name: "smoke-test", private: true, type: "module", devDependencies: toolVersions };
  const ours = Object.fromEntries(tarballs.map(({ name, file }) => [name, `file:${file}`]));
  const development = Object.entries((manifest["devDependencies"] ?? {}) as Record<string, string>);
  await writeFile(
    path,
    JSON.stringify({
      ...manifest,
      dependencies: ours,
      devDependencies: Object.fromEntries(development.filter(([name]) => !(name in ours))),
    }),
  );
  await npm(["install", "--no-audit", "--no-fund", "--prefer-offline"], project);
}

/** Each ready filter from its package, in a test of the project's own. */
async function tryFilters(project: string): Promise<void> {
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
  await npm(["exec", "--", "vitest", "run", "filters.test.js"], project);
}
