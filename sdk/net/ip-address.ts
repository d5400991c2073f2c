import { hexValue } from "../encoding/hex";
import { takeScratch } from "../memory/arena";
import { ByteView } from "../memory/byte-view";

/**
 * An IPv4 or IPv6 address. An IPv4 address mapped into IPv6 (`::ffff:1.2.3.4`) is that IPv4 address. Lives in scratch
 * memory: valid until the callback returns, no garbage.
 */
@final
@unmanaged
export class IpAddress {
  /** The first 8 bytes as a number; 0 for IPv4. */
  readonly high!: u64;
  /** The last 8 bytes as a number; all there is to an IPv4 address. */
  readonly low!: u64;
  /** Whether it is an IPv4 address, mapped or not. */
  readonly isIpv4!: bool;

  /**
   * Reads an address and nothing else. IPv4 has four decimal numbers without leading zeros (`010.0.0.1` is 8.0.0.1 for
   * some, 10.0.0.1 for others), IPv6 is RFC 4291 §2.2 in either case, without zone (`fe80::1%eth0`) and brackets.
   * `null` for anything else.
   */
  static parse(text: ByteView): IpAddress | null {
    return parseAddress(text.start, text.start + text.length);
  }

  /**
   * Reads an address with or without a port, as the proxy writes `source.address`: `10.0.0.1:8080`, `[::1]:8080`,
   * `10.0.0.1`, `[::1]`, `::1`. A port has 1 to 5 digits up to 65535. The zone of a link-local address, as in
   * `[fe80::1%2]:8080`, does not count. `null` for anything else, a Unix socket's path too.
   */
  static parsePeer(text: ByteView): IpAddress | null {
    const start = text.start;
    const end = start + text.length;
    if (text.at(0) == 0x5b) {
      const bracket = text.indexOf(0x5d);
      if (bracket < 0 || !isPortOrEnd(start + bracket + 1, end)) return null;
      const zone = text.indexOf(0x25);
      const address = parseAddress(start + 1, start + (<u32>zone < <u32>bracket ? zone : bracket));
      // `[1.2.3.4]` is no address of RFC 3986 §3.2.2.
      return text.indexOf(0x3a) < bracket ? address : null;
    }
    const colon = text.indexOf(0x3a);
    const isIpv4WithPort = colon >= 0 && text.indexOf(0x3a, colon + 1) < 0;
    if (!isIpv4WithPort) return parseAddress(start, end);
    return isPortOrEnd(start + colon, end) ? parseAddress(start, start + colon) : null;
  }

  /** An IPv4 address as IPv6 has it (`::ffff:1.2.3.4`), which only blocks of IPv6 contain; an IPv6 address itself. */
  toIpv6(): IpAddress {
    return this.isIpv4 ? makeAddress(0, (MAPPED << 32) | this.low, false) : this;
  }

  /** Whether both are the same address; an IPv4-mapped one is its IPv4 address. */
  equals(other: IpAddress): bool {
    return this.isIpv4 == other.isIpv4 && this.high == other.high && this.low == other.low;
  }

  /** The canonical text (RFC 5952): `10.0.0.1`, `2001:db8::1`. */
  toString(): string {
    return this.toBytes().toString();
  }

  /** As {@link toString}, without garbage. */
  toBytes(): ByteView {
    const start = takeScratch(40);
    const end = this.isIpv4 ? writeIpv4(<u32>this.low, start) : writeIpv6(this, start);
    return ByteView.of(start, <i32>(end - start));
  }
}

/** IPv4 addresses mapped into IPv6 have this in bits 32 to 63 of the low half, and 0 in the high half. */
const MAPPED: u64 = 0xffff;

export function makeAddress(high: u64, low: u64, isIpv4: bool): IpAddress {
  const address = takeScratch(offsetof<IpAddress>());
  store<u64>(address, high, offsetof<IpAddress>("high"));
  store<u64>(address, low, offsetof<IpAddress>("low"));
  store<bool>(address, isIpv4, offsetof<IpAddress>("isIpv4"));
  return changetype<IpAddress>(address);
}

/** Whether an IPv6 prefix of at least 96 bits is that of mapped IPv4 addresses. */
export function isMapped(high: u64, low: u64): bool {
  return high == 0 && low >>> 32 == MAPPED;
}

/** The address at `from`, as written: a mapped IPv4 address is IPv6 here. */
export function parseUnmapped(from: usize, end: usize): IpAddress | null {
  for (let at = from; at < end; at++) {
    if (load<u8>(at) == 0x3a) return parseIpv6(from, end);
  }
  const value = parseIpv4(from, end);
  return value > u32.MAX_VALUE ? null : makeAddress(0, value, true);
}

function parseAddress(from: usize, end: usize): IpAddress | null {
  const address = parseUnmapped(from, end);
  if (address === null || address.isIpv4 || !isMapped(address.high, address.low)) return address;
  return makeAddress(0, <u32>address.low, true);
}

