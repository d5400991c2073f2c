import { OBJECT, TOTAL_OVERHEAD } from "rt/common";

/** In a shape: an `Array` or a `StaticArray` of references. The other bits are words of the object that hold one. */
const ARRAY: u32 = 1 << 30;
const STATIC_ARRAY: u32 = 1 << 31;

/**
 * Tells the collector what an object refers to. The compiler's transform (`visited-members.mjs`) has it called instead of the
 * code that the compiler makes for each class.
 *
 * @param shapeOfClass for each class the number of its shape, a byte
 * @param shapes four bytes each
 */
export function visitMembers(object: usize, cookie: u32, shapeOfClass: usize, shapes: usize): void {
  const header = changetype<OBJECT>(object - TOTAL_OVERHEAD);
  const shape = load<u32>(shapes + ((<usize>load<u8>(shapeOfClass + header.rtId)) << 2));
  if (shape >= ARRAY) {
    // An array has its elements in a buffer, whose address and number of elements are words of its own.
    const isStatic = shape >= STATIC_ARRAY;
    let at = isStatic ? object : load<usize>(object, 4);
    const end = at + (isStatic ? <usize>header.rtSize : (<usize>load<u32>(object, 12)) << 2);
    for (; at < end; at += 4) __visit(load<usize>(at), cookie);
  }
  for (let words = shape & (ARRAY - 1); words != 0; words &= words - 1) {
    __visit(load<usize>(object + ((<usize>ctz(words)) << 2)), cookie);
  }
}
