import { randomU64, SharedResult, SharedSlots } from "@attache/sdk";

// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "random_get")
declare function random_get(out: usize, size: usize): i32;

/**
 * The secret that keys are hashed with, the same for all workers of the proxy: who knew it could find two keys that count
 * as one. It lives as long as the proxy's shared data.
 */
@final
export class HashKey {
  readonly low: u64;
  readonly high: u64;

  constructor() {
    const slots = new SharedSlots("rate-limit\0hash");
    const own = memory.data(16, 8);
    if (random_get(own, 16) != 0) {
      store<u64>(own, randomU64());
      store<u64>(own, randomU64(), 8);
    }
    let found = slots.read(0);
    if (found === null && slots.replace(0, own, 16, slots.version) == SharedResult.Contended) found = slots.read(0);
    const key = found !== null && found.length == 16 ? found.start : own;
    this.low = load<u64>(key);
    this.high = load<u64>(key, 8);
  }
}
