import { vi } from "vitest";
import { SharedData } from "../../harness/emulator/shared-data.ts";

/**
 * Calls `interrupt` each time a worker of the emulator is about to write shared data, but not while an interruption runs. Streams
 * go to workers in turn: with many of them, what interrupts a worker is another one. `vi.restoreAllMocks()` ends it.
 */
export function beforeWrites(interrupt: (key: string) => unknown): void {
  const write = SharedData.prototype.set;
  let isInterrupting = false;
  vi.spyOn(SharedData.prototype, "set").mockImplementation(function (this: SharedData, vmId, key, value, cas) {
    if (!isInterrupting) {
      isInterrupting = true;
      interrupt(key);
      isInterrupting = false;
    }
    return write.call(this, vmId, key, value, cas);
  });
}
