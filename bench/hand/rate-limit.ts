// What a careful author writes without any SDK for one limit on one key: the floor of the rate-limit case. It makes the host
// calls that the filter makes: address, time, state, new state, counter.
// @ts-ignore: decorator
@external("env", "proxy_get_property")
declare function getProperty(path: usize, size: usize, out: usize, outSize: usize): i32;
// @ts-ignore: decorator
@external("env", "proxy_get_current_time_nanoseconds")
declare function getTime(out: usize): i32;
// @ts-ignore: decorator
@external("env", "proxy_get_shared_data")
declare function getSharedData(key: usize, size: usize, out: usize, outSize: usize, version: usize): i32;
// @ts-ignore: decorator
@external("env", "proxy_set_shared_data")
declare function setSharedData(key: usize, size: usize, value: usize, valueSize: usize, version: u32): i32;
// @ts-ignore: decorator
@external("env", "proxy_define_metric")
declare function defineMetric(type: i32, name: usize, size: usize, out: usize): i32;
// @ts-ignore: decorator
@external("env", "proxy_increment_metric")
declare function incrementMetric(id: u32, by: i64): i32;

const NANOSECONDS: u64 = 1;
const BURST: u64 = 1_000_000_000;

const out = memory.data(16, 8);
/** What the proxy hands over lives until the next request. */
const scratch = memory.data(4096, 8);
let used: usize = 0;
let counter: u32 = 0;

// "source", a zero, "address".
const path = memory.data<u8>([0x73, 0x6f, 0x75, 0x72, 0x63, 0x65, 0, 0x61, 0x64, 0x64, 0x72, 0x65, 0x73, 0x73]);
// "hand", a zero, and the number of the slot.
const key = memory.data<u8>([0x68, 0x61, 0x6e, 0x64, 0, 0, 0, 0, 0]);

export function proxy_abi_version_0_2_1(): void {}
export function proxy_on_memory_allocate(size: usize): usize {
  const start = scratch + used;
  used += (size + 7) & ~7;
  return start;
}
export function proxy_on_context_create(id: u32, parent: u32): void {
  if (parent == 0 && defineMetric(0, key, 4, out) == 0) counter = load<u32>(out);
}
export function proxy_on_request_headers(id: u32, count: u32, endOfStream: u32): i32 {
  used = 0;
  getProperty(path, 14, out, out + 4);
  let hash: u32 = 2166136261;
  const address = load<usize>(out);
  const end = address + load<usize>(out, 4);
  // Up to the port.
  for (let at = address; at < end && load<u8>(at) != 0x3a; at++) hash = (hash ^ load<u8>(at)) * 16777619;
  store<u32>(key + 5, hash & 4095);
  getTime(out);
  const now = load<u64>(out);
  let arrival = now;
  let version: u32 = u32.MAX_VALUE;
  if (getSharedData(key, 9, out, out + 4, out + 8) == 0) {
    arrival = max(now, load<u64>(load<usize>(out)));
    version = load<u32>(out, 8);
  }
  if (arrival + NANOSECONDS - now > BURST) return 1;
  store<u64>(out, arrival + NANOSECONDS);
  setSharedData(key, 9, out, 8, version);
  incrementMetric(counter, 1);
  return 0;
}
