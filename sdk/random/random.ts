import { currentContext } from "../context/callback";
import { currentTimeNs } from "../time/time";

let state: u64 = 0;
let seeded: bool = false;

/**
 * 64 random bits, for sampling and load spreading. They can be foreseen by who knows some of them: never use them as a
 * secret.
 *
 * The generator is SplitMix64 (Steele, Lea, Flood 2014), seeded by the clock in the first callback that asks; each
 * worker of the proxy has its own.
 *
 * Allowed in: every callback; not at the top level of a module.
 * Cost: a few nanoseconds; one host call the first time.
 */
export function randomU64(): u64 {
  if (!seeded) {
    state = mix(currentTimeNs()) ^ currentContext;
    seeded = true;
  }
  state += 0x9e3779b97f4a7c15;
  return mix(state);
}

/** A random number from 0 up to, not including, `limit`. As {@link randomU64}. */
export function randomBelow(limit: u32): u32 {
  return <u32>(((randomU64() >>> 32) * <u64>limit) >>> 32);
}

function mix(value: u64): u64 {
  value = (value ^ (value >>> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >>> 27)) * 0x94d049bb133111eb;
  return value ^ (value >>> 31);
}
