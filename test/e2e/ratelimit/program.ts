import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, constants, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cacheFolder } from "@attache/harness/envoy";

const sources = fileURLToPath(new URL(".", import.meta.url));
const run = promisify(execFile);

/** Path of the service that {@link buildRateLimitService} put into the cache for this very `go.mod`, or `null`. */
export async function findRateLimitService(): Promise<string | null> {
  const program = await programPath();
  return await access(program, constants.X_OK).then(
    () => program,
    () => null,
  );
}

/** Builds the service, in about a minute the first time. Needs Go. */
export async function buildRateLimitService(progress: (line: string) => void): Promise<void> {
  progress("Building the rate limit service …");
  const program = await programPath();
  await mkdir(cacheFolder(), { recursive: true });
  const temporary = await mkdtemp(join(cacheFolder(), "ratelimit-build-"));
  try {
    const built = join(temporary, "ratelimit");
    const options = ["-trimpath", "-ldflags=-s -w", "-o", built, "github.com/envoyproxy/ratelimit/src/service_cmd"];
    await run("go", ["build", ...options], { cwd: sources, maxBuffer: 1 << 26 }).catch((error) => {
      throw new Error(error.code === "ENOENT" ? "there is no Go: install it" : error.message);
    });
    await rename(built, program);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Named by what is built, so that a program of other sources is not taken for it. */
async function programPath(): Promise<string> {
  const hash = createHash("sha256");
  for (const name of ["go.mod", "go.sum"]) hash.update(await readFile(join(sources, name)));
  return join(cacheFolder(), `ratelimit-${hash.digest("hex").slice(0, 12)}`);
}
