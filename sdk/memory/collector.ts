/**
 * Garbage collection between callbacks: with nothing on the stack only globals and pinned objects are roots, so the
 * compiler need not keep a shadow stack. It runs once the heap has grown by half, which keeps its cost a small share of
 * the allocations that caused it, however large the configuration is.
 */

const SMALLEST_GROWTH: usize = 65536;

let collectAbove: usize = SMALLEST_GROWTH;

/** Collects if enough has been allocated. Only when no guest frame holds a reference. */
// @ts-ignore: decorator
@inline
export function collectIfGrown(): void {
  // Supplied by the SDK's transform: bytes of all managed objects, dead ones included.
  if (__allocatedBytes() > collectAbove) collect();
}

function collect(): void {
  __collect();
  const live = __allocatedBytes();
  collectAbove = live + max(SMALLEST_GROWTH, live >> 1);
}
