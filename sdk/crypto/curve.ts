import { takeScratch } from "../memory/arena";
import { Modulus } from "./modulus";
import { ODD_DIGITS, writeSignedDigits } from "./signed-digits";

/**
 * A curve y² = x³ - 3x + b over a prime field, of prime order (FIPS 186-4 §D.1.2). A point is three numbers of the field
 * one after the other, X, Y and Z, and stands for (X/Z², Y/Z³); Z is 0 at infinity.
 */
@final
export class Curve {
  readonly field: Modulus;
  readonly order: Modulus;
  /** Bytes of a coordinate and of each half of a signature. */
  readonly size: usize;
  private readonly b: StaticArray<u8>;
  /** The odd multiples of the base point up to 15. */
  private readonly baseMultiples: StaticArray<u8>;

  /** From five numbers of `size` bytes each, most significant byte first: p, the order, b and the base point. */
  constructor(parameters: usize, size: usize) {
    const field = new Modulus(parameters, size);
    this.field = field;
    this.order = new Modulus(parameters + size, size);
    this.size = size;
    const fieldSize = <i32>field.size;
    this.b = new StaticArray<u8>(fieldSize);
    this.baseMultiples = new StaticArray<u8>(<i32>ODD_DIGITS * 3 * fieldSize);
    const b = changetype<usize>(this.b);
    field.read(b, parameters + 2 * size, size);
    field.fromPlain(b, b);
    const base = changetype<usize>(this.baseMultiples);
    this.readPoint(base, parameters + 3 * size, parameters + 4 * size);
    this.writeMultiples(base);
  }

  /** Bytes of a point. */
  private get pointSize(): usize {
    return 3 * this.field.size;
  }

  /** Bytes of what {@link prepare} writes. */
  get preparedSize(): usize {
    return ODD_DIGITS * this.pointSize;
  }

  /**
   * Writes what {@link verify} needs of the point with these coordinates, of {@link size} bytes each. `false` when it is
   * not on the curve. Every other point there is of the prime order, so nothing more has to be checked.
   */
  prepare(to: usize, x: usize, y: usize): bool {
    if (!this.readPoint(to, x, y)) return false;
    this.writeMultiples(to);
    return true;
  }

  /**
   * Whether `signature`, two numbers of {@link size} bytes, is one of ECDSA (FIPS 186-4 §6.4) over `digest`, which is not
   * longer than they are, by the key that was prepared at `key`.
   */
  verify(key: usize, digest: usize, digestSize: usize, signature: usize): bool {
    const order = this.order;
    const field = this.field;
    const r = order.make();
    const s = order.make();
    const size = this.size;
    if (!order.read(r, signature, size) || order.isZero(r)) return false;
    if (!order.read(s, signature + size, size) || order.isZero(s)) return false;

    order.fromPlain(s, s);
    const inverse = order.make();
    order.invert(inverse, s);
    const ofBase = order.make();
    order.read(ofBase, digest, digestSize);
    // A plain number times one that is not is plain again.
    order.reduce(ofBase, ofBase);
    order.multiply(ofBase, ofBase, inverse);
    const ofKey = order.make();
    order.multiply(ofKey, r, inverse);

    const point = takeScratch(this.pointSize);
    this.multiplyBoth(point, ofBase, ofKey, key);
    const z = point + 2 * field.size;
    if (field.isZero(z)) return false;
    // X / Z² modulo the order is r: so X is Z² · r, or Z² · (r + order) if that is below p.
    const zz = field.make();
    field.multiply(zz, z, z);
    const expected = field.make();
    field.fromPlain(expected, r);
    field.multiply(expected, expected, zz);
    if (field.areEqual(expected, point)) return true;
    if (!addPlain(r, order.modulus, field)) return false;
    field.fromPlain(expected, r);
    field.multiply(expected, expected, zz);
    return field.areEqual(expected, point);
  }

  private readPoint(to: usize, x: usize, y: usize): bool {
    const field = this.field;
    const size = field.size;
    if (!field.read(to, x, this.size) || !field.read(to + size, y, this.size)) return false;
    field.fromPlain(to, to);
    field.fromPlain(to + size, to + size);
    memory.copy(to + 2 * size, field.one, size);
    // x³ - 3x + b
    const right = field.make();
    const left = field.make();
    field.multiply(right, to, to);
    for (let count = 0; count < 3; count++) field.subtract(right, right, field.one);
    field.multiply(right, right, to);
    field.add(right, right, changetype<usize>(this.b));
    field.multiply(left, to + size, to + size);
    return field.areEqual(left, right);
  }

  /**
   * Writes the third, fifth … multiple behind the point at `points`, all with a Z of 1, which makes adding them cheaper. No
   * multiple is infinity, since the order is a large prime.
   */
  private writeMultiples(points: usize): void {
    const field = this.field;
    const pointSize = this.pointSize;
    const twice = takeScratch(pointSize);
    this.double(twice, points);
    const inverse = field.make();
    const square = field.make();
    this.makeAffine(twice, inverse, square);
    for (let index: usize = 1; index < ODD_DIGITS; index++) {
      const multiple = points + index * pointSize;
      this.add(multiple, multiple - pointSize, twice);
      this.makeAffine(multiple, inverse, square);
    }
  }

  private makeAffine(point: usize, inverse: usize, square: usize): void {
    const field = this.field;
    const size = field.size;
    field.invert(inverse, point + 2 * size);
    field.multiply(square, inverse, inverse);
    field.multiply(point, point, square);
    field.multiply(square, square, inverse);
    field.multiply(point + size, point + size, square);
    memory.copy(point + 2 * size, field.one, size);
  }

