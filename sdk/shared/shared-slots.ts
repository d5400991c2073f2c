import { Status } from "../abi/enums";
import { proxy_get_shared_data, proxy_set_shared_data } from "../abi/imports";
import { ByteView } from "../memory/byte-view";
import { SharedResult } from "./shared-data";
import { sharedName } from "./shared-name";

/**
 * Bytes that all workers share under a number instead of a name: for tables whose slots are computed, such as one slot
 * for all users with the same hash. Everything that {@link SharedValue} says about keys holds here too; use numbers from
 * a bounded range, since a slot that was written once stays for good.
 *
 * Allowed in: every callback. Cost: one host call each, no garbage; making the object takes two.
 */
@final
export class SharedSlots {
  /** Name of the slots, a zero byte, then the number of the slot, four bytes. */
  private readonly keyBytes: StaticArray<u8>;
  private foundVersion: u32 = 0;

  /** @param name of the slots; the plugin's name and root id stand before it */
  constructor(name: string) {
    const prefix = sharedName(name, false);
    this.keyBytes = new StaticArray<u8>(prefix.length + 5);
    memory.copy(changetype<usize>(this.keyBytes), changetype<usize>(prefix), prefix.length);
  }

  /**
   * The bytes of a slot, or `null` when it was never written or the proxy refuses: then {@link version} is 0. They are
   * the filter's own copy, valid until the callback returns.
   */
  read(slot: u32): ByteView | null {
    const out = memory.data(12, 4);
    const status = proxy_get_shared_data(this.keyOf(slot), this.keyBytes.length, out, out + 4, out + 8);
    this.foundVersion = status == Status.Ok ? load<u32>(out, 8) : status == Status.NotFound ? u32.MAX_VALUE : 0;
    return status == Status.Ok ? ByteView.of(load<usize>(out), load<i32>(out, 4)) : null;
  }

  /** What the last {@link read} found, for {@link replace}; 0 when the proxy refused. */
  get version(): u32 {
    return this.foundVersion;
  }

  /**
   * Writes `size` bytes at `start` into a slot if nobody has written it since it had `version`; else the answer is
   * `Contended`: read again and try again, a bounded number of times. `Refused` for version 0.
   */
  replace(slot: u32, start: usize, size: usize, version: u32): SharedResult {
    if (version == 0) return SharedResult.Refused;
    const status = proxy_set_shared_data(this.keyOf(slot), this.keyBytes.length, start, size, version);
    if (status == Status.Ok) return SharedResult.Done;
    return status == Status.CasMismatch ? SharedResult.Contended : SharedResult.Refused;
  }

  private keyOf(slot: u32): usize {
    const key = changetype<usize>(this.keyBytes);
    store<u32>(key + this.keyBytes.length - 4, slot);
    return key;
  }
}
