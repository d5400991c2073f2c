import { TOTAL_OVERHEAD } from "rt/common";
import { takeScratch } from "./arena";

/**
 * Text as the proxy needs it: UTF-8 bytes, preceded by their number and by {@link TextFlags}.
 *
 * A string literal has a fixed address, so it is encoded once; any other string is encoded into scratch memory each
 * time.
 */

// @ts-ignore: decorator
@inline
const HEADER_SIZE: usize = 8;

export const enum TextFlags {
  /** Holds a byte that must not stand in a header: NUL, CR or LF. */
  Unsafe = 1,
  /** Holds an ASCII upper-case letter. */
  UpperCase = 2,
}

/** Address of the UTF-8 bytes of `text`; {@link textSize} and {@link textFlags} tell more about them. */
export function encodeText(text: string): usize {
  const address = changetype<usize>(text);
  return address < __heap_base ? internLiteral(address) : encodeAt(takeScratch(largestSize(address)), address);
}

/** A copy of bytes in scratch memory, with their number and flags, as if they were an encoded text. They may be no UTF-8. */
export function encodeBytes(start: usize, size: usize): usize {
  const encoded = takeScratch(HEADER_SIZE + size) + HEADER_SIZE;
  let flags: u32 = 0;
  for (let index: usize = 0; index < size; index++) {
    const byte = <u32>load<u8>(start + index);
    if (byte == 0 || byte == 0x0a || byte == 0x0d) flags |= TextFlags.Unsafe;
    if (byte - 0x41 < 26) flags |= TextFlags.UpperCase;
    store<u8>(encoded + index, <u8>byte);
  }
  store<u32>(encoded - HEADER_SIZE, flags);
  store<u32>(encoded - HEADER_SIZE, <u32>size, 4);
  return encoded;
}

/** Bytes of an encoded text. */
// @ts-ignore: decorator
@inline
export function textSize(encoded: usize): usize {
  return load<u32>(encoded - 4);
}

// @ts-ignore: decorator
@inline
export function textFlags(encoded: usize): u32 {
  return load<u32>(encoded - HEADER_SIZE);
}

/** Whether `size` bytes at `start` are the UTF-8 of `text`. */
export function isText(start: usize, size: usize, text: string): bool {
  const encoded = encodeText(text);
  return size == textSize(encoded) && memory.compare(start, encoded, size) == 0;
}

/** The bytes as a string; what is not UTF-8 becomes U+FFFD, one for each maximal ill-formed part (WHATWG Encoding). */
export function decodeText(start: usize, size: usize): string {
  if (size == 0) return "";
  const result = __new(size << 1, idof<string>());
  let to = result;
  let from = start;
  const end = start + size;
  while (from < end) {
    const byte = <u32>load<u8>(from);
    if (byte < 0x80) {
      store<u16>(to, <u16>byte);
      from += 1;
      to += 2;
      continue;
    }
    const decoded = decodeMultiByte(from, end, byte);
    from += decoded >>> 24;
    const codePoint = decoded & 0xffffff;
    if (codePoint < 0x10000) {
      store<u16>(to, <u16>codePoint);
      to += 2;
    } else {
      store<u16>(to, <u16>(0xd7c0 + (codePoint >> 10)));
      store<u16>(to, <u16>(0xdc00 | (codePoint & 0x3ff)), 2);
      to += 4;
    }
  }
  const length = to - result;
  return changetype<string>(length == size << 1 ? result : __renew(result, length));
}

/**
 * What starts with the byte `lead` above ASCII at `from`: the code point in the low 24 bits, U+FFFD for an ill-formed part;
 * its number of bytes in the high 8.
 */
export function decodeMultiByte(from: usize, end: usize, lead: u32): u32 {
  let continuations: u32 = 0;
  let codePoint: u32 = 0;
  let lowest: u32 = 0x80;
  let highest: u32 = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    continuations = 1;
    codePoint = lead & 0x1f;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    continuations = 2;
    codePoint = lead & 0x0f;
    if (lead == 0xe0) lowest = 0xa0;
    if (lead == 0xed) highest = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    continuations = 3;
    codePoint = lead & 0x07;
    if (lead == 0xf0) lowest = 0x90;
    if (lead == 0xf4) highest = 0x8f;
  }
  let used: u32 = 1;
  for (; used <= continuations && from + used < end; used++) {
    const byte = <u32>load<u8>(from + used);
    if (byte < lowest || byte > highest) break;
    codePoint = (codePoint << 6) | (byte & 0x3f);
    lowest = 0x80;
    highest = 0xbf;
  }
  return continuations != 0 && used > continuations ? (used << 24) | codePoint : (used << 24) | 0xfffd;
}

// @ts-ignore: decorator
@inline
function largestSize(address: usize): usize {
  return HEADER_SIZE + 3 * unitCount(address);
}

/** UTF-16 code units of the string at `address`. */
// @ts-ignore: decorator
@inline
function unitCount(address: usize): usize {
  return load<u32>(address - 4) >>> 1;
}

function encodeAt(block: usize, address: usize): usize {
  const encoded = block + HEADER_SIZE;
  let to = encoded;
  let flags: u32 = 0;
  let from = address;
  const end = address + (unitCount(address) << 1);
  while (from < end) {
    let codePoint = <u32>load<u16>(from);
    from += 2;
    if (codePoint < 0x80) {
      if (codePoint == 0 || codePoint == 0x0a || codePoint == 0x0d) flags |= TextFlags.Unsafe;
      if (codePoint - 0x41 < 26) flags |= TextFlags.UpperCase;
      store<u8>(to, <u8>codePoint);
      to += 1;
      continue;
    }
    if (codePoint < 0x800) {
      store<u8>(to, <u8>(0xc0 | (codePoint >> 6)));
      store<u8>(to, <u8>(0x80 | (codePoint & 0x3f)), 1);
      to += 2;
      continue;
    }
    if ((codePoint & 0xf800) == 0xd800) {
      const low = from < end ? <u32>load<u16>(from) : 0;
      if (codePoint < 0xdc00 && (low & 0xfc00) == 0xdc00) {
        codePoint = 0x10000 + ((codePoint & 0x3ff) << 10) + (low & 0x3ff);
        from += 2;
        store<u8>(to, <u8>(0xf0 | (codePoint >> 18)));
        store<u8>(to, <u8>(0x80 | ((codePoint >> 12) & 0x3f)), 1);
        store<u8>(to, <u8>(0x80 | ((codePoint >> 6) & 0x3f)), 2);
        store<u8>(to, <u8>(0x80 | (codePoint & 0x3f)), 3);
        to += 4;
        continue;
      }
      codePoint = 0xfffd;
    }
    store<u8>(to, <u8>(0xe0 | (codePoint >> 12)));
    store<u8>(to, <u8>(0x80 | ((codePoint >> 6) & 0x3f)), 1);
    store<u8>(to, <u8>(0x80 | (codePoint & 0x3f)), 2);
    to += 3;
  }
  store<u32>(block, flags);
  store<u32>(block, <u32>(to - encoded), 4);
  return encoded;
}

/**
 * A literal's bytes, encoded the first time. Their address is kept in the literal's first header word: the size of a
 * heap block, which the runtime never reads for static data. That size is below `__heap_base`, an encoded text is not.
 */
function internLiteral(address: usize): usize {
  const header = address - TOTAL_OVERHEAD;
  const known = load<usize>(header);
  if (known >= __heap_base) return known;
  const encoded = encodeAt(heap.alloc(largestSize(address)), address);
  store<usize>(header, encoded);
  return encoded;
}
