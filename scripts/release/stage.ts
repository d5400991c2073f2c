import { copyFile, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { build } from "@attache/cli";
import { compileFromFile } from "json-schema-to-typescript";
import { run } from "./run.ts";
import { publications, root, sourceFiles, type Manifest, type Publication } from "./packages.ts";

const rootManifest = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as Manifest;

/** Builds every package as it will be published, each in a folder of its own below `stageFolder`, which is emptied. */
export async function stageAll(stageFolder: string, progress: (line: string) => void): Promise<string[]> {
  await rm(stageFolder, { recursive: true, force: true });
  const folders: string[] = [];
  for (const publication of publications) {
    const manifest = await readManifest(publication.folder);
    const target = join(stageFolder, manifest.name.replace("@attache/", ""));
    await mkdir(target, { recursive: true });
    await stagers[publication.kind](publication, manifest, target);
    await copyFile(join(root, "LICENSE"), join(target, "LICENSE"));
    await copyIfThere(join(root, publication.folder, "README.md"), join(target, "README.md"));
    progress(`${manifest.name} ${manifest.version}`);
    folders.push(target);
  }
  return folders;
}

const stagers: Record<
  Publication["kind"],
  (publication: Publication, manifest: Manifest, target: string) => Promise<void>
> = { library: stageLibrary, sources: stageSources, filter: stageFilter };

async function readManifest(folder: string): Promise<Manifest> {
  const manifest = JSON.parse(await readFile(join(root, folder, "package.json"), "utf8")) as Manifest;
  if (manifest.version !== rootManifest.version) {
    throw new Error(
      `${folder}/package.json: version ${manifest.version}, and the repository is at ${rootManifest.version}`,
    );
  }
  return manifest;
}

/** JavaScript and declarations, compiled against the packages that are built already. */
async function stageLibrary({ folder }: Publication, manifest: Manifest, target: string): Promise<void> {
  const files = sourceFiles(folder);
  const config = join(dirname(target), `tsconfig.${folder}.json`);
  await writeFile(
    config,
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        allowImportingTsExtensions: false,
        rewriteRelativeImportExtensions: true,
        rootDir: join(root, folder),
        outDir: target,
        typeRoots: [join(root, "node_modules/@types")],
        paths: Object.fromEntries(
          Object.keys(manifest.dependencies ?? {})
            .filter((name) => name.startsWith("@attache/"))
            .flatMap((name) => {
              const built = join(dirname(target), name.replace("@attache/", ""));
              return [
                [name, [join(built, "index.d.ts")]],
                [`${name}/*`, [join(built, "*.d.ts"), join(built, "*/index.d.ts")]],
              ];
            }),
        ),
      },
      include: [],
      files: files
        .filter((file) => file.endsWith(".ts") && !file.includes("/testing/"))
        .map((file) => join(root, file)),
    }),
  );
  await run(join(root, "node_modules/.bin/tsc"), ["-p", config], { cwd: root });
  await rm(config);
  for (const file of files.filter((path) => /\.(json|mjs)$/.test(path))) {
    await copyFile(join(root, file), join(target, relative(folder, file)));
  }
  if (folder === "cli") await stageTemplates(target);
  await writeManifest(manifest, target, {
    ...(manifest.exports === undefined ? {} : { exports: mapValues(manifest.exports, builtExport) }),
    ...(manifest.bin === undefined ? {} : { bin: mapValues(manifest.bin, (path) => path.replace(/\.ts$/, ".js")) }),
  });
}

function builtExport(path: string): unknown {
  if (!path.endsWith(".ts")) return path;
  return { types: path.replace(/\.ts$/, ".d.ts"), default: path.replace(/\.ts$/, ".js") };
}

/** What `attache new` copies: the examples. */
async function stageTemplates(target: string): Promise<void> {
  const { templates } = await import("../../cli/commands/new.ts");
  for (const { folder } of Object.values(templates)) {
    await cp(join(root, "examples", folder), join(target, "templates", folder), {
      recursive: true,
      filter: (path) => !/\/(build|node_modules)$/.test(path),
    });
  }
}

async function stageSources({ folder }: Publication, manifest: Manifest, target: string): Promise<void> {
  for (const file of sourceFiles(folder)) {
    const path = join(target, relative(folder, file));
    await mkdir(dirname(path), { recursive: true });
    await copyFile(join(root, file), path);
  }
  await writeManifest(manifest, target, {});
}

/** The module with what is needed to load, configure and debug it. */
async function stageFilter({ folder }: Publication, manifest: Manifest, target: string): Promise<void> {
  const outFile = join(target, "plugin.wasm");
  await build({ entry: join(root, folder), outFile, sourceMap: true });
  for (const name of ["schema.json", "access-log.schema.json", "prometheus-rules.yaml"])
    await copyIfThere(join(root, folder, name), join(target, name));
  await cp(join(root, "docs/deploy", basename(folder)), join(target, "manifests"), { recursive: true });
  await stageConfigTypes(target);
  await writeFile(join(target, "index.js"), `export const module = new URL("plugin.wasm", import.meta.url);\n`);
  const config = existsSync(join(target, "config.d.ts")) ? `export type * from "./config.js";\n` : "";
  await writeFile(
    join(target, "index.d.ts"),
    `/** The compiled filter. */\nexport declare const module: URL;\n${config}`,
  );
  const { dependencies: _compiledIn, ...rest } = manifest;
  await writeManifest(rest as Manifest, target, {
    exports: { ".": { types: "./index.d.ts", default: "./index.js" }, "./*": "./*" },
  });
}

/** TypeScript's view of the configuration, from its schema. */
async function stageConfigTypes(target: string): Promise<void> {
  const schema = join(target, "schema.json");
  if (!existsSync(schema)) return;
  const options = { bannerComment: "/** The filter's configuration. */", declareExternallyReferenced: true };
  await writeFile(join(target, "config.d.ts"), await compileFromFile(schema, options));
}

async function writeManifest(manifest: Manifest, target: string, changes: object): Promise<void> {
  const { private: _private, ...published } = manifest;
  const whole = { ...published, engines: rootManifest["engines"], publishConfig: { access: "public" }, ...changes };
  await writeFile(join(target, "package.json"), `${JSON.stringify(whole, null, 2)}\n`);
}

async function copyIfThere(from: string, to: string): Promise<void> {
  if (existsSync(from)) await copyFile(from, to);
}

function mapValues<A, B>(record: Record<string, A>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
