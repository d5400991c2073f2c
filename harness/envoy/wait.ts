import { setTimeout as pause } from "node:timers/promises";
import { HarnessError } from "../errors.ts";

/** Asks until there is an answer other than `null`; rejects with `TIMEOUT` when there is none in time. */
export async function waitUntil<T>(what: string, ask: () => Promise<T | null>, deadlineMs = 15_000): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (let delayMs = 2; ; delayMs = Math.min(delayMs * 1.5, 50)) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (performance.now() > end) throw new HarnessError("TIMEOUT", `waited ${deadlineMs} ms for ${what}`);
    await pause(delayMs);
  }
}
