import { takeScratch } from "../memory/arena";
import { Hash } from "./hash";
import { Modulus } from "./modulus";
import { ODD_DIGITS, writeSignedDigits } from "./signed-digits";

// @ts-ignore: decorator
@inline
const SIZE: usize = 32;
/** A point is X, Y, Z and T: it stands for (X/Z, Y/Z), and T is XY/Z. */
// @ts-ignore: decorator
@inline
const POINT_SIZE: usize = 128;

/** Bytes of what {@link Ed25519.prepare} writes. */
// @ts-ignore: decorator
@inline
export const PREPARED_SIZE: usize = ODD_DIGITS * POINT_SIZE;

/** Ed25519 (RFC 8032 §5.1): checks signatures, on the curve -x² + y² = 1 + dx²y². */
@final
export class Ed25519 {
  private readonly field: Modulus;
  private readonly order: Modulus;
  /** d, 2d and a square root of -1. */
  private readonly constants: StaticArray<u8> = new StaticArray<u8>(96);
  /** The odd multiples of the base point up to 15. */
  private readonly baseMultiples: StaticArray<u8> = new StaticArray<u8>(<i32>PREPARED_SIZE);

  constructor() {
    // Four numbers whose bytes in memory are most significant first: p, the order, d and a square root of -1.
    const numbers = memory.data<u64>([
      0xffffffffffffff7f, 0xffffffffffffffff, 0xffffffffffffffff, 0xedffffffffffffff, 0x0000000000000010,
      0x0000000000000000, 0xd69cf7a2def9de14, 0xedd3f55c1a631258, 0x73fe6f2bee6c0352, 0x98e879777940c78c,
      0xabd841414d0a7000, 0xa3785913ca4deb75, 0x0bdfc14f8024832b, 0xa7d7fb3d99004d2b, 0x78e42fad0618432f,
      0xb0a00e4a271beec4,
    ]);
    const field = new Modulus(numbers, SIZE);
    this.field = field;
    this.order = new Modulus(numbers + 32, SIZE);
    field.read(this.d, numbers + 64, SIZE);
    field.fromPlain(this.d, this.d);
    field.add(this.twiceD, this.d, this.d);
    field.read(this.root, numbers + 96, SIZE);
    field.fromPlain(this.root, this.root);
    const base = takeScratch(SIZE);
    memory.fill(base, 0x66, SIZE);
    store<u8>(base, 0x58);
    const multiples = changetype<usize>(this.baseMultiples);
    this.decode(multiples, base);
    this.writeMultiples(multiples);
  }

  private get d(): usize {
    return changetype<usize>(this.constants);
  }

  private get twiceD(): usize {
    return this.d + 32;
  }

  private get root(): usize {
    return this.d + 64;
  }

  /** Writes what {@link verify} needs of the public key of 32 bytes at `key`; `false` when that is no point's encoding. */
  prepare(to: usize, key: usize): bool {
    if (!this.decode(to, key)) return false;
    const field = this.field;
    field.negate(to, to);
    field.negate(to + 3 * SIZE, to + 3 * SIZE);
    this.writeMultiples(to);
    return true;
  }

  /**
   * Whether the 64 bytes at `signature` are one over `size` bytes at `message`, by the public key at `key` that was
   * prepared at `prepared`. `sha512` must be new or finished.
   */
  verify(prepared: usize, key: usize, sha512: Hash, message: usize, size: usize, signature: usize): bool {
    const order = this.order;
    const s = signature + SIZE;
    if (!order.isBelow(s)) return false;
    const digest = takeScratch(64);
    sha512.update(signature, SIZE).update(key, SIZE).update(message, size).digest(digest);
    // The digest is low + 2^256 · high, and that is what fromPlain multiplies by.
    const factor = order.make();
    const low = order.make();
    order.fromPlain(factor, digest + SIZE);
    order.reduce(low, digest);
    order.add(factor, factor, low);
    const point = takeScratch(POINT_SIZE);
    this.multiplyBoth(point, s, factor, prepared);
    const encoded = takeScratch(SIZE);
    this.encode(encoded, point);
    return memory.compare(encoded, signature, SIZE) == 0;
  }

  /** RFC 8032 §5.1.3. `false` for what encodes no point, or one that has another encoding. */
  private decode(to: usize, encoded: usize): bool {
    const field = this.field;
    const x = to;
    const y = to + SIZE;
    const sign = (<u32>load<u8>(encoded, 31)) >> 7;
    memory.copy(y, encoded, SIZE);
    store<u8>(y, load<u8>(y, 31) & 0x7f, 31);
    if (!field.isBelow(y)) return false;
    field.fromPlain(y, y);
    // x² is u / v, with u = y² - 1 and v = dy² + 1; x is uv³(uv⁷)^((p - 5) / 8), or that times the root of -1.
    const u = field.make();
    const v = field.make();
    const cube = field.make();
    const power = field.make();
    field.multiply(u, y, y);
    field.multiply(v, u, this.d);
    field.subtract(u, u, field.one);
    field.add(v, v, field.one);
    field.multiply(cube, v, v);
    field.multiply(cube, cube, v);
    field.multiply(x, cube, u);
    field.multiply(cube, cube, cube);
    field.multiply(cube, cube, v);
    field.multiply(cube, cube, u);
    const exponent = takeScratch(SIZE);
    memory.fill(exponent, 0xff, SIZE);
    store<u8>(exponent, 0xfd);
    store<u8>(exponent, 0x0f, 31);
    field.power(power, cube, exponent);
    field.multiply(x, x, power);
    field.multiply(power, x, x);
    field.multiply(power, power, v);
    if (!field.areEqual(power, u)) {
      field.negate(u, u);
      if (!field.areEqual(power, u)) return false;
      field.multiply(x, x, this.root);
    }
    field.toPlain(power, x);
    if (field.isZero(power) && sign == 1) return false;
    if ((load<u8>(power) & 1) != sign) field.negate(x, x);
    memory.copy(to + 2 * SIZE, field.one, SIZE);
    field.multiply(to + 3 * SIZE, x, y);
    return true;
  }

