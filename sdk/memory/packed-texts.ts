import { OBJECT, TOTAL_OVERHEAD } from "rt/common";

/**
 * Puts the module's string literals, packed in the bytes from `texts` to `end`, where code expects them. The compiler's
 * transform (`packed-texts.mjs`, which says how) packs them, and calls this before anything else runs.
 *
 * @param pairs address of the pairs of codes that codes from 0x80 on stand for, right before the texts
 */
export function unpackTexts(pairs: usize, texts: usize, end: usize): void {
  let text: usize = 16;
  let from = texts;
  while (from < end) {
    const length = <usize>load<u8>(from);
    from += 1;
    if (length & 0x80) {
      text += (<usize>load<u16>(from)) << 4;
      from += 2;
    }
    const size = (length & 0x7f) << 1;
    const object = changetype<OBJECT>(text - TOTAL_OVERHEAD);
    object.rtId = idof<string>();
    object.rtSize = <u32>size;
    for (const textEnd = text + size; text < textEnd; from++) text = unpackCode(load<u8>(from), pairs, text);
    text = (text + TOTAL_OVERHEAD + 15) & ~15;
  }
  memory.fill(pairs, 0, end - pairs);
}

/** Writes the characters of a code at `to`; the answer is where they end. */
function unpackCode(code: u32, pairs: usize, to: usize): usize {
  if (code < 0x80) {
    store<u16>(to, code);
    return to + 2;
  }
  const pair = pairs + ((code - 0x80) << 1);
  return unpackCode(load<u8>(pair, 1), pairs, unpackCode(load<u8>(pair), pairs, to));
}
