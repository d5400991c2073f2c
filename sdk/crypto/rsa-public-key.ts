import { takeScratch } from "../memory/arena";
import { Hash } from "./hash";
import { Modulus, writeNumber } from "./modulus";

// @ts-ignore: decorator
@inline
const SMALLEST_MODULUS: i32 = 2048;
// @ts-ignore: decorator
@inline
const LARGEST_MODULUS: i32 = 8192;
// @ts-ignore: decorator
@inline
const LARGE_MODULUS: i32 = 4096;

/** An RSA public key, and the two signature schemes of RFC 8017 with it. */
@final
export class RsaPublicKey {
  /** Bytes of the modulus, and of each signature. */
  readonly size: usize;

  private constructor(
    private readonly modulus: Modulus,
    /** Bits of the modulus. */
    private readonly bits: i32,
    private readonly exponent: u64,
  ) {
    this.size = (bits + 7) >> 3;
  }

  /**
   * A key of a modulus and exponent, most significant byte first. `null` when the modulus is even or has not 2048 to 8192
   * bits, or the exponent is even, below 3 or has more than 33 bits, or more than 17 with a
   * modulus above 4096 bits: hardly a real key has one, and checking would be slow.
   */
  static of(modulus: usize, modulusSize: usize, exponent: usize, exponentSize: usize): RsaPublicKey | null {
    while (modulusSize > 0 && load<u8>(modulus) == 0) {
      modulus += 1;
      modulusSize -= 1;
    }
    if (modulusSize < <usize>(SMALLEST_MODULUS >> 3) || modulusSize > <usize>(LARGEST_MODULUS >> 3)) return null;
    const bits = <i32>(modulusSize << 3) - (<i32>clz(<u32>load<u8>(modulus)) - 24);
    if (bits < SMALLEST_MODULUS || (load<u8>(modulus + modulusSize - 1) & 1) == 0) return null;
    const mostBits: u64 = bits > LARGE_MODULUS ? 17 : 33;
    let value: u64 = 0;
    for (let at: usize = 0; at < exponentSize; at++) {
      value = (value << 8) | load<u8>(exponent + at);
      if (value >> mostBits != 0) return null;
    }
    if (value < 3 || (value & 1) == 0) return null;
    return new RsaPublicKey(new Modulus(modulus, modulusSize), bits, value);
  }

  /**
   * Whether a signature is that of RSASSA-PKCS1-v1_5 (RFC 8017 §8.2.2) over what `hash` took in, which then begins anew.
   * `prefix` is what {@link digestInfo} gives for the hash function.
   */
  verifyPkcs1(hash: Hash, prefix: usize, signature: usize, signatureSize: usize): bool {
    const size = this.size;
    const expected = takeScratch(size);
    const infoSize = DIGEST_INFO_SIZE + <usize>hash.digestSize;
    memory.fill(expected, 0xff, size);
    store<u16>(expected, 0x0100);
    store<u8>(expected + size - infoSize - 1, 0);
    memory.copy(expected + size - infoSize, prefix, DIGEST_INFO_SIZE);
    hash.digest(expected + size - hash.digestSize);
    const message = this.recover(signature, signatureSize);
    return message != 0 && memory.compare(message, expected, size) == 0;
  }

  /**
   * Whether a signature is that of RSASSA-PSS (RFC 8017 §8.1.2) over what `hash` took in, which then begins anew, with
   * the same hash function for the mask and a salt as long as the digest (RFC 7518 §3.5).
   */
  verifyPss(hash: Hash, signature: usize, signatureSize: usize): bool {
    const digestSize: usize = hash.digestSize;
    // Eight zero bytes, the digest, then the salt.
    const salted = takeScratch(8 + 2 * digestSize);
    memory.fill(salted, 0, 8);
    hash.digest(salted + 8);
    let message = this.recover(signature, signatureSize);
    if (message == 0) return false;
    let size = this.size;
    const bits = this.bits - 1;
    if ((bits & 7) == 0) {
      if (load<u8>(message) != 0) return false;
      message += 1;
      size -= 1;
    }
    const blockSize = size - digestSize - 1;
    const digest = message + blockSize;
    const unused = 0xff & ~(0xff >> (<u32>(size << 3) - bits));
    if (load<u8>(digest + digestSize) != 0xbc || (load<u8>(message) & unused) != 0) return false;
    unmask(hash, digest, message, blockSize);
    store<u8>(message, load<u8>(message) & ~unused);
    const saltStart = blockSize - digestSize;
    for (let at: usize = 0; at < saltStart; at++) {
      if (load<u8>(message + at) != u8(at == saltStart - 1)) return false;
    }
    memory.copy(salted + 8 + digestSize, message + saltStart, digestSize);
    hash.update(salted, 8 + 2 * digestSize).digest(salted);
    return memory.compare(salted, digest, digestSize) == 0;
  }

  /** The message representative as bytes (RFC 8017 §5.2.2), or 0 for what cannot be a signature. */
  private recover(signature: usize, signatureSize: usize): usize {
    const modulus = this.modulus;
    const number = modulus.make();
    if (signatureSize != this.size || !modulus.read(number, signature, signatureSize)) return 0;
    const base = modulus.make();
    modulus.fromPlain(base, number);
    memory.copy(number, base, modulus.size);
    const exponent = this.exponent;
    for (let bit = 62 - <i32>clz(exponent); bit >= 0; bit--) {
      modulus.multiply(number, number, number);
      if ((exponent >> bit) & 1) modulus.multiply(number, number, base);
    }
    modulus.toPlain(number, number);
    const message = takeScratch(this.size);
    writeNumber(number, message, this.size);
    return message;
  }
}

/** Takes the mask of `seed` (RFC 8017 §B.2.1) off `size` bytes at `block`. */
function unmask(hash: Hash, seed: usize, block: usize, size: usize): void {
  const digestSize: usize = hash.digestSize;
  const mask = takeScratch(digestSize);
  const counter = takeScratch(4);
  for (let at: usize = 0; at < size; at++) {
    const index = at % digestSize;
    if (index == 0) {
      store<u32>(counter, bswap<u32>(<u32>(at / digestSize)));
      hash.update(seed, digestSize).update(counter, 4).digest(mask);
    }
    store<u8>(block + at, load<u8>(block + at) ^ load<u8>(mask + index));
  }
}

/** Bytes of what {@link digestInfo} gives. */
// @ts-ignore: decorator
@inline
const DIGEST_INFO_SIZE: usize = 19;

/** What stands before a digest of 32, 48 or 64 bytes of SHA-2 in a PKCS #1 signature (RFC 8017 §9.2, note 1). */
export function digestInfo(digestSize: i32): usize {
  const info = memory.data(19);
  // SEQUENCE { SEQUENCE { OID 2.16.840.1.101.3.4.2.x, NULL }, OCTET STRING }
  const size = <u8>digestSize;
  store<u8>(info, 0x30);
  store<u8>(info, size + 17, 1);
  store<u32>(info, 0x09060d30, 2);
  store<u64>(info, 0x0204036501488660, 6);
  store<u8>(info, size == 32 ? 1 : size == 48 ? 2 : 3, 14);
  store<u16>(info, 0x0005, 15);
  store<u8>(info, 0x04, 17);
  store<u8>(info, size, 18);
  return info;
}
