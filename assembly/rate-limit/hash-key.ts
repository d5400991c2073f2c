import { ByteView, ConfigReader, randomU64, SharedResult, SharedSlots } from "@attache/sdk";
import { sipHash } from "./sip-hash";

// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "random_get")
declare function random_get(out: usize, size: usize): i32;

const SHORTEST_SECRET: i32 = 16;

/**
 * The secret that keys are hashed with, the same for all workers of the proxy: who knew it could find two keys that count
 * as one. It is the configuration's, the same on all proxies then, or drawn by chance: then it lives as long as the proxy's
 * shared data.
 */
@final
export class HashKey {
  readonly low: u64;
  readonly high: u64;

  constructor(config: ConfigReader) {
    const key = config.has("keySecret") ? configuredKey(config) : drawnKey();
    this.low = load<u64>(key);
    this.high = load<u64>(key, 8);
  }

  /** What clients may know of a key with this hash: 48 bits that tell nothing but whether two keys are the same, in base64. */
  disclose(hash: u64): string {
    const bytes = memory.data(8, 8);
    store<u64>(bytes, hash);
    const token = sipHash(bytes, 8, this.low, ~this.high);
    const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = "";
    for (let shift: u64 = 0; shift < 48; shift += 6) text += characters.charAt(<i32>((token >> shift) & 63));
    return text;
  }
}

/** Address of 16 bytes. */
function configuredKey(config: ConfigReader): usize {
  const secret = config.string("keySecret", "");
  if (secret.length < SHORTEST_SECRET) config.get("keySecret").error("must have at least 16 characters");
  const text = ByteView.ofText(secret);
  const key = memory.data(16, 8);
  store<u64>(key, sipHash(text.start, text.length, 0, 0));
  store<u64>(key, sipHash(text.start, text.length, 1, 0), 8);
  return key;
}

/** Address of 16 bytes. */
function drawnKey(): usize {
  const slots = new SharedSlots("rate-limit\0hash");
  const own = memory.data(16, 8);
  if (random_get(own, 16) != 0) {
    store<u64>(own, randomU64());
    store<u64>(own, randomU64(), 8);
  }
  let found = slots.read(0);
  if (found === null && slots.replace(0, own, 16, slots.version) == SharedResult.Contended) found = slots.read(0);
  return found !== null && found.length == 16 ? found.start : own;
}
