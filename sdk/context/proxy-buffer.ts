import { proxy_get_buffer_bytes, proxy_get_buffer_status, proxy_set_buffer_bytes } from "../abi/imports";
import { BufferType, Status } from "../abi/enums";
import { ByteView } from "../memory/byte-view";
import { decodeText, encodeText, textSize } from "../memory/utf8";
import { callbackNumber } from "./callback";

/** Past the end of every buffer: writing there appends. */
const END: u32 = u32.MAX_VALUE;

/**
 * Bytes the proxy holds for the running callback: a body ({@link Body}) or a piece of a TCP connection
 * ({@link TcpData}). Each writing method answers whether it was done; `false` means nothing changed.
 */
export abstract class ProxyBuffer {
  /** Callback in which the other fields hold. */
  private knownIn: u32 = 0;
  /** Bytes the proxy has for us. */
  protected size: i32 = 0;
  /** Where all of them are, or 0 when they were not read. */
  private start: usize = 0;

  constructor(protected readonly type: BufferType) {}

  /** Number of bytes. Cost: a host call outside of callbacks that are about these bytes. */
  get length(): i32 {
    this.refresh();
    return this.size;
  }

  /**
   * The bytes from `from` on, `length` of them or as many as there are. Valid until the callback returns.
   *
   * Cost: one host call, which copies these bytes into the filter's memory. Once all bytes were read, no further one in
   * this callback.
   */
  bytes(from: i32 = 0, length: i32 = i32.MAX_VALUE): ByteView {
    const all = this.length;
    const first = min(max(from, 0), all);
    const size = min(max(length, 0), all - first);
    if (size == 0) return ByteView.of(0, 0);
    if (this.start != 0) return ByteView.of(this.start + first, size);
    const out = memory.data(8, 4);
    if (proxy_get_buffer_bytes(this.type, first, size, out, out + 4) != Status.Ok) return ByteView.of(0, 0);
    const start = load<usize>(out);
    const received = load<i32>(out, 4);
    if (received == all) this.start = start;
    return ByteView.of(start, received);
  }

  /**
   * The bytes as text; what is not UTF-8 becomes U+FFFD. A piece can begin or end within a character.
   *
   * Cost: as {@link bytes}, and one allocation.
   */
  text(): string {
    const bytes = this.bytes();
    return decodeText(bytes.start, bytes.length);
  }

  /** Puts `text` in place of everything that is shown here. `""` empties it. */
  replace(text: string): bool {
    const encoded = encodeText(text);
    return this.write(0, END, encoded, <i32>textSize(encoded));
  }

  /** As {@link replace}, with bytes of any kind. */
  replaceBytes(bytes: ByteView): bool {
    return this.write(0, END, bytes.start, bytes.length);
  }

  /** Adds `text` after the last byte. */
  append(text: string): bool {
    const encoded = encodeText(text);
    return this.write(END, 0, encoded, <i32>textSize(encoded));
  }

  /** As {@link append}, with bytes of any kind. */
  appendBytes(bytes: ByteView): bool {
    return this.write(END, 0, bytes.start, bytes.length);
  }

  /** Puts `text` before the first byte: of this piece, when they come in pieces. */
  prepend(text: string): bool {
    const encoded = encodeText(text);
    return this.write(0, 0, encoded, <i32>textSize(encoded));
  }

  /** As {@link prepend}, with bytes of any kind. */
  prependBytes(bytes: ByteView): bool {
    return this.write(0, 0, bytes.start, bytes.length);
  }

  /** @internal To be told in each callback how many bytes it is about; spares a host call. */
  arrived(size: i32): void {
    this.knownIn = callbackNumber;
    this.size = size;
    this.start = 0;
  }

  /** Whether the bytes may be changed; says why not in the log. */
  protected abstract claimChange(): bool;

  protected refresh(): void {
    if (this.knownIn == callbackNumber) return;
    const out = memory.data(8, 4);
    this.arrived(proxy_get_buffer_status(this.type, out, out + 4) == Status.Ok ? load<i32>(out) : 0);
  }

  /** `at` 0 puts the bytes in place of the first `replaced`, {@link END} after the last. */
  protected write(at: u32, replaced: u32, from: usize, size: i32): bool {
    this.refresh();
    if (!this.claimChange()) return false;
    if (proxy_set_buffer_bytes(this.type, at, replaced, from, size) != Status.Ok) return false;
    this.size += size - <i32>min<u32>(replaced, this.size);
    this.start = 0;
    return true;
  }
}
