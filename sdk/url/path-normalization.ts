import { hexValue } from "../encoding/hex";
import { takeScratch } from "../memory/arena";
import { ByteView } from "../memory/byte-view";
import { pathEnd } from "./path";

/** Istio's `pathNormalization.normalization` (MeshConfig). */
export enum PathNormalization {
  /** Nothing. */
  None,
  /**
   * RFC 3986 §6.2.2 as Envoy's `normalize_path`: escaped unreserved characters are decoded, a backslash is a slash, `.`
   * and `..` are resolved, and characters that must not stand in a path are escaped.
   */
  Base,
  /** {@link Base}, then several slashes become one. */
  MergeSlashes,
  /** `%2F` and `%5C` become slashes first, then {@link MergeSlashes}. */
  DecodeAndMergeSlashes,
}

/**
 * The path that a proxy with this `normalization` would hand on, for a `:path` as it was received. What follows the
 * first `?` or `#` stays as it is. Escapes are decoded once: `%252e` stays.
 *
 * Follows Envoy 1.40 byte for byte in its answers, also where they surprise: `..;x` counts as `..` but `%2e%2e;x` does
 * not, and a path of nothing but slashes merges to `//`. The case of escapes that stay is kept.
 *
 * @returns `path` itself (`===`) when nothing changes; a view in scratch memory otherwise; `null` for what Envoy answers
 *   with 400: an escaped NUL, or a path that starts with none of `/`, `\` and `*`
 *
 * Allowed everywhere. Cost: linear; no garbage.
 */
export function normalizePath(path: ByteView, normalization: PathNormalization): ByteView | null {
  if (normalization == PathNormalization.None) return path;
  if (path.length == 1 && path.at(0) == 0x2a) return path;
  const size = pathEnd(path);
  const rest = path.length - size;
  // An escape triples a byte.
  const result = takeScratch(3 * size + rest + 1);
  const copy = takeScratch(size);
  memory.copy(copy, path.start, size);
  let end = copy + size;
  if (normalization == PathNormalization.DecodeAndMergeSlashes) end = decodeSlashes(copy, end);
  end = dropDotParameters(copy, end);
  let to = canonicalize(copy, end, result);
  if (to == 0) return null;
  if (normalization != PathNormalization.Base) to = mergeSlashes(result, to);
  memory.copy(to, path.start + size, rest);
  const length = <i32>(to - result) + rest;
  const isSame = length == path.length && memory.compare(result, path.start, length) == 0;
  return isSame ? path : ByteView.of(result, length);
}

/** Makes `%2F` a `/` and `%5C` a `\` in place, and returns the new end. */
function decodeSlashes(start: usize, end: usize): usize {
  let to = start;
  for (let from = start; from < end; from++) {
    let byte = <u32>load<u8>(from);
    if (byte == 0x25) {
      const escaped = escapedByte(from + 1, end);
      if (escaped == 0x2f || escaped == 0x5c) {
        byte = escaped;
        from += 2;
      }
    }
    store<u8>(to++, byte);
  }
  return to;
}

/** Drops the parameters of segments that are `.;…` or `..;…`, up to the next `/`, in place, and returns the new end. */
function dropDotParameters(start: usize, end: usize): usize {
  let to = start;
  let segment = start; // where the segment being written starts
  for (let from = start; from < end; from++) {
    const byte = load<u8>(from);
    if (byte == 0x3b) {
      const size = to - segment;
      const isDots = load<u8>(to - 1) == 0x2e && (size == 1 || (size == 2 && load<u8>(segment) == 0x2e));
      if (isDots) {
        while (from + 1 < end && load<u8>(from + 1) != 0x2f) from++;
        continue;
      }
    }
    store<u8>(to++, byte);
    if (byte == 0x2f) segment = to;
  }
  return to;
}

/** Writes the path without `.` and `..` and with every escape in its one form. Returns the address behind, or 0. */
function canonicalize(from: usize, end: usize, start: usize): usize {
  if (from == end || !isSlash(load<u8>(from))) return 0;
  let to = start;
  let strayPercent: usize = 0; // the last written `%` that begins no escape
  while (from < end) {
    const byte = <u32>load<u8>(from++);
    if (isSlash(byte)) {
      store<u8>(to++, 0x2f);
      while (true) {
        const segment = dotSegment(from, end);
        if (segment == 0) break;
        if ((segment & 3) == 2) to = parentOf(start, to);
        if (strayPercent >= to) strayPercent = 0;
        from = min(end, from + (segment >> 2) + 1);
      }
    } else if (byte != 0x25) {
      to = writeCharacter(byte, to);
    } else {
      const escaped = escapedByte(from, end);
      if (escaped == 0) return 0;
      if (escaped > 0xff) {
        strayPercent = to;
        store<u8>(to++, 0x25);
      } else if (isUnreserved(escaped)) {
        from += 2;
        store<u8>(to++, escaped);
        to = guardStrayPercent(strayPercent, to, from, end);
      } else {
        store<u8>(to, 0x25);
        memory.copy(to + 1, from, 2);
        from += 2;
        to += 3;
      }
    }
  }
  return to;
}

