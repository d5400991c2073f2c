import { installEnvoy } from "@attache/harness/envoy";
import { optionalParts } from "./optional-parts.ts";

/**
 * Brings what the project's commands use besides npm packages: Envoy, and with `--all` the parts that only some suites
 * need. What is there already stays as it is.
 */
export async function setUp(all: boolean, progress: (line: string) => void): Promise<boolean> {
  let complete = true;
  const attempt = async (name: string, install: () => Promise<string>) => {
    try {
      progress(`${name}: ${await install()}`);
    } catch (error) {
      complete = false;
      progress(`${name}: NOT INSTALLED: ${(error as Error).message}`);
    }
  };
  await attempt("Envoy", () => installEnvoy(progress));
  if (!all) return complete;
  for (const part of optionalParts) {
    await attempt(`${part.name} (${part.purpose})`, async () => {
      if (await part.isThere()) return "there";
      progress(`Installing ${part.name} …`);
      await part.install(progress);
      if (!(await part.isThere())) throw new Error("it was installed, but is not to be found");
      return "installed";
    });
  }
  return complete;
}

if (import.meta.main) {
  const complete = await setUp(process.argv.includes("--all"), console.log);
  process.exitCode = complete ? 0 : 1;
}
