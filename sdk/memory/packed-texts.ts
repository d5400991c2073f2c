import { OBJECT, TOTAL_OVERHEAD } from "rt/common";

/**
 * Puts the module's string literals, packed in the bytes from `start` to `end`, where code expects them. The compiler's
 * transform (`packed-texts.mjs`, which says how) packs them, and calls this before anything else runs.
 */
export function unpackTexts(start: usize, end: usize): void {
  let text: usize = 16;
  let from = start;
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
    for (const textEnd = text + size; text < textEnd; text += 2) {
      store<u16>(text, load<u8>(from));
      from += 1;
    }
    text = (text + TOTAL_OVERHEAD + 15) & ~15;
  }
  memory.fill(start, 0, end - start);
}