/** Whether the segment at `from` is `.` or `..`, escaped or not: its dots in the low 2 bits, its size above; else 0. */
function dotSegment(from: usize, end: usize): u32 {
  let at = from;
  for (let dots: u32 = 1; dots <= 2; dots++) {
    if (at == end) return 0;
    if (load<u8>(at) == 0x2e) at += 1;
    else if (load<u8>(at) == 0x25 && escapedByte(at + 1, end) == 0x2e) at += 3;
    else return 0;
    if (at == end || isSlash(load<u8>(at))) return ((<u32>(at - from)) << 2) | dots;
  }
  return 0;
}

/** `to` stands behind a slash: the address behind the slash before, or `to` at the root. */
function parentOf(start: usize, to: usize): usize {
  if (to - start < 2) return to;
  to -= 1;
  while (load<u8>(to - 1) != 0x2f) to--;
  return to;
}

/**
 * A character that was just decoded, before `to`, must not make an escape of a `%` that began none: `%2%65` would
 * become `%2e`, and be decoded further by the next in the line. Such a `%` is escaped itself.
 */
function guardStrayPercent(percent: usize, to: usize, from: usize, end: usize): usize {
  const written = to - percent;
  if (percent == 0 || written < 2 || written > 3 || hexValue(load<u8>(percent, 1)) > 15) return to;
  const second = written == 3 ? <u32>load<u8>(percent, 2) : from < end ? <u32>load<u8>(from) : 0;
  if (hexValue(second) > 15) return to;
  memory.copy(percent + 3, percent + 1, written - 1);
  store<u16>(percent, 0x3532, 1); // "25"
  return to + 2;
}

/** Writes a character, escaped where it must not stand in a path, and returns the address behind it. */
function writeCharacter(byte: u32, to: usize): usize {
  const isEscaped =
    byte <= 0x20 || byte >= 0x7f || byte == 0x22 || byte == 0x3c || byte == 0x3e || byte == 0x5e || byte == 0x60;
  if (!isEscaped && byte - 0x7b > 2) {
    store<u8>(to, byte);
    return to + 1;
  }
  store<u8>(to, 0x25);
  store<u8>(to, upperHex(byte >> 4), 1);
  store<u8>(to, upperHex(byte & 15), 2);
  return to + 3;
}

/** Writes each run of slashes as one, in place, but for a path of nothing else: that keeps two, as in Envoy. */
function mergeSlashes(start: usize, end: usize): usize {
  let to = start;
  for (let from = start; from < end; from++) {
    const byte = load<u8>(from);
    if (byte == 0x2f && to > start && load<u8>(to - 1) == 0x2f) continue;
    store<u8>(to++, byte);
  }
  if (to - start == 1 && end - start > 1) store<u8>(to++, 0x2f);
  return to;
}

/** The byte that the two characters at `from`, behind a `%`, stand for; above 0xff when they are no escape. */
function escapedByte(from: usize, end: usize): u32 {
  if (end - from < 2) return 0x100;
  const high = hexValue(load<u8>(from));
  const low = hexValue(load<u8>(from, 1));
  return (high | low) > 15 ? 0x100 : (high << 4) | low;
}

/** RFC 3986 §2.3: letters, digits, `-`, `.`, `_` and `~`. */
function isUnreserved(byte: u32): bool {
  const isAlphanumeric = (byte | 0x20) - 0x61 < 26 || byte - 0x30 < 10;
  return isAlphanumeric || byte == 0x2d || byte == 0x2e || byte == 0x5f || byte == 0x7e;
}

// @ts-ignore: decorator
@inline
function isSlash(byte: u32): bool {
  return byte == 0x2f || byte == 0x5c;
}

// @ts-ignore: decorator
@inline
function upperHex(value: u32): u32 {
  return value < 10 ? value + 0x30 : value + 0x37;
}
