import { ByteView } from "../memory/byte-view";
import { IpAddress, isMapped, parseUnmapped } from "./ip-address";

/**
 * An address or a CIDR block (RFC 4632, RFC 4291 §2.3). For many of them there is {@link CidrSet}.
 *
 * ```ts
 * const block = CidrBlock.parse(text);
 * if (block === null) config.error("not an address or CIDR block");
 * ```
 *
 * IPv4 addresses are in IPv4 blocks only, `::/0` has none of them; a block of mapped addresses (`::ffff:10.0.0.0/104`) is
 * the IPv4 block `10.0.0.0/8`. Bits behind the prefix do not count: `10.1.2.3/8` is `10.0.0.0/8`, as in Envoy.
 */
@final
export class CidrBlock {
  private constructor(
    readonly isIpv4: bool,
    readonly high: u64,
    readonly low: u64,
    readonly highMask: u64,
    readonly lowMask: u64,
  ) {}

  /**
   * Reads an address (`10.0.0.1`, `2001:db8::1`) or a block (`10.0.0.0/8`). `null` for anything else:
   * {@link IpAddress.parse} says what an address is; the prefix is a decimal number without leading zeros or sign.
   */
  static parse(text: ByteView): CidrBlock | null {
    const slash = text.indexOf(0x2f);
    const end = text.start + (slash < 0 ? text.length : slash);
    const address = parseUnmapped(text.start, end);
    if (address === null) return null;
    const width = address.isIpv4 ? 32 : 128;
    const prefix = slash < 0 ? width : parsePrefix(end + 1, text.start + text.length);
    if (prefix > width) return null;
    // An IPv4 address stands in the last 32 of 128 bits.
    const bits = prefix + 128 - width;
    const isIpv4 = address.isIpv4 || (bits >= 96 && isMapped(address.high, address.low));
    const highMask = maskOf(min(bits, 64));
    const lowMask = maskOf(max(bits - 64, 0));
    const low = isIpv4 ? <u64>(<u32>address.low) : address.low;
    return new CidrBlock(isIpv4, address.high & highMask, low & lowMask, highMask, lowMask);
  }

  /** Whether the address is in the block. */
  contains(address: IpAddress): bool {
    return (
      address.isIpv4 == this.isIpv4 &&
      (address.high & this.highMask) == this.high &&
      (address.low & this.lowMask) == this.low
    );
  }
}

/** A number of 1 to 3 digits, or one too large for any prefix. */
function parsePrefix(from: usize, end: usize): i32 {
  const size = end - from;
  if (size < 1 || size > 3 || (size > 1 && load<u8>(from) == 0x30)) return i32.MAX_VALUE;
  let prefix = 0;
  for (; from < end; from++) {
    const digit = <u32>load<u8>(from) - 0x30;
    if (digit > 9) return i32.MAX_VALUE;
    prefix = prefix * 10 + digit;
  }
  return prefix;
}

/** 64 bits, the first `ones` of them set. */
function maskOf(ones: i32): u64 {
  return ones == 0 ? 0 : u64.MAX_VALUE << (64 - ones);
}
