/**
 * Scratch memory: bytes the proxy hands over, and bytes the SDK builds for it, live here until the outermost callback
 * returns. Taking some is a pointer increment; giving it all back is one store.
 *
 * Blocks are never handed out twice within a callback, so views into them stay valid until {@link resetArena}. A block
 * that is full is followed by one twice as large, which is then kept: soon a callback fits into one.
 */

const FIRST_BLOCK_SIZE: usize = 4096;
const LARGEST_KEPT_BLOCK: usize = 262144;
/** More than a proxy hands over: its limit for a whole module is 1 GiB. */
const LARGEST_BLOCK: usize = 1 << 30;
const ALIGNMENT_MASK: usize = 7;

let blockStart: usize = 0;
let blockEnd: usize = 0;
let next: usize = 0;

/** Blocks filled earlier in this callback, linked through the word before their start. */
let filledBlocks: usize = 0;

/** `size` bytes, 8-byte aligned, not cleared. */
export function takeScratch(size: usize): usize {
  // Compared as a difference: an address plus a hostile size could wrap.
  if (size > blockEnd - next) openBlock(size);
  const start = next;
  next = min(blockEnd, (start + size + ALIGNMENT_MASK) & ~ALIGNMENT_MASK);
  return start;
}

/** Gives back everything taken since the last reset. */
// @ts-ignore: decorator
@inline
export function resetArena(): void {
  if (filledBlocks != 0 || blockEnd - blockStart > LARGEST_KEPT_BLOCK) releaseBlocks();
  next = blockStart;
}

function openBlock(size: usize): void {
  if (size > LARGEST_BLOCK) unreachable();
  const doubled = (blockEnd - blockStart) << 1;
  if (blockStart != 0) {
    store<usize>(blockStart - 8, filledBlocks);
    filledBlocks = blockStart;
  }
  const blockSize = max(max(FIRST_BLOCK_SIZE, min(doubled, LARGEST_KEPT_BLOCK)), size);
  blockStart = heap.alloc(blockSize + 8) + 8;
  blockEnd = blockStart + blockSize;
  next = blockStart;
}

function releaseBlocks(): void {
  if (blockEnd - blockStart > LARGEST_KEPT_BLOCK) {
    // One large body must not be held for good.
    heap.free(blockStart - 8);
    blockStart = 0;
    blockEnd = 0;
  }
  while (filledBlocks != 0) {
    const block = filledBlocks;
    filledBlocks = load<usize>(block - 8);
    heap.free(block - 8);
  }
}
