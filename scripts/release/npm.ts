import { root } from "./packages.ts";
import { run } from "./run.ts";

/** Runs the npm this script was started with, in the pinned Node; `node_modules/.bin` can hold one a dependency brought. */
export async function npm(
  args: readonly string[],
  cwd: string,
  environment: Record<string, string> = {},
): Promise<string> {
  const own = process.env["npm_execpath"];
  const [program, first] = own === undefined ? ["npm", []] : [process.execPath, [own]];
  return await run(program, [...first, ...args], { cwd, env: { ...plainEnvironment(), ...environment } });
}

/** The environment outside of npm's scripts, with the pinned Node first on the path. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const bin = `${root}node_modules/.bin`;
  const path = (process.env["PATH"] ?? "").split(":").filter((folder) => !bin.startsWith(folder.replace(/\/$/, "")));
  // What npm tells its scripts about the package they belong to.
  const told = /^(npm_package_|npm_lifecycle_|npm_config_local_prefix$|npm_command$)/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !told.test(name)));
  return { ...env, PATH: [`${root}node_modules/node/bin`, ...path].join(":") };
}