  /** RFC 8032 §5.1.2. */
  private encode(to: usize, point: usize): void {
    const field = this.field;
    const inverse = field.make();
    const x = field.make();
    field.invert(inverse, point + 2 * SIZE);
    field.multiply(x, point, inverse);
    field.toPlain(x, x);
    field.multiply(to, point + SIZE, inverse);
    field.toPlain(to, to);
    store<u8>(to, load<u8>(to, 31) | (load<u8>(x) << 7), 31);
  }

  /** Writes the third, fifth … multiple behind the point at `points`. */
  private writeMultiples(points: usize): void {
    const twice = takeScratch(POINT_SIZE);
    this.double(twice, points);
    for (let index: usize = 1; index < ODD_DIGITS; index++) {
      this.add(points + index * POINT_SIZE, points + (index - 1) * POINT_SIZE, twice);
    }
  }

  /** `to` = `ofBase` times the base point and `ofKey` times the one prepared at `key` (Straus). */
  private multiplyBoth(to: usize, ofBase: usize, ofKey: usize, key: usize): void {
    const count = (SIZE << 3) + 1;
    const baseDigits = takeScratch(count);
    const keyDigits = takeScratch(count);
    writeSignedDigits(ofBase, SIZE, baseDigits);
    writeSignedDigits(ofKey, SIZE, keyDigits);
    memory.fill(to, 0, POINT_SIZE);
    memory.copy(to + SIZE, this.field.one, SIZE);
    memory.copy(to + 2 * SIZE, this.field.one, SIZE);
    const negated = takeScratch(POINT_SIZE);
    for (let at = count; at > 0; at--) {
      this.double(to, to);
      this.addMultiple(to, load<i8>(baseDigits + at - 1), changetype<usize>(this.baseMultiples), negated);
      this.addMultiple(to, load<i8>(keyDigits + at - 1), key, negated);
    }
  }

  /** Adds `digit` times a point whose odd multiples stand at `multiples`. */
  private addMultiple(to: usize, digit: i32, multiples: usize, negated: usize): void {
    if (digit == 0) return;
    const multiple = multiples + <usize>(abs(digit) >> 1) * POINT_SIZE;
    if (digit > 0) {
      this.add(to, to, multiple);
      return;
    }
    memory.copy(negated, multiple, POINT_SIZE);
    this.field.negate(negated, negated);
    this.field.negate(negated + 3 * SIZE, negated + 3 * SIZE);
    this.add(to, to, negated);
  }

  /** `to` = 2 · `p`; both may be the same (RFC 8032 §5.1.4). */
  private double(to: usize, p: usize): void {
    const field = this.field;
    const a = memory.data(160, 8);
    const b = a + SIZE;
    const e = a + 2 * SIZE;
    const f = a + 3 * SIZE;
    const h = a + 4 * SIZE;
    field.multiply(a, p, p);
    field.multiply(b, p + SIZE, p + SIZE);
    field.multiply(f, p + 2 * SIZE, p + 2 * SIZE);
    field.add(f, f, f);
    field.add(h, a, b);
    field.add(e, p, p + SIZE);
    field.multiply(e, e, e);
    field.subtract(e, h, e);
    field.subtract(a, a, b);
    field.add(f, f, a);
    this.finish(to, e, f, a, h);
  }

  /** `to` = `p` + `q`; `to` may be `p` (RFC 8032 §5.1.4). Right for all points. */
  private add(to: usize, p: usize, q: usize): void {
    const field = this.field;
    const a = memory.data(192, 8);
    const b = a + SIZE;
    const c = a + 2 * SIZE;
    const d = a + 3 * SIZE;
    const e = a + 4 * SIZE;
    const f = a + 5 * SIZE;
    field.subtract(a, p + SIZE, p);
    field.subtract(b, q + SIZE, q);
    field.multiply(a, a, b);
    field.add(b, p + SIZE, p);
    field.add(c, q + SIZE, q);
    field.multiply(b, b, c);
    field.multiply(c, p + 3 * SIZE, q + 3 * SIZE);
    field.multiply(c, c, this.twiceD);
    field.multiply(d, p + 2 * SIZE, q + 2 * SIZE);
    field.add(d, d, d);
    field.subtract(e, b, a);
    field.subtract(f, d, c);
    field.add(d, d, c);
    field.add(b, b, a);
    this.finish(to, e, f, d, b);
  }

  private finish(to: usize, e: usize, f: usize, g: usize, h: usize): void {
    const field = this.field;
    field.multiply(to, e, f);
    field.multiply(to + SIZE, g, h);
    field.multiply(to + 2 * SIZE, f, g);
    field.multiply(to + 3 * SIZE, e, h);
  }
}
