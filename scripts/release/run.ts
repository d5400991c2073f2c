import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Runs a program to its end; its output is in the error when it fails. */
export async function run(
  program: string,
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args, { ...options, maxBuffer: 1 << 26 });
    return stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(" ")} failed in ${options.cwd}:\n${stdout}${stderr}`, { cause: error });
  }
}
