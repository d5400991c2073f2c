import { proxy_get_buffer_bytes, proxy_get_buffer_status, proxy_set_buffer_bytes } from "../abi/imports";
import { BufferType, Status } from "../abi/enums";
import { callbackNumber } from "../context/callback";
import { log } from "../log/log";
import { ByteView } from "../memory/byte-view";
import { decodeText, encodeText, textSize } from "../memory/utf8";
import { claimBodyChange } from "./body-state";
import { requestTrailers, responseTrailers } from "./trailers";

/** Past the end of every body: writing there appends. */
const END: u32 = u32.MAX_VALUE;

/**
 * The body of a request or response, or the piece of it that the running callback is about. The bytes are those on the
 * wire: a body with `content-encoding` is compressed.
 *
 * Reading is allowed in the body callbacks, and in later callbacks of the stream while the body is held by
 * `FilterData.StopIterationAndBuffer`. Elsewhere the body is empty.
 *
 * Writing is allowed where reading is, if the headers callback announced it by `allowBodyChange` or `collectBody`: the
 * `content-length` that was sent ahead must not become wrong. Each writing method answers whether it was done; `false`
 * means nothing changed. An error is logged when the announcement is missing.
 */
export class Body {
  /** Callback in which the other fields hold. */
  private knownIn: u32 = 0;
  /** Bytes the proxy has for us. */
  private size: i32 = 0;
  /** Where all of them are, or 0 when they were not read. */
  private start: usize = 0;
  /** Only so many bytes are shown; -1: all. */
  private shown: i32 = -1;

  constructor(private readonly type: BufferType) {}

  /** Number of bytes. Cost: a host call outside of body callbacks. */
  get length(): i32 {
    this.refresh();
    return this.shown < 0 ? this.size : this.shown;
  }

  /** Whether these are only the first bytes of a body that is longer than the limit; see `OverLimit.Truncate`. */
  get isTruncated(): bool {
    this.refresh();
    return this.shown >= 0;
  }

  /**
   * The bytes from `from` on, `length` of them or as many as there are. Valid until the callback returns.
   *
   * Cost: one host call, which copies these bytes into the filter's memory. Once the whole body was read, no further one
   * in this callback.
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
   * The bytes as text; what is not UTF-8 becomes U+FFFD. A piece of a body can begin or end within a character.
   *
   * Cost: as {@link bytes}, and one allocation.
   */
  text(): string {
    const bytes = this.bytes();
    return decodeText(bytes.start, bytes.length);
  }

  /** Puts `text` in place of everything this body shows. `""` empties it. */
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

  /** Puts `text` before the first byte: of this piece, when the body comes in pieces. */
  prepend(text: string): bool {
    const encoded = encodeText(text);
    return this.write(0, 0, encoded, <i32>textSize(encoded));
  }

  /** As {@link prepend}, with bytes of any kind. */
  prependBytes(bytes: ByteView): bool {
    return this.write(0, 0, bytes.start, bytes.length);
  }

  /**
   * Adds a trailer to a message that ends here without any. No trailers callback of this filter follows.
   *
   * HTTP/1.1 carries trailers only when the body is sent in chunks, that is without `content-length` (`allowBodyChange`
   * removes it), and Envoy only when the listener or cluster has `enable_trailers`; else they are dropped on the wire.
   *
   * Allowed in: body callbacks with `endOfStream`; in trailers callbacks it adds to what is there.
   *
   * @returns `false`, with nothing added, elsewhere or when name or value are refused as by `HeaderMap.set`
   */
  addTrailer(name: string, value: string): bool {
    return this.type == BufferType.HttpRequestBody
      ? requestTrailers.append(name, value)
      : responseTrailers.append(name, value);
  }

  /** To be told in each body callback how many bytes it is about; spares a host call. */
  arrived(size: i32): void {
    this.knownIn = callbackNumber;
    this.size = size;
    this.start = 0;
    this.shown = -1;
  }

  /** From here to the end of the callback only the first `limit` bytes are there, and cannot be changed. */
  truncate(limit: i32): void {
    this.shown = limit;
  }

  private refresh(): void {
    if (this.knownIn == callbackNumber) return;
    const out = memory.data(8, 4);
    this.arrived(proxy_get_buffer_status(this.type, out, out + 4) == Status.Ok ? load<i32>(out) : 0);
  }

  private write(at: u32, replaced: u32, from: usize, size: i32): bool {
    this.refresh();
    if (this.shown >= 0) return false;
    if (!claimBodyChange(this.type)) {
      log.error("the body is not changed: call allowBodyChange or collectBody in the headers callback first");
      return false;
    }
    if (proxy_set_buffer_bytes(this.type, at, replaced, from, size) != Status.Ok) return false;
    this.size = replaced == 0 ? this.size + size : size;
    this.start = 0;
    return true;
  }
}

/** The two bodies of the stream that the running callback is for. */
// @ts-ignore: decorator
@lazy
export const requestBody = new Body(BufferType.HttpRequestBody);
// @ts-ignore: decorator
@lazy
export const responseBody = new Body(BufferType.HttpResponseBody);
