import { takeScratch } from "../memory/arena";
import {
  add,
  areEqual,
  FIELD_SIZE,
  fromPlain,
  invert,
  isZero,
  makeNumber,
  multiply,
  negate,
  PLAIN_SIZE,
  rootPower,
  setSmall,
  square,
  subtract,
  toPlain,
} from "./field-25519";
import { Hash } from "./hash";
import { Modulus } from "./modulus";
import { ODD_DIGITS, writeSignedDigits } from "./signed-digits";

/**
 * A point is X, Y, Z and T: it stands for (X/Z, Y/Z), and T is XY/Z. One that is to be added stands as Y - X, Y + X, 2Z
 * and 2dT instead.
 */
// @ts-ignore: decorator
@inline
const POINT_SIZE: usize = 4 * FIELD_SIZE;
// @ts-ignore: decorator
@inline
const Y: usize = FIELD_SIZE;
// @ts-ignore: decorator
@inline
const Z: usize = 2 * FIELD_SIZE;
// @ts-ignore: decorator
@inline
const T: usize = 3 * FIELD_SIZE;

/** Bytes of what {@link Ed25519.prepare} writes. */
// @ts-ignore: decorator
@inline
export const PREPARED_SIZE: usize = ODD_DIGITS * POINT_SIZE;

/** Ed25519 (RFC 8032 §5.1): checks signatures, on the curve -x² + y² = 1 + dx²y². */
@final
export class Ed25519 {
  private readonly order: Modulus;
  /** d, 2d and a square root of -1. */
  private readonly constants: StaticArray<u8> = new StaticArray<u8>(3 * <i32>FIELD_SIZE);
  /** The odd multiples of the base point up to 15, to be added. */
  private readonly baseMultiples: StaticArray<u8> = new StaticArray<u8>(<i32>PREPARED_SIZE);

  constructor() {
    // The order, most significant byte first in memory; d and a square root of -1, least significant byte first.
    const numbers = memory.data<u64>([
      0x0000000000000010, 0x0000000000000000, 0xd69cf7a2def9de14, 0xedd3f55c1a631258, 0x75eb4dca135978a3,
      0x00700a4d4141d8ab, 0x8cc740797779e898, 0x52036cee2b6ffe73, 0xc4ee1b274a0ea0b0, 0x2f431806ad2fe478,
      0x2b4d00993dfbd7a7, 0x2b8324804fc1df0b,
    ]);
    this.order = new Modulus(numbers, PLAIN_SIZE);
    fromPlain(this.d, numbers + 32);
    add(this.twiceD, this.d, this.d);
    fromPlain(this.root, numbers + 64);
    // The base point's y is 4/5.
    const encoded = takeScratch(PLAIN_SIZE);
    memory.fill(encoded, 0x66, PLAIN_SIZE);
    store<u8>(encoded, 0x58);
    const base = takeScratch(POINT_SIZE);
    this.decode(base, encoded);
    this.writeMultiples(changetype<usize>(this.baseMultiples), base);
  }

  private get d(): usize {
    return changetype<usize>(this.constants);
  }

  private get twiceD(): usize {
    return this.d + FIELD_SIZE;
  }

  private get root(): usize {
    return this.d + 2 * FIELD_SIZE;
  }

  /** Writes what {@link verify} needs of the public key of 32 bytes at `key`; `false` when that is no point's encoding. */
  prepare(to: usize, key: usize): bool {
    const point = takeScratch(POINT_SIZE);
    if (!this.decode(point, key)) return false;
    negate(point, point);
    negate(point + T, point + T);
    this.writeMultiples(to, point);
    return true;
  }

  /**
   * Whether the 64 bytes at `signature` are one over `size` bytes at `message`, by the public key at `key` that was
   * prepared at `prepared`. `sha512` must be new or finished.
   */
  verify(prepared: usize, key: usize, sha512: Hash, message: usize, size: usize, signature: usize): bool {
    const order = this.order;
    const s = signature + PLAIN_SIZE;
    if (!order.isBelow(s)) return false;
    const digest = takeScratch(64);
    sha512.update(signature, PLAIN_SIZE).update(key, PLAIN_SIZE).update(message, size).digest(digest);
    // The digest is low + 2^256 · high, and that is what fromPlain multiplies by.
    const factor = order.make();
    const low = order.make();
    order.fromPlain(factor, digest + PLAIN_SIZE);
    order.reduce(low, digest);
    order.add(factor, factor, low);
    const point = takeScratch(POINT_SIZE);
    this.multiplyBoth(point, s, factor, prepared);
    const encoded = takeScratch(PLAIN_SIZE);
    this.encode(encoded, point);
    return memory.compare(encoded, signature, PLAIN_SIZE) == 0;
  }

  /** RFC 8032 §5.1.3. `false` for what encodes no point, or one that has another encoding. */
  private decode(to: usize, encoded: usize): bool {
    const x = to;
    const y = to + Y;
    const sign = (<u32>load<u8>(encoded, PLAIN_SIZE - 1)) >> 7;
    fromPlain(y, encoded);
    const plain = takeScratch(PLAIN_SIZE);
    toPlain(plain, y);
    store<u8>(plain, load<u8>(plain, PLAIN_SIZE - 1) | (sign << 7), PLAIN_SIZE - 1);
    if (memory.compare(plain, encoded, PLAIN_SIZE) != 0) return false;
    // x² is u / v, with u = y² - 1 and v = dy² + 1; x is uv³(uv⁷)^((p - 5) / 8), or that times the root of -1.
    const u = makeNumber();
    const v = makeNumber();
    const one = makeNumber();
    const cube = makeNumber();
    const power = makeNumber();
    setSmall(one, 1);
    square(u, y);
    multiply(v, u, this.d);
    subtract(u, u, one);
    add(v, v, one);
    square(cube, v);
    multiply(cube, cube, v);
    multiply(x, cube, u);
    square(cube, cube);
    multiply(cube, cube, v);
    multiply(cube, cube, u);
    rootPower(power, cube);
    multiply(x, x, power);
    square(power, x);
    multiply(power, power, v);
    if (!areEqual(power, u)) {
      negate(u, u);
      if (!areEqual(power, u)) return false;
      multiply(x, x, this.root);
    }
    toPlain(plain, x);
    if (isZero(x) && sign == 1) return false;
    if ((load<u8>(plain) & 1) != sign) negate(x, x);
    memory.copy(to + Z, one, FIELD_SIZE);
    multiply(to + T, x, y);
    return true;
  }

