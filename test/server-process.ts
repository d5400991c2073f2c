import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { waitUntil } from "../harness/envoy/wait.ts";

/** A program that listens on a port of loopback; it can be killed and started again there. */
export class ServerProcess {
  readonly port: number;
  private readonly launch: () => ChildProcess;
  private child: ChildProcess | null = null;

  constructor(port: number, launch: () => ChildProcess) {
    this.port = port;
    this.launch = launch;
  }

  async start(): Promise<void> {
    const child = this.launch();
    this.child = child;
    let output = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(-1000)));
    // Whatever ends this process ends it too.
    const end = () => child.kill("SIGKILL");
    process.once("exit", end);
    child.once("exit", () => process.off("exit", end));
    await waitUntil(`${child.spawnfile} to listen`, async () => {
      if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended: ${output}`);
      return (await listens(this.port)) || null;
    });
  }

  async kill(): Promise<void> {
    const child = this.child;
    this.child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
}

async function listens(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => (socket.destroy(), resolve(true)));
    socket.on("error", () => resolve(false));
  });
}
