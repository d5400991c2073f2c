import { root } from "./packages.ts";
import { run } from "./run.ts";

/** Runs the npm this script was started with, in the pinned Node; `node_modules/.bin` can hold one a dependency brought. */
export async function npm(args: readonly string[], cwd: string): Promise<string> {
  const own = process.env["npm_execpath"];
  const bin = `${root}node_modules/.bin`;
  const path = (process.env["PATH"] ?? "").split(":").filter((folder) => !bin.startsWith(folder.replace(/\/$/, "")));
  // What npm tells its scripts about the package they belong to.
  const told = /^(npm_package_|npm_lifecycle_|npm_config_local_prefix$|npm_command$)/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !told.test(name)));
  path.unshift(`${root}node_modules/node/bin`);
  const [program, first] = own === undefined ? ["npm", []] : [process.execPath, [own]];
  return await run(program, [...first, ...args], { cwd, env: { ...env, PATH: path.join(":") } });
}
