import type { HostFunction } from "../abi/host-functions.ts";
import type { GuestMemory } from "../wasm/memory.ts";

/** What a callback of a plugin has cost. */
export interface CallbackProfile {
  /** Empty for what a module does by itself: start functions and the allocator. */
  plugin: string;
  /** Name of the export, such as `proxy_on_request_headers`. */
  callback: string;
  calls: number;
  /** Calls of the host, of the allocator within them too. */
  hostCalls: number;
  /** Bytes that host calls copied out of the guest's memory and into it. */
  bytesCopied: number;
  /** Real time from entering the guest to its return, host calls and callbacks within included. */
  nanoseconds: number;
}

/** A callback that is running. */
interface Measurement {
  row: CallbackProfile;
  memory: GuestMemory | undefined;
  copiedBefore: number;
  start: bigint;
}

/** Costs of callbacks, by plugin and name. */
export class Profile {
  readonly #rows = new Map<string, CallbackProfile>();
  readonly #running: CallbackProfile[] = [];

  get rows(): readonly CallbackProfile[] {
    return [...this.#rows.values()].map((row) => ({ ...row }));
  }

  /** `memory` is not there yet while the module starts. */
  begin(plugin: string, callback: string, memory: GuestMemory | undefined): Measurement {
    const key = `${plugin}\0${callback}`;
    let row = this.#rows.get(key);
    if (row === undefined) {
      this.#rows.set(key, (row = { plugin, callback, calls: 0, hostCalls: 0, bytesCopied: 0, nanoseconds: 0 }));
    }
    row.calls++;
    this.#running.push(row);
    return { row, memory, copiedBefore: memory?.copied ?? 0, start: process.hrtime.bigint() };
  }

  end({ row, memory, copiedBefore, start }: Measurement): void {
    row.nanoseconds += Number(process.hrtime.bigint() - start);
    row.bytesCopied += (memory?.copied ?? 0) - copiedBefore;
    this.#running.pop();
  }

  counting(run: HostFunction): HostFunction {
    return (...args) => {
      for (const row of this.#running) row.hostCalls++;
      return run(...args);
    };
  }
}
