import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { ended } from "./ended.ts";
import type { Istio } from "./program.ts";

/** A request that Istio's program refuses. */
export class RefusedError extends Error {
  override name = "RefusedError";
}

/** A command of Istio's program that answers each line with one, in their order. */
export class Conversation<Request, Answer> implements AsyncDisposable {
  private readonly child: ChildProcess;
  private readonly waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = [];
  private readonly command: string;
  private complaint = "";
  private ended: Error | null = null;

  constructor({ program }: Istio, command: string, env: Readonly<Record<string, string>> = {}) {
    this.command = command;
    this.child = spawn(program, [command], { env: { ...process.env, ...env } });
    this.child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.complaint = (this.complaint + text).slice(-2000);
    });
    createInterface(this.child.stdout!).on("line", (line) => {
      const next = this.waiting.shift();
      // A line that nobody asked for: what follows would answer the wrong request.
      if (next === undefined) return void this.child.kill();
      const { resolve, reject } = next;
      const answer = JSON.parse(line) as Answer & { error?: string };
      if (answer.error === undefined) resolve(answer);
      else reject(new RefusedError(answer.error));
    });
    this.child.stdin!.on("error", () => {});
    this.child.on("error", (error) => this.end(error));
    this.child.on("close", () => this.end(new Error(`${this.command} has ended: ${this.complaint}`)));
  }

  /** Rejects with {@link RefusedError} when the answer is an error. */
  async ask(request: Request): Promise<Answer> {
    return await new Promise((resolve, reject) => {
      if (this.ended !== null) return reject(this.ended);
      this.waiting.push({ resolve, reject });
      this.child.stdin!.write(`${JSON.stringify(request)}\n`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.ended !== null) return;
    this.child.stdin!.end();
    await ended(this.child, `${this.command}\n${this.complaint}`);
  }

  private end(error: Error): void {
    this.ended ??= error;
    for (const { reject } of this.waiting.splice(0)) reject(error);
  }
}
