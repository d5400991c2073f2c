import { takeScratch } from "../memory/arena";
import { ByteView } from "../memory/byte-view";
import { constantTimeEquals } from "./constant-time";
import { Hash } from "./hash";

/**
 * HMAC (RFC 2104) with a hash function of its own:
 *
 * ```ts
 * // in configure(), a field of the plugin:
 * this.hmac = Hmac.of(new Sha256(), ByteView.ofText(secret));
 * // in a callback:
 * headers.set("x-signature", hmac.updateBytes(body.bytes()).digestBytes().toHex());
 * ```
 *
 * Cost: making one allocates, using it does not; keep one per key.
 */
@final
export class Hmac {
  /** The key, padded to a block of the hash function, as the inner and the outer hash take it. */
  private readonly innerKey: StaticArray<u8>;
  private readonly outerKey: StaticArray<u8>;
  private readonly result: StaticArray<u8>;

  constructor(
    private readonly hash: Hash,
    key: usize,
    keySize: usize,
  ) {
    const blockSize = hash.blockSize;
    const inner = new StaticArray<u8>(blockSize);
    const outer = new StaticArray<u8>(blockSize);
    if (keySize > <usize>blockSize) hash.update(key, keySize).digest(changetype<usize>(inner));
    else memory.copy(changetype<usize>(inner), key, keySize);
    for (let index = 0; index < blockSize; index++) {
      outer[index] = inner[index] ^ 0x5c;
      inner[index] = inner[index] ^ 0x36;
    }
    this.innerKey = inner;
    this.outerKey = outer;
    this.result = new StaticArray<u8>(hash.digestSize);
    hash.update(changetype<usize>(inner), blockSize);
  }

  /** As the constructor; the key is copied. */
  static of(hash: Hash, key: ByteView): Hmac {
    return new Hmac(hash, key.start, key.length);
  }

  /** Bytes of the code. */
  get size(): i32 {
    return this.hash.digestSize;
  }

  /** Takes in `size` bytes at `start`. */
  update(start: usize, size: usize): this {
    this.hash.update(start, size);
    return this;
  }

  /** Takes in bytes. */
  updateBytes(bytes: ByteView): this {
    return this.update(bytes.start, bytes.length);
  }

  /** Writes the code of all that was taken in to `to`, where `size` bytes have room, and begins anew. */
  digest(to: usize): void {
    const hash = this.hash;
    hash.digest(to);
    hash.update(changetype<usize>(this.outerKey), hash.blockSize).update(to, hash.digestSize).digest(to);
    hash.update(changetype<usize>(this.innerKey), hash.blockSize);
  }

  /** The code of all that was taken in, valid until the callback returns; begins anew. */
  digestBytes(): ByteView {
    const to = takeScratch(this.size);
    this.digest(to);
    return ByteView.of(to, this.size);
  }

  /**
   * Whether `size` bytes at `code` are the code of all that was taken in, then begins anew. In constant time for codes of
   * the right size; a code that was cut short is none.
   */
  verify(code: usize, size: usize): bool {
    const result = changetype<usize>(this.result);
    this.digest(result);
    return size == <usize>this.size && constantTimeEquals(result, code, size);
  }
  /** As {@link verify}. */
  verifyBytes(code: ByteView): bool {
    return this.verify(code.start, code.length);
  }
}
