import { ByteView, CidrBlock, ConfigReader, getPropertyAt, IpAddress, RequestHeaders, Text } from "@attache/sdk";
import { exactlyOne } from "./exactly-one";

/**
 * Which address is the client's: the one the proxy trusts (`source.address`), or one of `x-forwarded-for` as far as
 * those who wrote it are trusted. What a client itself puts into that header never counts.
 */
@final
export class ClientAddress {
  private readonly header: Text = new Text("x-forwarded-for");
  /** 0: the header is not read by position. */
  private readonly trustedHops: i32;
  private readonly trusted: CidrBlock[] | null;

  constructor(config: ConfigReader) {
    const xff = config.object("xff");
    this.trustedHops = <i32>xff.integer("trustedHops", 0, 1, 100);
    this.trusted = xff.has("trustedCidrs") ? readBlocks(xff.array("trustedCidrs")) : null;
    const given = <i32>xff.has("trustedHops") + <i32>xff.has("trustedCidrs");
    if (xff.isPresent) exactlyOne(xff, given, "trustedHops and trustedCidrs");
  }

  /** `null` when the client has no IP address. What is none in the header is known by who handed it on. */
  find(headers: RequestHeaders): IpAddress | null {
    const address = getPropertyAt("source\0address");
    const peer: IpAddress | null = address === null ? null : IpAddress.parsePeer(address);
    if (this.trustedHops > 0) return this.countHops(headers, peer);
    const trusted = this.trusted;
    return trusted === null || peer === null ? peer : this.passTrusted(headers, trusted, peer);
  }

  /** The n-th address from the right; the peer when there are not so many. */
  private countHops(headers: RequestHeaders, peer: IpAddress | null): IpAddress | null {
    const line = headers.getJoinedOf(this.header);
    if (line === null) return peer;
    let end = line.length;
    for (let hop = this.trustedHops; hop > 1; hop--) {
      end = lastComma(line, end);
      if (end < 0) return peer;
    }
    const entry = parseEntry(line, end);
    return entry === null ? peer : entry;
  }

  /** The rightmost address that is not trusted, with the peer as the rightmost of all; else the leftmost. */
  private passTrusted(headers: RequestHeaders, trusted: CidrBlock[], peer: IpAddress): IpAddress | null {
    let address = peer;
    if (!isIn(trusted, address)) return address;
    const line = headers.getJoinedOf(this.header);
    if (line === null) return address;
    let end = line.length;
    while (end >= 0) {
      const next = parseEntry(line, end);
      if (next === null) return address;
      address = next;
      if (!isIn(trusted, address)) return address;
      end = lastComma(line, end);
    }
    return address;
  }
}

function readBlocks(config: ConfigReader): CidrBlock[] {
  const blocks: CidrBlock[] = [];
  for (let index = 0; index < config.length; index++) {
    const entry = config.at(index);
    const text = entry.asString();
    const block = CidrBlock.parse(ByteView.ofText(text));
    if (block !== null) blocks.push(block);
    else if (entry.isPresent) entry.error("bad CIDR range (" + text + ")");
  }
  return blocks;
}

/** Trusted proxies are few, so each block is looked at. */
function isIn(blocks: CidrBlock[], address: IpAddress): bool {
  for (let index = 0; index < blocks.length; index++) if (unchecked(blocks[index]).contains(address)) return true;
  return false;
}

/** Index of the last comma before `end`, or -1. */
function lastComma(line: ByteView, end: i32): i32 {
  let index = end - 1;
  while (index >= 0 && line.at(index) != 0x2c) index--;
  return index;
}

/** The entry that ends before `end`, with or without a port. */
function parseEntry(line: ByteView, end: i32): IpAddress | null {
  let start = lastComma(line, end) + 1;
  while (start < end && isBlank(line.at(start))) start++;
  while (end > start && isBlank(line.at(end - 1))) end--;
  return IpAddress.parsePeer(line.slice(start, end));
}

// @ts-ignore: decorator
@inline
function isBlank(byte: u8): bool {
  return byte == 0x20 || byte == 0x09;
}
