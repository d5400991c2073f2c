import { ByteView } from "@attache/sdk";
import { ByteBuffer } from "./byte-buffer";

/**
 * A path without the parameters of its segments: `/a;x=1/b` is `/a/b`, `/..;x/b` is `/../b`. `path` itself (`===`) when it
 * has none; valid until the next request otherwise.
 */
export function stripPathParameters(path: ByteView, buffer: ByteBuffer): ByteView {
  if (path.indexOf(0x3b) < 0) return path;
  const start = buffer.reserve(path.length);
  let length = 0;
  let isParameter = false;
  for (let index = 0; index < path.length; index++) {
    const byte = path.at(index);
    if (byte == 0x3b) isParameter = true;
    else if (byte == 0x2f) isParameter = false;
    if (!isParameter) store<u8>(start + length++, byte);
  }
  return ByteView.of(start, length);
}
