import { proxy_get_current_time_nanoseconds } from "../abi/imports";

/**
 * Wall-clock time in nanoseconds since the Unix epoch; 0 when the proxy does not tell.
 *
 * Allowed in: every callback; not at the top level of a module.
 * Cost: one host call.
 */
export function currentTimeNs(): u64 {
  const out = memory.data(8, 8);
  return proxy_get_current_time_nanoseconds(out) == 0 ? load<u64>(out) : 0;
}