  /** `to` = `ofBase` times the base point and `ofKey` times the one prepared at `key` (Straus). */
  private multiplyBoth(to: usize, ofBase: usize, ofKey: usize, key: usize): void {
    const size = this.order.size;
    const count = (size << 3) + 1;
    const baseDigits = takeScratch(count);
    const keyDigits = takeScratch(count);
    writeSignedDigits(ofBase, size, baseDigits);
    writeSignedDigits(ofKey, size, keyDigits);
    memory.fill(to, 0, this.pointSize);
    const negated = takeScratch(this.pointSize);
    for (let at = count; at > 0; at--) {
      this.double(to, to);
      this.addMultiple(to, load<i8>(baseDigits + at - 1), changetype<usize>(this.baseMultiples), negated);
      this.addMultiple(to, load<i8>(keyDigits + at - 1), key, negated);
    }
  }

  /** Adds `digit` times a point whose odd multiples stand at `multiples`. */
  private addMultiple(to: usize, digit: i32, multiples: usize, negated: usize): void {
    if (digit == 0) return;
    const multiple = multiples + <usize>(abs(digit) >> 1) * this.pointSize;
    if (digit > 0) {
      this.add(to, to, multiple);
      return;
    }
    const size = this.field.size;
    memory.copy(negated, multiple, this.pointSize);
    this.field.negate(negated + size, negated + size);
    this.add(to, to, negated);
  }

  /** `to` = 2 · `p`; both may be the same. */
  private double(to: usize, p: usize): void {
    const field = this.field;
    const size = field.size;
    const x = p;
    const y = p + size;
    const z = p + 2 * size;
    const temporary = this.temporaries();
    const zz = temporary;
    const yy = temporary + size;
    const xyy = temporary + 2 * size;
    const slope = temporary + 3 * size;
    const other = temporary + 4 * size;
    field.multiply(zz, z, z);
    field.multiply(yy, y, y);
    field.multiply(xyy, x, yy);
    // 3(x - z²)(x + z²)
    field.subtract(other, x, zz);
    field.add(slope, x, zz);
    field.multiply(other, other, slope);
    field.add(slope, other, other);
    field.add(slope, slope, other);
    // Z = (y + z)² - y² - z²
    field.add(other, y, z);
    field.multiply(other, other, other);
    field.subtract(other, other, yy);
    field.subtract(to + 2 * size, other, zz);
    // X = slope² - 8xy²
    field.add(xyy, xyy, xyy);
    field.add(xyy, xyy, xyy);
    field.multiply(other, slope, slope);
    field.subtract(other, other, xyy);
    field.subtract(to, other, xyy);
    // Y = slope (4xy² - X) - 8y⁴
    field.subtract(xyy, xyy, to);
    field.multiply(xyy, xyy, slope);
    field.multiply(yy, yy, yy);
    field.add(yy, yy, yy);
    field.add(yy, yy, yy);
    field.add(yy, yy, yy);
    field.subtract(to + size, xyy, yy);
  }

  /** `to` = `p` + `q`, with a `q` whose Z is 1; `to` may be `p`. */
  private add(to: usize, p: usize, q: usize): void {
    const field = this.field;
    const size = field.size;
    const pz = p + 2 * size;
    if (field.isZero(pz)) {
      memory.copy(to, q, this.pointSize);
      return;
    }
    const temporary = this.temporaries();
    const left = temporary; // p.x
    const right = temporary + size; // q.x · p.z²
    const leftY = temporary + 2 * size; // p.y
    const rightY = temporary + 3 * size; // q.y · p.z³
    const square = temporary + 4 * size;
    memory.copy(left, p, size);
    memory.copy(leftY, p + size, size);
    field.multiply(square, pz, pz);
    field.multiply(right, q, square);
    field.multiply(square, square, pz);
    field.multiply(rightY, q + size, square);
    field.subtract(right, right, left);
    field.subtract(rightY, rightY, leftY);
    if (field.isZero(right)) {
      if (field.isZero(rightY)) this.double(to, p);
      else memory.fill(to, 0, this.pointSize);
      return;
    }
    // Z = p.z h, with h the difference of the x
    field.multiply(to + 2 * size, pz, right);
    // X = r² - h³ - 2 left h², with r the difference of the y
    field.multiply(square, right, right);
    field.multiply(left, left, square);
    field.multiply(square, square, right);
    field.multiply(to, rightY, rightY);
    field.subtract(to, to, square);
    field.subtract(to, to, left);
    field.subtract(to, to, left);
    // Y = r (left h² - X) - leftY h³
    field.subtract(left, left, to);
    field.multiply(left, left, rightY);
    field.multiply(leftY, leftY, square);
    field.subtract(to + size, left, leftY);
  }

  /** Room for five numbers of any curve here. */
  private temporaries(): usize {
    return memory.data(5 * 68, 8);
  }
}

/** Adds a plain number to `to`; `false` when the sum is not below the modulus of the field. */
function addPlain(to: usize, number: usize, field: Modulus): bool {
  let sum: u64 = 0;
  for (let at: usize = 0; at < field.size; at += 4) {
    sum = (sum >>> 32) + load<u32>(to + at) + load<u32>(number + at);
    store<u32>(to + at, <u32>sum);
  }
  return sum >>> 32 == 0 && field.isBelow(to);
}
