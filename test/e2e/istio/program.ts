import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { access, constants, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cacheFolder } from "@attache/harness/envoy";

const sources = fileURLToPath(new URL(".", import.meta.url));
const run = promisify(execFile);

/** Where Istio's agent keeps the modules it has pulled; it cannot be told another place. */
export const agentFolder = "/var/lib/istio/data";

/** Istio's code as one program (`main.go`), and the template of what its agent starts Envoy with. */
export interface Istio {
  program: string;
  bootstrapTemplate: string;
}

/** The program that {@link buildIstio} put into the cache for these very sources, or `null`. */
export async function findIstio(): Promise<Istio | null> {
  const istio = inFolder(await programFolder());
  return (await mayUse(istio.program, constants.X_OK)) && (await mayUse(agentFolder, constants.W_OK)) ? istio : null;
}

/** Builds the program; the first time it takes about ten minutes and 3 GB of Go's caches. Needs Go. */
export async function buildIstio(progress: (line: string) => void): Promise<void> {
  await makeAgentFolder();
  const folder = await programFolder();
  await mkdir(cacheFolder(), { recursive: true });
  const temporary = await mkdtemp(join(cacheFolder(), "istio-build-"));
  try {
    const { program, bootstrapTemplate } = inFolder(temporary);
    await compile(program, progress);
    const { stdout: module } = await run("go", ["list", "-m", "-f", "{{.Dir}}", "istio.io/istio"], { cwd: sources });
    await copyFile(join(module.trim(), "tools/packaging/common/envoy_bootstrap.json"), bootstrapTemplate);
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

function inFolder(folder: string): Istio {
  return { program: join(folder, "istio"), bootstrapTemplate: join(folder, "envoy_bootstrap.json") };
}

/** Named by what is built, so that a program of other sources is not taken for it. */
async function programFolder(): Promise<string> {
  const hash = createHash("sha256");
  for (const entry of (await readdir(sources, { recursive: true })).sort()) {
    if (!/\.go$|^go\.(mod|sum)$/.test(entry)) continue;
    hash.update(relative(sources, join(sources, entry)));
    hash.update(await readFile(join(sources, entry)));
  }
  return join(cacheFolder(), `istio-${hash.digest("hex").slice(0, 12)}`);
}

async function compile(program: string, progress: (line: string) => void): Promise<void> {
  progress("Downloading the modules that Istio is made of …");
  const { stdout } = await run("go", ["list", "-deps", "."], { cwd: sources, maxBuffer: 1 << 26 }).catch((error) => {
    throw new Error(error.code === "ENOENT" ? "there is no Go: install it" : error.message);
  });
  const all = stdout.split("\n").length;
  progress(`Building Istio from ${all} packages, about ten minutes the first time …`);
  await new Promise<void>((resolve, reject) => {
    const options = ["-v", "-trimpath", "-ldflags=-s -w", "-o", program, "."];
    const child = spawn("go", ["build", ...options], { cwd: sources, stdio: ["ignore", "ignore", "pipe"] });
    let compiled = 0;
    let last = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      for (const line of text.trim().split("\n")) {
        last = line;
        if (++compiled % 200 === 0) progress(`Building Istio: ${compiled} of at most ${all} packages …`);
      }
    });
    child.on("error", reject);
    child.on("close", (status) => (status === 0 ? resolve() : reject(new Error(`go build failed: ${last}`))));
  });
}

async function makeAgentFolder(): Promise<void> {
  if (await mayUse(agentFolder, constants.W_OK)) return;
  if (process.getuid?.() === 0) return void (await mkdir(agentFolder, { recursive: true }));
  const owner = `${process.getuid?.()}`;
  await run("sudo", ["-n", "install", "-d", "-o", owner, agentFolder]).catch(() => {
    throw new Error(`${agentFolder} is not writable: run \`sudo install -d -o ${owner} ${agentFolder}\``);
  });
}

async function mayUse(path: string, mode: number): Promise<boolean> {
  return await access(path, mode).then(
    () => true,
    () => false,
  );
}
