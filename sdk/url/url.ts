import { takeScratch } from "../memory/arena";
import { ByteView } from "../memory/byte-view";
import { IpAddress } from "../net/ip-address";
import { pathEnd } from "./path";

/**
 * An absolute URL with an authority (`https://host:port/path?query#fragment`), split into views. Nothing is decoded or
 * changed in case; valid until the callback returns.
 */
@final
@unmanaged
export class Url {
  /** Without the colon. */
  readonly scheme!: ByteView;
  /** Name or address; that of IPv6 without its brackets. Not empty. */
  readonly host!: ByteView;
  /** As written; -1 when there is none. */
  readonly port!: i32;
  /** Up to the first `?` or `#`; empty or starting with `/`. */
  readonly path!: ByteView;
  /** Without the `?`; `null` when there is none. */
  readonly query!: ByteView | null;
  /** Without the `#`; `null` when there is none. */
  readonly fragment!: ByteView | null;

  /**
   * Splits a URL as RFC 3986 writes it, more strictly where programs read URLs differently. `null` for anything else:
   * without scheme or host, with a user (`user@`), with blanks, control characters, backslashes or bytes above ASCII, a
   * port that is no number up to 65535, or brackets around anything but an IPv6 address.
   */
  static parse(text: ByteView): Url | null {
    for (let index = 0; index < text.length; index++) {
      const byte = <u32>load<u8>(text.start + index);
      if (byte <= 0x20 || byte >= 0x7f || byte == 0x5c) return null;
    }
    const colon = text.indexOf(0x3a);
    if (colon < 1 || !isScheme(text, colon) || text.at(colon + 1) != 0x2f || text.at(colon + 2) != 0x2f) return null;
    const rest = text.slice(colon + 3);
    const before = rest.slice(0, pathEnd(rest)); // authority and path
    const slash = before.indexOf(0x2f);
    const authority = before.slice(0, slash < 0 ? before.length : slash);

    const hasBracket = authority.at(0) == 0x5b;
    const bracket = authority.indexOf(0x5d);
    if (hasBracket && bracket < 0) return null;
    const portColon = authority.indexOf(0x3a, hasBracket ? bracket : 0);
    const hostEnd = portColon < 0 ? authority.length : portColon;
    if (hasBracket && hostEnd != bracket + 1) return null;
    const host = hasBracket ? authority.slice(1, bracket) : authority.slice(0, hostEnd);
    if (hasBracket ? host.indexOf(0x3a) < 0 || IpAddress.parse(host) === null : !isName(host)) return null;
    const port = portColon < 0 ? -1 : parsePort(authority.slice(portColon + 1));
    if (port < -1) return null;

    const hash = rest.indexOf(0x23, before.length);
    const hasQuery = rest.at(before.length) == 0x3f;
    const queryEnd = hash < 0 ? rest.length : hash;
    const url = takeScratch(offsetof<Url>());
    store<ByteView>(url, text.slice(0, colon), offsetof<Url>("scheme"));
    store<ByteView>(url, host, offsetof<Url>("host"));
    store<i32>(url, port, offsetof<Url>("port"));
    store<ByteView>(url, before.slice(authority.length), offsetof<Url>("path"));
    store<ByteView | null>(url, hasQuery ? rest.slice(before.length + 1, queryEnd) : null, offsetof<Url>("query"));
    store<ByteView | null>(url, hash < 0 ? null : rest.slice(hash + 1), offsetof<Url>("fragment"));
    return changetype<Url>(url);
  }
}

/** RFC 3986 §3.1: a letter, then letters, digits, `+`, `-` and `.`. */
function isScheme(text: ByteView, length: i32): bool {
  for (let index = 0; index < length; index++) {
    const byte = <u32>text.at(index);
    const isLetter = (byte | 0x20) - 0x61 < 26;
    const isOther = byte - 0x30 < 10 || byte == 0x2b || byte == 0x2d || byte == 0x2e;
    if (!isLetter && (index == 0 || !isOther)) return false;
  }
  return true;
}

/** RFC 3986 §3.2.2 `reg-name`, not empty: neither `@` nor `:`, brackets or quotes. */
function isName(host: ByteView): bool {
  for (let index = 0; index < host.length; index++) {
    const byte = <u32>host.at(index);
    // ! $ % & ' ( ) * + , - . ; =
    const isSign = byte < 0x40 && ((<u64>1) << byte) & 0x28007ff200000000 ? true : false;
    const isAlphanumeric = (byte | 0x20) - 0x61 < 26 || byte - 0x30 < 10;
    if (!isAlphanumeric && !isSign && byte != 0x5f && byte != 0x7e) return false;
  }
  return host.length > 0;
}

/** A number up to 65535, or -2. An empty port is none. */
function parsePort(text: ByteView): i32 {
  if (text.length > 5) return -2;
  let port = text.length == 0 ? -1 : 0;
  for (let index = 0; index < text.length; index++) {
    const digit = <u32>text.at(index) - 0x30;
    if (digit > 9) return -2;
    port = port * 10 + digit;
  }
  return port <= 65535 ? port : -2;
}
