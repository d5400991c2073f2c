import { StreamFilter } from "./stream-filter";

/**
 * The live streams, by context id: a hash table with linear probing, at most half full. Ids grow by one per stream;
 * multiplied by the golden ratio, neighbours land far apart (Knuth, TAOCP 6.4). So runs of taken slots stay short, and
 * finding, adding and removing cost the same with one live stream or ten thousand.
 */

const FIRST_CAPACITY: u32 = 16;
const GOLDEN_RATIO: u32 = 0x9e3779b9;

/** The filter in each slot, where the collector finds it; `null` marks an empty slot. */
let filters = emptySlots(FIRST_CAPACITY);
/** Per slot: the id (four bytes), then the stream's record. */
let entries = heap.alloc(FIRST_CAPACITY << 4);
let mask: u32 = FIRST_CAPACITY - 1;
/** Brings a 32-bit hash into the table: 32 less the binary logarithm of its capacity. */
let shift: u32 = 28;
let count: u32 = 0;

/** The filter that follows stream `id`, or `null`; of class `T`, as the callbacks of a stream are all of one kind. */
export function findStream<T extends StreamFilter>(id: u32): T | null {
  return changetype<T | null>(unchecked(filters[slotOf(id)]));
}

export function addStream(id: u32, filter: StreamFilter): void {
  if (count << 1 > mask) grow();
  fill(slotOf(id), id, filter);
  count += 1;
}

/**
 * Address of what the SDK remembers of stream `id`, at first all zero; 0 for an unknown stream. Not to be kept: streams
 * move when others come and go.
 *
 * Offset 0: how the filter ended the stream, by a local reply (1) or a reset (2; one byte). 1 and 2: state of the request's and the response's body (one byte each).
 * 4 and 8: most bytes wanted of them (four bytes each).
 */
export function streamRecord(id: u32): usize {
  const slot = slotOf(id);
  return unchecked(filters[slot]) === null ? 0 : entryOf(slot) + 4;
}

/** Whether stream `id` can be answered: a filter ends a stream once. From then on it is answered. */
export function claimLocalReply(id: u32): bool {
  return claimEnd(id, 1);
}

/** Whether stream `id` can be reset: a filter ends a stream once. From then on it is reset. */
export function claimReset(id: u32): bool {
  return claimEnd(id, 2);
}

/** Whether {@link claimReset} was granted. */
export function isReset(id: u32): bool {
  const record = streamRecord(id);
  return record != 0 && load<u8>(record) == 2;
}

function claimEnd(id: u32, how: u8): bool {
  const record = streamRecord(id);
  if (record == 0 || load<u8>(record) != 0) return false;
  store<u8>(record, how);
  return true;
}

export function removeStream(id: u32): void {
  let hole = slotOf(id);
  if (unchecked(filters[hole]) === null) return;
  count -= 1;
  // Entries behind the hole move up, so that no look-up stops short of them.
  for (let slot = (hole + 1) & mask; unchecked(filters[slot]) !== null; slot = (slot + 1) & mask) {
    const home = homeOf(load<u32>(entryOf(slot)));
    if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
    unchecked((filters[hole] = filters[slot]));
    copyEntry(entryOf(hole), entryOf(slot));
    hole = slot;
  }
  unchecked((filters[hole] = null));
}

/** Where `id` is, or the empty slot where it belongs. */
function slotOf(id: u32): u32 {
  let slot = homeOf(id);
  while (unchecked(filters[slot]) !== null && load<u32>(entryOf(slot)) != id) slot = (slot + 1) & mask;
  return slot;
}

// @ts-ignore: decorator
@inline
function homeOf(id: u32): u32 {
  return (id * GOLDEN_RATIO) >>> shift;
}

// @ts-ignore: decorator
@inline
function entryOf(slot: u32): usize {
  return entries + (slot << 4);
}

function copyEntry(to: usize, from: usize): void {
  store<u64>(to, load<u64>(from));
  store<u64>(to, load<u64>(from, 8), 8);
}

function emptySlots(capacity: u32): StaticArray<StreamFilter | null> {
  const slots = __new(capacity << 2, idof<StaticArray<StreamFilter | null>>());
  memory.fill(slots, 0, capacity << 2);
  return changetype<StaticArray<StreamFilter | null>>(slots);
}

function fill(slot: u32, id: u32, filter: StreamFilter): void {
  unchecked((filters[slot] = filter));
  store<u64>(entryOf(slot), id);
  store<u64>(entryOf(slot), 0, 8);
}

function grow(): void {
  const oldFilters = filters;
  const oldEntries = entries;
  const oldCapacity = mask + 1;
  mask = (oldCapacity << 1) - 1;
  shift -= 1;
  filters = emptySlots(oldCapacity << 1);
  entries = heap.alloc(oldCapacity << 5);
  for (let old: u32 = 0; old < oldCapacity; old++) {
    const filter = unchecked(oldFilters[old]);
    if (filter === null) continue;
    const entry = oldEntries + (old << 4);
    const slot = slotOf(load<u32>(entry));
    unchecked((filters[slot] = filter));
    copyEntry(entryOf(slot), entry);
  }
  heap.free(oldEntries);
}
