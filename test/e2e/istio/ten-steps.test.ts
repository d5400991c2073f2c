import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findEnvoy } from "@attache/harness/envoy";
import { parse } from "yaml";
import { LocalRegistry, registryProgram } from "../../../cli/testing/registry.ts";
import { waitUntil } from "../../../harness/envoy/wait.ts";
import { NpmRegistry } from "../../../scripts/release/npm-registry.ts";
import { plainEnvironment } from "../../../scripts/release/npm.ts";
import { packAll } from "../../../scripts/release/pack.ts";
import { stageAll } from "../../../scripts/release/stage.ts";
import { freePort } from "../../free-port.ts";
import { Mesh, type Resource } from "./mesh.ts";
import { ended } from "./ended.ts";
import { findIstio } from "./program.ts";

const istio = await findIstio();
const envoy = await findEnvoy();
const isReady = istio !== null && envoy !== null && registryProgram !== null;
const suite = isReady ? "the ten steps" : "Istio: not built, see `npm run setup -- --all`: the ten steps";

/** A step's commands, and texts that their output must hold. */
interface Step {
  commands: string;
  output: string[];
}

/** The commands of `docs/guide/ten-steps.md`, as they stand there, with packages and registries on loopback. */
describe.skipIf(!isReady)(suite, () => {
  let started: AsyncDisposableStack;
  let shell: Shell;
  let mesh: Mesh;
  let steps: Step[];

  beforeAll(async () => {
    started = new AsyncDisposableStack();
    const folder = await temporaryFolder(started);
    const images = started.use(await LocalRegistry.start());
    const packages = started.use(
      await NpmRegistry.start(await packAll(await stageAll(await temporaryFolder(started), () => {}))),
    );
    mesh = started.use(await Mesh.start(istio!, envoy!, () => ({ body: "from the shop\n" })));
    const environment = { ...packages.environment, GATEWAY: mesh.address, npm_config_yes: "true", CI: "true" };
    shell = started.use(new Shell(folder, environment));
    steps = readSteps(await readFile(new URL("../../../docs/guide/ten-steps.md", import.meta.url), "utf8"), {
      "localhost:5000": images.address,
      "10000": String(await freePort()),
    });
  }, 300_000);
  // The agent drains its proxy before it ends.
  afterAll(async () => await started.disposeAsync(), 180_000);

  it(
    "lead from an empty folder to a filter that Istio's agent has pulled into Envoy",
    { timeout: 300_000 },
    async () => {
      expect(steps.length).toBeGreaterThanOrEqual(10);
      for (const { commands, output } of steps) {
        if (commands.includes("attache serve")) await shell.startInBackground(commands, " at http://");
        else if (commands.includes("kubectl apply")) await apply(join(shell.folder, "wasmplugin.yaml"));
        // What is reloaded, or pulled by the agent, is there a moment later.
        else
          await waitUntil(
            commands,
            async () => (await shows(commands, output)) || null,
            output.length > 0 ? 30_000 : 0,
          );
      }
    },
  );

  async function apply(file: string): Promise<void> {
    await mesh.apply(parse(await readFile(file, "utf8"), { version: "1.1" }) as Resource);
  }

  async function shows(commands: string, output: readonly string[]): Promise<boolean> {
    const said = await shell.run(commands);
    return output.every((text) => said.includes(text));
  }
});

async function temporaryFolder(owner: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "attache-ten-steps-"));
  owner.defer(async () => await rm(folder, { recursive: true, force: true }));
  return folder;
}

function readSteps(guide: string, replacements: Readonly<Record<string, string>>): Step[] {
  const text = Object.entries(replacements).reduce((all, [from, to]) => all.replaceAll(from, to), guide);
  const blocks = [...text.matchAll(/```sh\n([^]*?)```(?:\s*```text\n([^]*?)```)?/g)];
  return blocks.map(([, commands, output = ""]) => ({
    commands: commands!,
    output: output.split("\n").filter((line) => line !== ""),
  }));
}

/** Runs commands one after the other, each where the one before left off. */
class Shell implements AsyncDisposable {
  folder: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #background: { child: ChildProcess; said: { text: string } }[] = [];

  constructor(folder: string, environment: Record<string, string>) {
    this.folder = folder;
    this.#environment = { ...plainEnvironment(), ...environment };
  }

  async run(commands: string): Promise<string> {
    const child = this.#spawn(`set -eo pipefail\n${commands}\necho "now in:$PWD"`);
    const said = outputOf(child);
    const code = await new Promise((resolve) => child.on("close", resolve));
    if (code !== 0) throw new Error(`exit code ${code}: ${commands}\n${said.text}`);
    this.folder = /now in:(.*)\n$/.exec(said.text)![1]!;
    return said.text;
  }

  async startInBackground(command: string, ready: string): Promise<void> {
    const child = this.#spawn(command);
    const said = outputOf(child);
    this.#background.push({ child, said });
    await waitUntil(`${command} to say ${ready}`, async () => said.text.includes(ready) || null, 60_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child, said } of this.#background) {
      process.kill(-child.pid!);
      await ended(child, `the command in the background\n${said.text}`);
    }
  }

  #spawn(script: string): ChildProcess {
    return spawn("bash", ["-c", script], { cwd: this.folder, env: this.#environment, detached: true });
  }
}

function outputOf(child: ChildProcess): { text: string } {
  const said = { text: "" };
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (data: Buffer) => (said.text += data));
  return said;
}
