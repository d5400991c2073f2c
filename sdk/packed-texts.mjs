/**
 * Part of the compiler transform: stores string literals in a fifth of the room, and has the module unpack them before
 * anything else runs (`memory/packed-texts.ts`).
 *
 * In a module a literal takes two bytes for each character and some fifteen more, and a filter with a configuration has
 * hundreds. Packed, it takes a byte and one for each character, or for several that often stand together. In memory it is what
 * it would be anyway, at the same address, so code that uses it costs the same.
 */

import { endOf, segmentsOf, setSegments } from "./module-data.mjs";

const UNPACK = "unpackTexts";
const UNPACK_FUNCTION = `~lib/@attache/sdk/memory/packed-texts/${UNPACK}`;

/** Before a literal's characters; the last eight bytes hold its class and its size in bytes. */
const HEADER_SIZE = 20;
const STRING_CLASS = 2;
/** Objects are aligned so that their content is. */
const ALIGNMENT = 16;

/** Codes below are characters, these stand for two others. */
const FIRST_PAIR = 0x80;
const LAST_PAIR = 0xff;

const LONGEST = 0x7f;
const HAS_GAP = 0x80;
const LARGEST_GAP = 0xffff;

/** @param module a whole filter; others are left as they are, and one that has its texts packed already */
export function packTexts(module, binaryen) {
  if (module.getExport(UNPACK) === 0) return;
  const segments = segmentsOf(module);
  const { pairs, bytes, others } = pack(segments);
  // Nothing is allocated before the texts are unpacked, so their packed form stands where the heap will begin.
  const start = endOf(segments);
  const packed = Uint8Array.of(...pairs, ...bytes);
  setSegments(module, [...others, { offset: start, data: packed, passive: false }]);
  const addresses = [start, start + pairs.length, start + packed.length].map((address) => module.i32.const(address));
  const unpack = module.call(UNPACK_FUNCTION, addresses, binaryen.none);
  const main = module.getFunction("~start");
  binaryen.Function.setBody(main, module.block(null, [unpack, binaryen.Function.getBody(main)]));
  module.removeExport(UNPACK);
}

/**
 * The texts of `segments` as `unpackTexts` reads them, and the other segments: for each text its length, with
 * {@link HAS_GAP} followed by the gap between its object and the one before (in two bytes, in units of the alignment), and
 * the codes of its characters.
 */
function pack(segments) {
  const texts = [];
  const others = [];
  let next = ALIGNMENT;
  for (const segment of segments) {
    const content = segment.offset + HEADER_SIZE;
    const codes = textOf(segment);
    const gap = (content - next) / ALIGNMENT;
    if (codes === null || gap < 0 || gap > LARGEST_GAP || !Number.isInteger(gap)) {
      others.push(segment);
      continue;
    }
    const head = gap === 0 ? [codes.length] : [codes.length | HAS_GAP, gap & 0xff, gap >> 8];
    texts.push({ head, codes });
    next = contentAfter(content + codes.length * 2);
  }
  const pairs = pairUp(texts);
  const bytes = texts.flatMap(({ head, codes }) => [...head, ...codes]);
  return { pairs: Uint8Array.from(pairs.flat()), bytes: Uint8Array.from(bytes), others };
}

/**
 * Has one code stand for the two that are most often beside each other, again and again (Gage, "A New Algorithm for Data
 * Compression", 1994). The answer is the pairs, in the order of their codes.
 */
function pairUp(texts) {
  const pairs = [];
  for (let code = FIRST_PAIR; code <= LAST_PAIR; code++) {
    const [pair, count] = mostFrequentPair(texts);
    if (count <= pair.length) break;
    pairs.push(pair);
    for (const text of texts) text.codes = replacePair(text.codes, pair, code);
  }
  return pairs;
}

function mostFrequentPair(texts) {
  const counts = new Map();
  for (const { codes } of texts) {
    for (let at = 1; at < codes.length; at++) {
      const key = (codes[at - 1] << 8) | codes[at];
      counts.set(key, (counts.get(key) ?? 0) + 1);
      // Of three equal ones only two are a pair.
      if (codes[at - 1] === codes[at] && codes[at] === codes[at + 1]) at++;
    }
  }
  let [best, most] = [0, 0];
  for (const [key, count] of counts) if (count > most) [best, most] = [key, count];
  return [[best >> 8, best & 0xff], most];
}

function replacePair(codes, [first, second], code) {
  const replaced = [];
  for (let at = 0; at < codes.length; at++) {
    const isPair = codes[at] === first && codes[at + 1] === second;
    replaced.push(isPair ? code : codes[at]);
    if (isPair) at++;
  }
  return replaced;
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
  return units.every((unit) => unit < FIRST_PAIR) && rest.every((byte) => byte === 0) ? units : null;
}
