import { SharedResult, SharedSlots } from "@attache/sdk";
import { Quota } from "./quota";

/** Keys that share one value of the proxy's shared data. */
const WAYS: i32 = 4;

/** Before the states of a record: its key's hash, and when they will be idle by the key's own quota. */
const HEADER_SIZE: usize = 16;

/**
 * The states of a limit's keys in the proxy's shared data: a table of fixed size, since shared data can neither be
 * deleted nor expires. A key's hash says which set of four records can hold it, and tells it apart from others there. A
 * key that comes to a full set takes the record that is idle, or else the one that soonest will be; {@link evicted} tells
 * when that one's key loses what it had used.
 *
 * A set is read, changed in the filter's own copy, and written if nobody else has written it meanwhile. The table of a single
 * worker is in its own memory instead.
 */
@final
export class StateTable {
  /** Whether the record of the last {@link open} was taken from a key that had used something. */
  evicted: bool = false;
  /** Whether the key of the last {@link open} had no record. */
  isNew: bool = false;

  private readonly slots: SharedSlots | null;
  /** All sets, of a single worker. */
  private readonly own: StaticArray<u8>;
  private readonly mask: u32;
  private readonly recordSize: usize;
  /** Stands for a set that was never written. */
  private readonly empty: StaticArray<u8>;
  private set: u32 = 0;
  private copy: usize = 0;
  /** The record that was opened. */
  private record: usize = 0;
  private version: u32 = 0;

  /**
   * @param name of the table, the plugin's own
   * @param keys that it has room for; rounded up to a power of two, at least 4
   * @param stateSize bytes of a record for states
   * @param isShared whether all workers have it
   */
  constructor(name: string, keys: u32, stateSize: usize, isShared: bool) {
    let sets: u32 = 1;
    while (sets * WAYS < keys) sets <<= 1;
    this.mask = sets - 1;
    const recordSize = HEADER_SIZE + stateSize;
    this.recordSize = recordSize;
    const setSize = <i32>recordSize * WAYS;
    this.empty = new StaticArray<u8>(setSize);
    this.slots = isShared ? new SharedSlots(name) : null;
    this.own = new StaticArray<u8>(isShared ? 0 : setSize * sets);
  }

  /** Address of the states of the key with this hash, for {@link commit}; 0 when the proxy refuses. Cost: one host call if it is shared. */
  open(hash: u64, now: u64): usize {
    // The low bits spread over the sets; all bits tell keys apart.
    const set = (<u32>hash) & this.mask;
    const slots = this.slots;
    const empty = this.empty;
    this.copy = changetype<usize>(empty);
    if (slots === null) {
      memory.copy(this.copy, this.placeOf(set), empty.length);
    } else {
      const found = slots.read(set);
      this.version = slots.version;
      if (this.version == 0) return 0;
      if (found !== null && found.length == empty.length) this.copy = found.start;
      else memory.fill(this.copy, 0, empty.length);
    }
    this.set = set;
    this.record = this.findRecord(hash, now);
    return this.states;
  }

  /** Address of the states of the record that was opened, until the callback returns. */
  get states(): usize {
    return this.record + HEADER_SIZE;
  }

  /** Writes the set that was opened, whose states are of `quota`. Cost: one host call if it is shared. */
  commit(quota: Quota): SharedResult {
    store<u64>(this.record, quota.readIdle(this.states, null), 8);
    const slots = this.slots;
    if (slots !== null) return slots.replace(this.set, this.copy, this.empty.length, this.version);
    memory.copy(this.placeOf(this.set), this.copy, this.empty.length);
    return SharedResult.Done;
  }

  private placeOf(set: u32): usize {
    return changetype<usize>(this.own) + set * this.empty.length;
  }

  private findRecord(hash: u64, now: u64): usize {
    const size = this.recordSize;
    let soonest: u64 = u64.MAX_VALUE;
    let taken: usize = 0;
    for (let way = 0; way < WAYS; way++) {
      const record = this.copy + <usize>way * size;
      const check = load<u64>(record);
      if (check == hash) {
        this.evicted = false;
        this.isNew = false;
        return record;
      }
      const idleAt = check == 0 ? 0 : load<u64>(record, 8);
      if (idleAt < soonest) {
        soonest = idleAt;
        taken = record;
      }
    }
    this.evicted = soonest > now;
    this.isNew = true;
    memory.fill(taken, 0, size);
    store<u64>(taken, hash);
    return taken;
  }
}
