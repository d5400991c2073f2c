import { takeScratch } from "../memory/arena";

/** Public keys as others take them: SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) in DER. */

/** That of an RSA key (RFC 8017 §A.1.1) of a modulus and an exponent, most significant byte first. */
export function rsaKeyInfo(modulus: usize, modulusSize: usize, exponent: usize, exponentSize: usize): StaticArray<u8> {
  const info = new BackwardsDer(modulusSize + exponentSize + 64);
  const end = info.start;
  info.integer(exponent, exponentSize);
  info.integer(modulus, modulusSize);
  info.header(0x30, end);
  // rsaEncryption, and no parameters
  return info.asKey(
    end,
    memory.data<u8>([0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00]),
    15,
  );
}

/** That of a point (RFC 5480) of two coordinates of `size` bytes each, on P-256, P-384 or P-521 by their size. */
export function ecKeyInfo(x: usize, y: usize, size: usize): StaticArray<u8> {
  const info = new BackwardsDer((size << 1) + 64);
  const end = info.start;
  info.bytes(y, size);
  info.bytes(x, size);
  info.byte(0x04); // not compressed
  // ecPublicKey, and the curve
  if (size == 32) {
    return info.asKey(
      end,
      memory.data<u8>([
        0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
        0x03, 0x01, 0x07,
      ]),
      21,
    );
  }
  const algorithm = memory.data<u8>([
    0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22,
  ]);
  // The names of P-384 and P-521 differ in the last byte.
  store<u8>(algorithm, size == 48 ? 0x22 : 0x23, 17);
  return info.asKey(end, algorithm, 18);
}

/** Writes DER from its end to its beginning, so that the size of everything is known when its header is written. */
@final
class BackwardsDer {
  /** Of what is written so far. */
  start: usize;

  constructor(room: usize) {
    this.start = takeScratch(room) + room;
  }

  byte(value: u8): void {
    this.start -= 1;
    store<u8>(this.start, value);
  }

  bytes(from: usize, size: usize): void {
    this.start -= size;
    memory.copy(this.start, from, size);
  }

  /** Type and size of what is written from here to `end`. */
  header(type: u8, end: usize): void {
    const size = end - this.start;
    if (size < 0x80) {
      this.byte(<u8>size);
    } else {
      this.byte(<u8>size);
      if (size > 0xff) this.byte(<u8>(size >> 8));
      this.byte(size > 0xff ? 0x82 : 0x81);
    }
    this.byte(type);
  }

  /** A number that is not negative. */
  integer(from: usize, size: usize): void {
    while (size > 1 && load<u8>(from) == 0) {
      from += 1;
      size -= 1;
    }
    const end = this.start;
    this.bytes(from, size);
    if (load<u8>(from) >= 0x80) this.byte(0);
    this.header(0x02, end);
  }

  /** What is written up to `end` as the bits of a key for an algorithm. */
  asKey(end: usize, algorithm: usize, algorithmSize: usize): StaticArray<u8> {
    this.byte(0); // no unused bits
    this.header(0x03, end);
    this.bytes(algorithm, algorithmSize);
    this.header(0x30, end);
    const info = new StaticArray<u8>(<i32>(end - this.start));
    memory.copy(changetype<usize>(info), this.start, end - this.start);
    return info;
  }
}
