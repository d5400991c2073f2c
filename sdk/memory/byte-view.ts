import {
  base64Size,
  base64UrlSize,
  decodeBase64,
  decodeBase64Url,
  encodeBase64,
  encodeBase64Url,
} from "../encoding/base64";
import { decodeHex, encodeHex } from "../encoding/hex";
import { takeScratch } from "./arena";
import { decodeText, encodeText, isText, textSize } from "./utf8";

/**
 * Bytes somewhere in memory that the proxy handed over, not copied.
 *
 * A view of request or response data is valid until the current callback returns; keep what you need longer as a
 * `string` ({@link toString}). Making one costs a few nanoseconds and no garbage.
 */
@unmanaged
export class ByteView {
  /** Address of the first byte. */
  readonly start!: usize;
  /** Number of bytes. */
  readonly length!: i32;

  /** A view of `length` bytes at `start`. */
  static of(start: usize, length: i32): ByteView {
    const view = takeScratch(offsetof<ByteView>());
    store<usize>(view, start, offsetof<ByteView>("start"));
    store<i32>(view, length, offsetof<ByteView>("length"));
    return changetype<ByteView>(view);
  }

  /** A view of the UTF-8 of `text`, valid until the callback returns. */
  static ofText(text: string): ByteView {
    const encoded = encodeText(text);
    return ByteView.of(encoded, <i32>textSize(encoded));
  }

  /** A view of the bytes of `array`, valid until the callback returns. */
  static from(array: Uint8Array): ByteView {
    return ByteView.of(array.dataStart, array.length);
  }

  /**
   * What hexadecimal digits of either case stand for, in a copy that is valid until the callback returns; `null` when
   * they are no such digits, or an odd number of them.
   */
  static fromHex(digits: ByteView): ByteView | null {
    const to = takeScratch(digits.length >> 1);
    return decoded(to, decodeHex(digits.start, digits.length, to));
  }

  /** As {@link fromHex}, for base64 with padding (RFC 4648 §4); strictly: no blanks, no line breaks. */
  static fromBase64(text: ByteView): ByteView | null {
    const to = takeScratch(text.length);
    return decoded(to, decodeBase64(text.start, text.length, to));
  }

  /** As {@link fromHex}, for base64url without padding (RFC 7515 §2), as tokens have it. */
  static fromBase64Url(text: ByteView): ByteView | null {
    const to = takeScratch(text.length);
    return decoded(to, decodeBase64Url(text.start, text.length, to));
  }

  /** The byte at `index`, or 0 outside the view. */
  at(index: i32): u8 {
    return <u32>index < <u32>this.length ? load<u8>(this.start + index) : 0;
  }

  /** Sets the byte at `index`, in the filter's own copy: the proxy does not notice. Nothing happens outside the view. */
  setAt(index: i32, byte: u8): void {
    if (<u32>index < <u32>this.length) store<u8>(this.start + index, byte);
  }

  /** Whether the bytes are exactly the UTF-8 of `text`. */
  equals(text: string): bool {
    return isText(this.start, this.length, text);
  }

  /** Whether the bytes start with the UTF-8 of `text`. */
  startsWith(text: string): bool {
    const encoded = encodeText(text);
    const size = textSize(encoded);
    return size <= <usize>this.length && memory.compare(this.start, encoded, size) == 0;
  }

  /** Whether the bytes end with the UTF-8 of `text`. */
  endsWith(text: string): bool {
    const encoded = encodeText(text);
    const size = textSize(encoded);
    return size <= <usize>this.length && memory.compare(this.start + this.length - size, encoded, size) == 0;
  }

  /** Index of the first `byte` at or after `from`, or -1. */
  indexOf(byte: u8, from: i32 = 0): i32 {
    for (let index = max(from, 0); index < this.length; index++) {
      if (load<u8>(this.start + index) == byte) return index;
    }
    return -1;
  }

  /** The bytes from `from` up to, not including, `to`; both are brought into range. */
  slice(from: i32, to: i32 = i32.MAX_VALUE): ByteView {
    const first = min(max(from, 0), this.length);
    const last = min(max(to, first), this.length);
    return ByteView.of(this.start + first, last - first);
  }

  /** These bytes and those of `other` behind them, in a copy; valid until the callback returns. */
  concat(other: ByteView): ByteView {
    const start = takeScratch(this.length + other.length);
    memory.copy(start, this.start, this.length);
    memory.copy(start + this.length, other.start, other.length);
    return ByteView.of(start, this.length + other.length);
  }

  /** A copy in which ASCII letters are in lower case; valid until the callback returns. */
  toLowerCase(): ByteView {
    const start = takeScratch(this.length);
    for (let index = 0; index < this.length; index++) {
      const byte = load<u8>(this.start + index);
      store<u8>(start + index, byte - 0x41 < 26 ? byte | 0x20 : byte);
    }
    return ByteView.of(start, this.length);
  }

  /** The bytes as text; what is not UTF-8 becomes U+FFFD. */
  toString(): string {
    return decodeText(this.start, this.length);
  }

  /** The bytes in hexadecimal, with letters in lower case. */
  toHex(): string {
    const to = takeScratch(this.length << 1);
    return written(to, encodeHex(this.start, this.length, to));
  }

  /** The bytes in base64, with padding (RFC 4648 §4). */
  toBase64(): string {
    const to = takeScratch(base64Size(this.length));
    return written(to, encodeBase64(this.start, this.length, to));
  }

  /** The bytes in base64url, without padding (RFC 7515 §2), as tokens have it. */
  toBase64Url(): string {
    const to = takeScratch(base64UrlSize(this.length));
    return written(to, encodeBase64Url(this.start, this.length, to));
  }
}

function written(start: usize, end: usize): string {
  return decodeText(start, end - start);
}

/** @param size negative when something was wrong */
function decoded(start: usize, size: i32): ByteView | null {
  return size < 0 ? null : ByteView.of(start, size);
}
