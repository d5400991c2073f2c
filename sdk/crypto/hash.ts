import { takeScratch } from "../memory/arena";
import { ByteView } from "../memory/byte-view";

/**
 * A hash function that takes its input block by block (FIPS 180-4): {@link Sha1}, {@link Sha256}, {@link Sha384},
 * {@link Sha512}. Give it bytes in as many pieces as they come, then take the digest; then it begins anew.
 *
 * ```ts
 * const sha256 = new Sha256();
 * sha256.updateBytes(headers.getBytes("x-user")!).updateBytes(body.bytes());
 * headers.set("x-digest", sha256.digestBytes().toHex());
 * ```
 *
 * Allowed everywhere. Cost: making one allocates, using it does not; keep one per plugin.
 */
export class Hash {
  private readonly block: StaticArray<u8>;
  private readonly state: StaticArray<u8>;
  /** Bytes that wait in `block` for more. */
  private waiting: usize = 0;
  private total: u64 = 0;

  /** For the classes that extend this one. */
  constructor(
    /** Bytes that are taken in at a time: 16 words. */
    readonly blockSize: i32,
    /** Bytes of the digest. */
    readonly digestSize: i32,
    /** Address and size of the state before any input. */
    private readonly initial: usize,
    stateSize: i32,
    /**
     * Takes the whole blocks from `start` up to `end` into the state. Not a method: a filter would hold those of all hash
     * functions.
     */
    private readonly compress: (state: usize, start: usize, end: usize) => void,
  ) {
    this.block = new StaticArray<u8>(blockSize);
    this.state = new StaticArray<u8>(stateSize);
    this.restart();
  }

  /** Takes in `size` bytes at `start`. */
  update(start: usize, size: usize): this {
    const blockSize: usize = this.blockSize;
    const block = changetype<usize>(this.block);
    this.total += size;
    if (this.waiting != 0) {
      const taken = min(size, blockSize - this.waiting);
      memory.copy(block + this.waiting, start, taken);
      this.waiting += taken;
      start += taken;
      size -= taken;
      if (this.waiting < blockSize) return this;
      this.take(block, block + blockSize);
      this.waiting = 0;
    }
    const rest = size % blockSize;
    const end = start + size - rest;
    if (start < end) this.take(start, end);
    memory.copy(block, end, rest);
    this.waiting = rest;
    return this;
  }

  /** Takes in bytes. */
  updateBytes(bytes: ByteView): this {
    return this.update(bytes.start, bytes.length);
  }

  /** Writes the digest of all that was taken in to `to`, where `digestSize` bytes have room, and begins anew. */
  digest(to: usize): void {
    const block = changetype<usize>(this.block);
    const end = block + this.blockSize;
    let next = block + this.waiting;
    store<u8>(next++, 0x80);
    // The number of bits follows as 64 bits, in the blocks of SHA-512 as 128.
    if (end - next < <usize>(this.blockSize >> 3)) {
      memory.fill(next, 0, end - next);
      this.take(block, end);
      next = block;
    }
    memory.fill(next, 0, end - next);
    store<u64>(end - 8, bswap<u64>(this.total << 3));
    this.take(block, end);
    const state = changetype<usize>(this.state);
    const size: usize = this.digestSize;
    if (this.blockSize == 64) {
      for (let at: usize = 0; at < size; at += 4) store<u32>(to + at, bswap<u32>(load<u32>(state + at)));
    } else {
      for (let at: usize = 0; at < size; at += 8) store<u64>(to + at, bswap<u64>(load<u64>(state + at)));
    }
    this.restart();
  }

  /** The digest of all that was taken in, valid until the callback returns; begins anew. */
  digestBytes(): ByteView {
    const to = takeScratch(this.digestSize);
    this.digest(to);
    return ByteView.of(to, this.digestSize);
  }

  /** Forgets what was taken in. */
  restart(): void {
    this.waiting = 0;
    this.total = 0;
    memory.copy(changetype<usize>(this.state), this.initial, this.state.length);
  }

  private take(start: usize, end: usize): void {
    this.compress(changetype<usize>(this.state), start, end);
  }
}
