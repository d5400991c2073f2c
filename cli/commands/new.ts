import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import packageJson from "../package.json" with { type: "json" };
import { Problem } from "../problem.ts";

/** What a new filter can begin as: an example, by its folder. */
export const templates = {
  hello: { folder: "hello-headers", purpose: "adds a response header" },
  auth: { folder: "api-key", purpose: "lets in whom it knows" },
  routing: { folder: "route-by-header", purpose: "chooses the upstream" },
  body: { folder: "body-rewrite", purpose: "changes bodies" },
  callout: { folder: "callout-auth", purpose: "asks another service" },
  tcp: { folder: "tcp-sniffing", purpose: "looks at TCP connections" },
} as const;

export type Template = keyof typeof templates;

/** Versions of what a new filter is built and tested with. */
const toolVersions = { assemblyscript: "~0.28.20", typescript: "~6.0.3", vitest: "^5.1.1" };

/**
 * Makes a folder with a filter that builds, and tests that run in the emulator and in Envoy. Nothing is left behind when
 * that fails.
 */
export async function newProject(path: string, template: Template): Promise<{ folder: string; files: string[] }> {
  const folder = resolve(path);
  const name = basename(folder);
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(name)) {
    throw new Problem(`${name}: is no package name: use lower-case letters, digits, dots, dashes and underscores`);
  }
  if (existsSync(folder) && (await readdir(folder)).length > 0) {
    throw new Problem(`${path}: there is something in this folder already`);
  }
  const draft = await draftFolder(folder);
  try {
    await writeProject(draft, name, template);
    await rm(folder, { recursive: true, force: true });
    await rename(draft, folder);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw new Problem(`${path}: cannot be made: ${(error as Error).message}`);
  }
  return { folder, files: (await readdir(folder)).sort() };
}

async function draftFolder(folder: string): Promise<string> {
  try {
    await mkdir(dirname(folder), { recursive: true });
    return await mkdtemp(join(dirname(folder), `.${basename(folder)}-`));
  } catch (error) {
    throw new Problem(`${dirname(folder)}: cannot be written to: ${(error as Error).message}`);
  }
}

async function writeProject(draft: string, name: string, template: Template): Promise<void> {
  const source = templateFolder(template);
  const isWanted = (file: string) => /\.(ts|proto)$/.test(file);
  for (const file of (await readdir(source)).filter(isWanted)) await cp(join(source, file), join(draft, file));
  const example = templates[template].folder;
  const envoyYaml = await readFile(join(source, "envoy.yaml"), "utf8");
  const config = configOf(envoyYaml);
  const files: Record<string, string> = {
    "envoy.yaml": envoyYaml.replaceAll(`examples/${example}/`, "").replaceAll(example, name),
    ...(config === null ? {} : { "config.yaml": stringify(config) }),
    "package.json": json(packageManifest(name, template, config !== null)),
    "README.md": readme(name, template),
    ".gitignore": "node_modules/\nbuild/\n",
    // An editor takes the language of filters for AssemblyScript, that of tests for TypeScript.
    "tsconfig.json": json({
      files: [],
      references: [{ path: "./tsconfig.filter.json" }, { path: "./tsconfig.test.json" }],
    }),
    "tsconfig.filter.json": json({
      extends: "assemblyscript/std/assembly.json",
      compilerOptions: { composite: true, noEmit: true },
      include: ["*.ts"],
      exclude: ["*.test.ts"],
    }),
    "tsconfig.test.json": json({
      compilerOptions: {
        composite: true,
        noEmit: true,
        strict: true,
        types: ["node"],
        module: "nodenext",
        target: "esnext",
        lib: ["esnext"],
      },
      include: ["*.test.ts"],
    }),
  };
  for (const [file, content] of Object.entries(files)) await writeFile(join(draft, file), content);
}

/** The configuration that an example is loaded with. */
function configOf(envoyYaml: string): unknown {
  const text = /value: '(\{.*\})'/.exec(envoyYaml)?.[1];
  return text === undefined ? null : JSON.parse(text);
}

/** Beside this command when it is installed as a package, among the examples in the repository. */
function templateFolder(template: Template): string {
  const { folder } = templates[template];
  const packaged = fileURLToPath(new URL(`../templates/${folder}`, import.meta.url));
  return existsSync(packaged) ? packaged : fileURLToPath(new URL(`../../examples/${folder}`, import.meta.url));
}

function packageManifest(name: string, template: Template, hasConfig: boolean): object {
  const ours = `^${packageJson.version}`;
  const serve = hasConfig ? "attache serve --config config.yaml" : "attache serve";
  return {
    name,
    version: "0.1.0",
    private: true,
    type: "module",
    scripts: {
      build: "attache build",
      test: "attache test",
      start: serve,
    },
    dependencies: { "@attache/sdk": ours },
    devDependencies: {
      "@attache/cli": ours,
      "@attache/harness": ours,
      "@types/node": "^24.0.0",
      ...toolVersions,
    },
  };
}

function readme(name: string, template: Template): string {
  return `# ${name}

A filter for Envoy and Istio that ${templates[template].purpose}, written in TypeScript with [Attaché](https://www.npmjs.com/package/@attache/sdk).

- \`npm install\`, then \`npm test\` builds it and runs [\`filter.test.ts\`](filter.test.ts) in the emulator, and in Envoy
  where there is one (\`$ENVOY\`, or Python 3 with pip).
- \`npm start\` serves it on port 10000, and reloads it when a file changes.
- \`npm run build\` makes \`build/plugin.wasm\`; [\`envoy.yaml\`](envoy.yaml) loads it: \`envoy -c envoy.yaml\`.
- \`npx attache push . HOST/NAME:TAG\` publishes it as an image, and \`npx attache manifest ${name} --url oci://HOST/NAME:TAG\`
  prints the WasmPlugin that loads it.
`;
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
