import { ByteView } from "../memory/byte-view";

/** Bytes of the path in a `:path`: up to the first `?` or `#`. */
export function pathEnd(path: ByteView): i32 {
  const start = path.start;
  const length = path.length;
  for (let index = 0; index < length; index++) {
    const byte = load<u8>(start + index);
    if (byte == 0x3f || byte == 0x23) return index;
  }
  return length;
}

/** The query of a `:path`, between the first `?` and a `#`; `null` without a `?`. An empty query is an empty view. */
export function queryOf(path: ByteView): ByteView | null {
  const end = pathEnd(path);
  if (path.at(end) != 0x3f) return null;
  const fragment = path.indexOf(0x23, end);
  return path.slice(end + 1, fragment < 0 ? path.length : fragment);
}
