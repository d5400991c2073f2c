import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, constants, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cacheFolder } from "@attache/harness/envoy";

const run = promisify(execFile);

/** A program that is built from a published Go module. */
export class GoProgram {
  readonly #name: string;
  readonly #package: string;
  readonly #folder: string;

  /** @param folder whose `go.mod` says which version of what */
  constructor(name: string, importPath: string, folder: string) {
    this.#name = name;
    this.#package = importPath;
    this.#folder = fileURLToPath(new URL(folder, import.meta.url));
  }

  /** Path of the program that {@link build} put into the cache for this very `go.mod`, or `null`. */
  async find(): Promise<string | null> {
    const program = await this.#path();
    return await access(program, constants.X_OK).then(
      () => program,
      () => null,
    );
  }

  /** Builds it. Needs Go. */
  async build(progress: (line: string) => void): Promise<void> {
    progress(`Building ${this.#name} …`);
    const program = await this.#path();
    await mkdir(cacheFolder(), { recursive: true });
    const temporary = await mkdtemp(join(cacheFolder(), `${this.#name}-build-`));
    try {
      const built = join(temporary, this.#name);
      const options = ["-trimpath", "-ldflags=-s -w", "-o", built, this.#package];
      await run("go", ["build", ...options], { cwd: this.#folder, maxBuffer: 1 << 26 }).catch((error) => {
        throw new Error(error.code === "ENOENT" ? "there is no Go: install it" : error.message);
      });
      await rename(built, program);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }

  /** Named by what is built, so that a program of other sources is not taken for it. */
  async #path(): Promise<string> {
    const hash = createHash("sha256");
    for (const name of ["go.mod", "go.sum"]) hash.update(await readFile(join(this.#folder, name)));
    return join(cacheFolder(), `${this.#name}-${hash.digest("hex").slice(0, 12)}`);
  }
}

/** Open Policy Agent. */
export const opa = new GoProgram("opa", "github.com/open-policy-agent/opa", ".");

/** The sample service of Istio's documentation on external authorization. */
export const extAuthz = new GoProgram("extauthz", "istio.io/istio/samples/extauthz/cmd/extauthz", "../istio");