  /** RFC 8032 §5.1.2. */
  private encode(to: usize, point: usize): void {
    const inverse = makeNumber();
    const x = makeNumber();
    const y = makeNumber();
    invert(inverse, point + Z);
    multiply(x, point, inverse);
    multiply(y, point + Y, inverse);
    const plain = takeScratch(PLAIN_SIZE);
    toPlain(plain, x);
    toPlain(to, y);
    store<u8>(to, load<u8>(to, PLAIN_SIZE - 1) | (load<u8>(plain) << 7), PLAIN_SIZE - 1);
  }

  /** Writes the point, its third, fifth … multiple, all to be added. Changes the point. */
  private writeMultiples(to: usize, point: usize): void {
    const twice = takeScratch(POINT_SIZE);
    const addend = takeScratch(POINT_SIZE);
    memory.copy(twice, point, POINT_SIZE);
    this.double(twice, true);
    this.writeAddend(addend, twice);
    this.writeAddend(to, point);
    for (let index: usize = 1; index < ODD_DIGITS; index++) {
      this.add(point, addend, false, true);
      this.writeAddend(to + index * POINT_SIZE, point);
    }
  }

  private writeAddend(to: usize, point: usize): void {
    subtract(to, point + Y, point);
    add(to + Y, point + Y, point);
    add(to + Z, point + Z, point + Z);
    multiply(to + T, point + T, this.twiceD);
  }

  /** `to` = `ofBase` times the base point and `ofKey` times the one prepared at `key` (Straus). */
  private multiplyBoth(to: usize, ofBase: usize, ofKey: usize, key: usize): void {
    const count = (PLAIN_SIZE << 3) + 1;
    const baseDigits = takeScratch(count);
    const keyDigits = takeScratch(count);
    writeSignedDigits(ofBase, PLAIN_SIZE, baseDigits);
    writeSignedDigits(ofKey, PLAIN_SIZE, keyDigits);
    memory.fill(to, 0, POINT_SIZE);
    setSmall(to + Y, 1);
    setSmall(to + Z, 1);
    for (let at = count; at-- > 0;) {
      const baseDigit = load<i8>(baseDigits + at);
      const keyDigit = load<i8>(keyDigits + at);
      this.double(to, (baseDigit | keyDigit) != 0);
      if (baseDigit != 0) this.addMultiple(to, baseDigit, changetype<usize>(this.baseMultiples), keyDigit != 0);
      if (keyDigit != 0) this.addMultiple(to, keyDigit, key, false);
    }
  }

  /** Adds `digit` times a point whose odd multiples stand at `multiples`. */
  private addMultiple(to: usize, digit: i32, multiples: usize, withT: bool): void {
    this.add(to, multiples + <usize>(abs(digit) >> 1) * POINT_SIZE, digit < 0, withT);
  }

  /** Doubles a point, whose T it does not read (RFC 8032 §5.1.4), and writes T only `withT`: adding needs it. */
  private double(point: usize, withT: bool): void {
    const e = temporaries();
    const f = e + FIELD_SIZE;
    const g = e + 2 * FIELD_SIZE;
    const h = e + 3 * FIELD_SIZE;
    const b = e + 4 * FIELD_SIZE;
    square(g, point);
    square(b, point + Y);
    square(f, point + Z);
    add(e, point, point + Y);
    square(e, e);
    add(h, g, b);
    subtract(g, g, b);
    add(f, f, f);
    add(f, f, g);
    subtract(e, h, e);
    complete(point, e, f, g, h, withT);
  }

  /** Adds `addend`, or takes it away, and writes T only `withT` (RFC 8032 §5.1.4). Right for all points. */
  private add(point: usize, addend: usize, isTaken: bool, withT: bool): void {
    const e = temporaries();
    const f = e + FIELD_SIZE;
    const g = e + 2 * FIELD_SIZE;
    const h = e + 3 * FIELD_SIZE;
    const b = e + 4 * FIELD_SIZE;
    subtract(e, point + Y, point);
    multiply(e, e, isTaken ? addend + Y : addend);
    add(b, point + Y, point);
    multiply(b, b, isTaken ? addend : addend + Y);
    add(h, b, e);
    subtract(e, b, e);
    multiply(b, point + Z, addend + Z);
    multiply(g, point + T, addend + T);
    subtract(f, b, g);
    add(g, b, g);
    // The negative of a point has the negative X and T: what is made of them changes places.
    if (isTaken) complete(point, e, g, f, h, withT);
    else complete(point, e, f, g, h, withT);
  }
}

function temporaries(): usize {
  return memory.data(5 * 40, 8);
}

function complete(to: usize, e: usize, f: usize, g: usize, h: usize, withT: bool): void {
  multiply(to, e, f);
  multiply(to + Y, g, h);
  multiply(to + Z, f, g);
  if (withT) multiply(to + T, e, h);
}
