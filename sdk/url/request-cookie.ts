import { HeaderMap } from "../http/header-map";
import { ByteView } from "../memory/byte-view";
import { cookieValue } from "./cookies";

/**
 * The value of the first cookie `name` in all `cookie` lines of a request, or `null`. {@link Cookies} says how they are
 * read; the bytes are valid until the callback returns.
 *
 * Allowed in: as {@link HeaderMap}. Cost: the host call that fetches all headers, unless they are fetched already.
 */
export function requestCookie(headers: HeaderMap, name: string): ByteView | null {
  const count = headers.count;
  for (let index = 0; index < count; index++) {
    if (!headers.nameAt(index)!.equals("cookie")) continue;
    const value = cookieValue(headers.valueAt(index)!, name);
    if (value !== null) return value;
  }
  return null;
}
