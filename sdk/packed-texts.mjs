/**
 * Part of the compiler transform: stores string literals in a third of the room, and has the module unpack them before
 * anything else runs (`memory/packed-texts.ts`).
 *
 * In a module a literal takes two bytes for each character and some fifteen more, and a filter with a configuration has
 * hundreds. Packed, it takes a byte for each character and one more. In memory it is what it would be anyway, at the same
 * address, so code that uses it costs the same.
 */

const UNPACK = "unpackTexts";
const UNPACK_FUNCTION = `~lib/@attache/sdk/memory/packed-texts/${UNPACK}`;

/** Before a literal's characters; the last eight bytes hold its class and its size in bytes. */
const HEADER_SIZE = 20;
const STRING_CLASS = 2;
/** Objects are aligned so that their content is. */
const ALIGNMENT = 16;

const LONGEST = 0x7f;
const HAS_GAP = 0x80;
const LARGEST_GAP = 0xffff;
const PAGE_SIZE = 0x10000;

/** @param module a whole filter; others are left as they are */
export function packTexts(module, binaryen) {
  if (module.getFunction(UNPACK_FUNCTION) === 0) return;
  const segments = segmentsOf(module);
  const { bytes, others } = pack(segments);
  // Nothing is allocated before the texts are unpacked, so their packed form stands where the heap will begin.
  const start = Math.max(...segments.map(({ offset, data }) => offset + data.length));
  const end = start + bytes.length;
  const { initial, max = -1 } = module.getMemoryInfo();
  const constant = (segment) => ({ ...segment, offset: module.i32.const(segment.offset) });
  const pages = Math.max(initial, Math.ceil(end / PAGE_SIZE));
  module.setMemory(pages, max, null, [...others, { offset: start, data: bytes, passive: false }].map(constant));
  const main = module.getFunction("~start");
  const unpack = module.call(UNPACK_FUNCTION, [module.i32.const(start), module.i32.const(end)], binaryen.none);
  binaryen.Function.setBody(main, module.block(null, [unpack, binaryen.Function.getBody(main)]));
  module.removeExport(UNPACK);
}

function segmentsOf(module) {
  return Array.from({ length: module.getNumDataSegments() }, (_, index) => {
    const { offset, data, passive } = module.getDataSegmentInfo(module.getDataSegmentByIndex(index));
    return { offset, data: new Uint8Array(data), passive };
  });
}

/**
 * The texts of `segments` as `unpackTexts` reads them, and the other segments: for each text its length, with
 * {@link HAS_GAP} followed by the gap between its object and the one before (in two bytes, in units of the alignment), and
 * its characters.
 */
function pack(segments) {
  const bytes = [];
  const others = [];
  let next = ALIGNMENT;
  for (const segment of segments) {
    const content = segment.offset + HEADER_SIZE;
    const text = textOf(segment);
    const gap = (content - next) / ALIGNMENT;
    if (text === null || gap < 0 || gap > LARGEST_GAP || !Number.isInteger(gap)) {
      others.push(segment);
      continue;
    }
    bytes.push(gap === 0 ? text.length : text.length | HAS_GAP);
    if (gap > 0) bytes.push(gap & 0xff, gap >> 8);
    bytes.push(...text);
    next = contentAfter(content + text.length * 2);
  }
  return { bytes: Uint8Array.from(bytes), others };
}

/** Where the content of the object after the one that ends at `end` is. */
function contentAfter(end) {
  return (end + HEADER_SIZE + ALIGNMENT - 1) & -ALIGNMENT;
}

/** The characters of a literal that can be packed, or `null`. */
function textOf({ data, passive }) {
  if (passive || data.length < HEADER_SIZE) return null;
  const view = new DataView(data.buffer);
  const isString = data.subarray(0, 12).every((byte) => byte === 0) && view.getUint32(12, true) === STRING_CLASS;
  const size = view.getUint32(16, true);
  if (!isString || size / 2 > LONGEST || size > data.length - HEADER_SIZE) return null;
  const units = Array.from({ length: size / 2 }, (_, index) => view.getUint16(HEADER_SIZE + index * 2, true));
  const rest = data.subarray(HEADER_SIZE + size);
  return units.every((unit) => unit < 0x100) && rest.every((byte) => byte === 0) ? units : null;
}
