import type { ChildProcess } from "node:child_process";
import { waitUntil } from "../../../harness/envoy/wait.ts";

/**
 * Waits until a process that was told to end has ended, and with it whatever holds its output open. What does not end in a
 * minute is killed, and the wait rejects.
 */
export async function ended(child: ChildProcess, what: string): Promise<void> {
  const { stdout, stderr } = child;
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  try {
    await waitUntil(`the end of ${what}`, async () => (hasEnded() && stdout!.closed && stderr!.closed) || null, 60_000);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}
