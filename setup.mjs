/**
 * What every npm script of this repository starts with: installs what is missing, then runs the script's own file in
 * the pinned Node. Plain JavaScript, so that any Node from 20 on can run it.
 *
 *   node setup.mjs              installs dependencies and Envoy
 *   node setup.mjs --all        and the optional parts
 *   node setup.mjs NAME [ARG…]  installs dependencies, then runs scripts/NAME.ts
 */
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL(".", import.meta.url));
const pinnedNode = `${root}node_modules/node/bin/node`;

const [first, ...rest] = process.argv.slice(2);
const named = first !== undefined && !first.startsWith("-");

checkVersions();
installDependencies();
checkPinnedNode();
run(pinnedNode, [`${root}scripts/${named ? first : "setup"}.ts`, ...(named ? rest : process.argv.slice(2))]);

function checkVersions() {
  if (Number(process.versions.node.split(".")[0]) < 20) {
    fail(`Node ${process.versions.node} is too old: version 20 or newer is needed`);
  }
}

function installDependencies() {
  const installed = `${root}node_modules/.package-lock.json`;
  const lock = `${root}package-lock.json`;
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  console.error("Installing dependencies (npm ci) …");
  if (npm("ci", "--loglevel=error") !== 0) fail("npm could not install the dependencies; its message is above");
}

/** The package `node` brings its program by an install script, which npm can be told not to run. */
function checkPinnedNode() {
  if (existsSync(pinnedNode)) return;
  console.error("Installing the pinned Node …");
  npm("rebuild", "node", "--ignore-scripts=false");
  if (!existsSync(pinnedNode))
    fail("the pinned Node is missing: its install script did not run (npm's ignore-scripts?)");
}

/** The npm that runs this script; on the PATH of a script, `npm` could be one that a dependency brought. */
function npm(...args) {
  const own = process.env.npm_execpath;
  const [program, first] = own === undefined ? ["npm", []] : [process.execPath, [own]];
  return spawnSync(program, [...first, ...args], { cwd: root, stdio: ["ignore", 2, 2] }).status;
}

function run(program, args) {
  const bin = `${root}node_modules/.bin`;
  const { status, signal } = spawnSync(program, args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
  });
  process.exit(status ?? (signal === null ? 1 : 130));
}

function fail(message) {
  console.error(`attache: ${message}`);
  process.exit(1);
}