const NOT_IPV4: u64 = u64.MAX_VALUE;

function parseIpv4(from: usize, end: usize): u64 {
  let value: u64 = 0;
  for (let part = 0; part < 4; part++) {
    if (part > 0 && (from == end || load<u8>(from++) != 0x2e)) return NOT_IPV4;
    const start = from;
    let octet: u32 = 0;
    while (from < end && from - start < 3 && <u32>load<u8>(from) - 0x30 < 10) {
      octet = octet * 10 + load<u8>(from++) - 0x30;
    }
    const hasLeadingZero = from - start > 1 && load<u8>(start) == 0x30;
    if (from == start || octet > 255 || hasLeadingZero) return NOT_IPV4;
    value = (value << 8) | octet;
  }
  return from == end ? value : NOT_IPV4;
}

/** Groups are shifted in from the right; those before `::` are kept apart and put back in their place. */
function parseIpv6(from: usize, end: usize): IpAddress | null {
  const groups = memory.data(16, 8);
  let count = 0;
  let gap = -1; // number of groups before `::`
  if (end - from >= 2 && load<u16>(from) == 0x3a3a) {
    gap = 0;
    from += 2;
  }
  while (from < end) {
    if (count == 8) return null;
    const start = from;
    let group: u32 = 0;
    while (from < end && from - start < 4 && hexValue(load<u8>(from)) <= 15) {
      group = (group << 4) | hexValue(load<u8>(from++));
    }
    if (from == start) return null;
    if (from < end && load<u8>(from) == 0x2e) {
      const value = parseIpv4(start, end);
      if (count > 6 || value > u32.MAX_VALUE) return null;
      store<u16>(groups + (count << 1), <u16>(value >> 16));
      store<u16>(groups + (count << 1), <u16>value, 2);
      count += 2;
      break;
    }
    store<u16>(groups + (count++ << 1), <u16>group);
    if (from == end) break;
    if (load<u8>(from++) != 0x3a || from == end) return null;
    if (load<u8>(from) == 0x3a) {
      if (gap >= 0) return null;
      gap = count;
      from += 1;
    }
  }
  if (gap < 0 ? count != 8 : count > 7) return null;
  let high: u64 = 0;
  let low: u64 = 0;
  for (let index = 0; index < 8; index++) {
    // Behind the gap, groups are counted from the end.
    const at = gap < 0 || index < gap ? index : index - (8 - count);
    const group: u64 = gap >= 0 && index >= gap && at < gap ? 0 : load<u16>(groups + (at << 1));
    high = (high << 16) | (low >>> 48);
    low = (low << 16) | group;
  }
  return makeAddress(high, low, false);
}

function isPortOrEnd(from: usize, end: usize): bool {
  if (from == end) return true;
  const digits = end - from - 1;
  if (load<u8>(from) != 0x3a || digits < 1 || digits > 5) return false;
  let port: u32 = 0;
  while (++from < end) {
    const digit = <u32>load<u8>(from) - 0x30;
    if (digit > 9) return false;
    port = port * 10 + digit;
  }
  return port <= 65535;
}

function writeIpv4(value: u32, to: usize): usize {
  for (let shift = 24; shift >= 0; shift -= 8) {
    const octet = (value >> shift) & 255;
    if (octet >= 100) store<u8>(to++, 0x30 + octet / 100);
    if (octet >= 10) store<u8>(to++, 0x30 + ((octet / 10) % 10));
    store<u8>(to++, 0x30 + (octet % 10));
    if (shift != 0) store<u8>(to++, 0x2e);
  }
  return to;
}

/** The longest run of two or more zero groups, the first of equals, becomes `::`. */
function writeIpv6(address: IpAddress, to: usize): usize {
  let gap = 8;
  let gapSize = 1;
  for (let start = 0; start < 8; start++) {
    let size = 0;
    while (start + size < 8 && groupAt(address, start + size) == 0) size++;
    if (size > gapSize) {
      gap = start;
      gapSize = size;
    }
  }
  for (let index = 0; index < 8; index++) {
    if (index == gap) {
      store<u16>(to, 0x3a3a);
      to += 2;
      index += gapSize - 1;
      continue;
    }
    if (index > 0 && index != gap + gapSize) store<u8>(to++, 0x3a);
    const group = groupAt(address, index);
    for (let shift = group > 0xfff ? 12 : group > 0xff ? 8 : group > 15 ? 4 : 0; shift >= 0; shift -= 4) {
      const digit = (group >> shift) & 15;
      store<u8>(to++, digit < 10 ? digit + 0x30 : digit + 0x57);
    }
  }
  return to;
}

function groupAt(address: IpAddress, index: i32): u32 {
  const half = index < 4 ? address.high : address.low;
  return (<u32>(half >> (48 - (((<u64>index) & 3) << 4)))) & 0xffff;
}
