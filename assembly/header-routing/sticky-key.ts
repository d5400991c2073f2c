import { ByteView, ConfigReader, RequestHeaders, Text } from "@attache/sdk";

/** Something in a request that stays the same for a user: a header or a cookie. */
export class StickyKey {
  private readonly header: Text;
  private cookie: Text | null = null;

  constructor(config: ConfigReader) {
    const hasHeader = config.has("header");
    const hasCookie = config.has("cookie");
    const header = config.string("header", "cookie");
    const cookie = config.string("cookie", "");
    if (hasHeader == hasCookie) config.error("exactly one of header and cookie must be given");
    if (hasHeader && header.length == 0) config.get("header").error("must not be empty");
    if (hasCookie && cookie.length == 0) config.get("cookie").error("must not be empty");
    this.header = new Text(header);
    if (hasCookie) this.cookie = new Text(cookie);
  }

  /** The key of this request, or `null` when it has none or an empty one. */
  find(headers: RequestHeaders): ByteView | null {
    const value = headers.getBytesOf(this.header);
    if (value === null || value.length == 0) return null;
    const cookie = this.cookie;
    return cookie === null ? value : findCookie(value, cookie);
  }
}

/** The keys to look for, in order; the first that a request has is used. */
export function readStickyKeys(config: ConfigReader): StickyKey[] {
  const keys: StickyKey[] = [];
  for (let index = 0; index < config.length; index++) keys.push(new StickyKey(config.at(index).asObject()));
  return keys;
}

export function findStickyKey(headers: RequestHeaders, keys: StickyKey[]): ByteView | null {
  for (let index = 0; index < keys.length; index++) {
    const key = unchecked(keys[index]).find(headers);
    if (key !== null) return key;
  }
  return null;
}

/** Value of the first cookie called `name` in a `cookie` header (RFC 6265 §4.2.1), or `null`; empty counts as absent. */
function findCookie(header: ByteView, name: Text): ByteView | null {
  let start = 0;
  while (start < header.length) {
    while (header.at(start) == 0x20) start += 1;
    const semicolon = header.indexOf(0x3b, start);
    const end = semicolon < 0 ? header.length : semicolon;
    const value = start + name.length + 1;
    if (
      value < end &&
      header.at(value - 1) == 0x3d &&
      memory.compare(header.start + start, name.encoded, name.length) == 0
    ) {
      return header.slice(value, end);
    }
    start = end + 1;
  }
  return null;
}
