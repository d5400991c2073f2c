import { ByteView } from "@attache/sdk";

const HANDSHAKE: u32 = 22;
const CLIENT_HELLO: u32 = 1;
const SERVER_NAME: u32 = 0;
const HOST_NAME: u32 = 0;

/** What the first bytes of a connection say. */
export enum Sniffed {
  /** A ClientHello may be on its way: look again when more bytes are there. */
  Incomplete,
  /** No ClientHello, whatever follows. */
  NoClientHello,
  /** A whole one, with or without a server name. */
  ClientHello,
}

/** Reads which server a TLS client wants (RFC 8446 §4.1.2, RFC 6066 §3), from a ClientHello within one record. */
export class ClientHelloReader {
  /** The name in the extension `server_name`. */
  serverName: ByteView | null = null;
  readonly sniffed: Sniffed;
  private at: i32 = 0;

  constructor(private bytes: ByteView) {
    this.sniffed = this.readRecord();
  }

  private readRecord(): Sniffed {
    if (this.bytes.length == 0) return Sniffed.Incomplete;
    if (this.bytes.at(0) != HANDSHAKE) return Sniffed.NoClientHello;
    if (this.bytes.length < 5) return Sniffed.Incomplete;
    this.at = 3;
    const recordEnd = this.endOf(this.number(2));
    if (this.bytes.length < recordEnd) return Sniffed.Incomplete;
    if (this.number(1) != CLIENT_HELLO) return Sniffed.NoClientHello;
    const end = this.endOf(this.number(3));
    if (end > recordEnd) return Sniffed.NoClientHello;
    this.at += 2 + 32; // Version and random.
    this.skip(1); // Session id.
    this.skip(2); // Cipher suites.
    this.skip(1); // Compression methods.
    if (this.at < end) this.readExtensions(end);
    return this.at <= end ? Sniffed.ClientHello : Sniffed.NoClientHello;
  }

  private readExtensions(end: i32): void {
    const last = min(end, this.endOf(this.number(2)));
    while (this.at + 4 <= last) {
      const type = this.number(2);
      const next = this.endOf(this.number(2));
      if (type == SERVER_NAME && next <= last) this.readServerName(next);
      this.at = next;
    }
  }

  private readServerName(end: i32): void {
    this.number(2);
    if (this.number(1) != HOST_NAME) return;
    const nameEnd = this.endOf(this.number(2));
    if (nameEnd <= end) this.serverName = this.bytes.slice(this.at, nameEnd);
  }

  /** A number of `size` bytes; those past the end are 0. */
  private number(size: i32): u32 {
    let value: u32 = 0;
    for (let i = 0; i < size; i++) value = (value << 8) | this.bytes.at(this.at + i);
    this.at += size;
    return value;
  }

  /** Skips what has its length before it, in `size` bytes. */
  private skip(size: i32): void {
    this.at = this.endOf(this.number(size));
  }

  private endOf(length: u32): i32 {
    return this.at + <i32>length;
  }
}
