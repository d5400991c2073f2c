import {
  proxy_add_header_map_value,
  proxy_get_header_map_pairs,
  proxy_get_header_map_value,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
} from "../abi/imports";
import { MapType, Status } from "../abi/enums";
import { callbackNumber } from "../context/callback";
import { takeScratch } from "../memory/arena";
import { ByteView } from "../memory/byte-view";
import { beginBytes, writeByte, writeBytes, writtenBytes, writtenSize } from "../memory/byte-writer";
import { Text } from "../memory/text";
import { decodeText, encodeBytes, encodeText, TextFlags, textFlags, textSize } from "../memory/utf8";

/** Where the proxy writes address and size of what it returns. */
const out = memory.data(8, 4);

/** Value found by the last successful look-up. */
let valueStart: usize = 0;
let valueSize: usize = 0;

/**
 * The headers of a request or response. Names are compared without regard to case; give them in lower case, which costs
 * nothing. Pseudo headers (`:path`) are entries like others.
 *
 * The first look-up of a callback asks the proxy for one value; from the second on, all headers are fetched in one call
 * and searched as bytes. A filter that looked up several last time fetches them all at once.
 *
 * Reading is allowed in the headers callback, later while the headers are still held, and in `onLog`; writing likewise
 * but for `onLog`. Elsewhere every header is absent and writing answers `false`.
 */
export class HeaderMap {
  /** All entries as the proxy serialises them, or 0 when not fetched. */
  private pairs: usize = 0;
  /** Callback in which `pairs` and `lookups` hold. */
  private readIn: u32 = 0;
  private lookups: i32 = 0;
  private fetchAtOnce: bool = false;

  constructor(private readonly type: MapType) {}

  /**
   * The first value of header `name`, or `null` when it is absent. An empty header is `""`.
   *
   * Several lines of one header are *not* joined: use {@link getAll} wherever a decision depends on the value. Bytes
   * that are not UTF-8 become U+FFFD; {@link getBytes} returns them as they came.
   *
   * Cost: at most one host call; one allocation.
   */
  get(name: string): string | null {
    return this.find(encodeText(name)) ? decodeText(valueStart, valueSize) : null;
  }

  /** As {@link get}, without copying or decoding: the bytes are valid until the callback returns. */
  getBytes(name: string): ByteView | null {
    return this.find(encodeText(name)) ? ByteView.of(valueStart, <i32>valueSize) : null;
  }

  /** As {@link getBytes}, for a name that was encoded when the plugin was configured. */
  getBytesOf(name: Text): ByteView | null {
    return this.find(name.encoded) ? ByteView.of(valueStart, <i32>valueSize) : null;
  }

  /**
   * All values of a header joined by commas, which is what several lines of it stand for (RFC 9110 §5.3); `null` when it
   * is absent. The bytes are valid until the callback returns.
   */
  getJoinedOf(name: Text): ByteView | null {
    const wanted = this.key(name.encoded);
    const pairs = this.fetch();
    if (pairs == 0 || !findInPairs(pairs, wanted, 0)) return null;
    const firstStart = valueStart;
    const firstSize = valueSize;
    if (!findInPairs(pairs, wanted, 1)) return ByteView.of(firstStart, <i32>firstSize);
    beginBytes();
    writeBytes(firstStart, firstSize);
    for (let skipped = 1; findInPairs(pairs, wanted, skipped); skipped++) {
      writeByte(0x2c);
      writeBytes(valueStart, valueSize);
    }
    return ByteView.of(writtenBytes(), <i32>writtenSize());
  }

  /**
   * The value of line `number` (from 0) of a header, or `null` when it has fewer. Envoy's route matchers take a header that
   * any of its lines matches. The bytes are valid until the callback returns.
   */
  getLineOf(name: Text, number: i32): ByteView | null {
    const wanted = this.key(name.encoded);
    const pairs = this.fetch();
    return pairs != 0 && findInPairs(pairs, wanted, number) ? ByteView.of(valueStart, <i32>valueSize) : null;
  }

  /**
   * All values of header `name` in order; empty when it is absent. Values that the proxy keeps as one comma-separated
   * entry are one value.
   */
  getAll(name: string): string[] {
    const values: string[] = [];
    const wanted = this.key(encodeText(name));
    const pairs = this.fetch();
    if (pairs == 0) return values;
    while (findInPairs(pairs, wanted, values.length)) values.push(decodeText(valueStart, valueSize));
    return values;
  }

  /** Whether header `name` is there, empty or not. */
  has(name: string): bool {
    return this.find(encodeText(name));
  }

  /**
   * Sets header `name` to this one value, whatever it had.
   *
   * In the request headers, Envoy selects the route anew after any change.
   *
   * @returns `false`, with nothing changed, when the name is empty, name or value holds NUL, CR or LF (which would let
   *   a value add headers of its own), or the headers cannot be written in this callback
   */
  set(name: string, value: string): bool {
    return this.replace(encodeText(name), encodeText(value));
  }

  /** As {@link set}, for a name and value that were encoded when the plugin was configured. */
  setOf(name: Text, value: Text): bool {
    return this.replace(name.encoded, value.encoded);
  }

  /** As {@link setOf}, for a value that is only bytes: what another header had, or a part of it. */
  setBytesOf(name: Text, value: ByteView): bool {
    return this.replace(name.encoded, encodeBytes(value.start, value.length));
  }

  /**
   * Adds a value to header `name`, keeping those it has. Headers that Envoy keeps once (`content-type`, `:path`,
   * `x-forwarded-for`, …) get it joined by a comma.
   *
   * @returns as {@link set}
   */
  append(name: string, value: string): bool {
    return this.add(encodeText(name), encodeText(value));
  }

  /** As {@link append}, for a name and value that were encoded when the plugin was configured. */
  appendOf(name: Text, value: Text): bool {
    return this.add(name.encoded, value.encoded);
  }

  /** As {@link appendOf}, for a value that is only bytes. */
  appendBytesOf(name: Text, value: ByteView): bool {
    return this.add(name.encoded, encodeBytes(value.start, value.length));
  }

  /**
   * Removes all values of header `name`.
   *
   * @returns `false` when the headers cannot be written in this callback; `true` also when there was no such header
   */
  delete(name: string): bool {
    return this.remove(encodeText(name));
  }

  /** As {@link delete}, for a name that was encoded when the plugin was configured. */
  deleteOf(name: Text): bool {
    return this.remove(name.encoded);
  }

  /** Number of entries; a header with several values counts once for each. */
  get count(): i32 {
    const pairs = this.fetch();
    return pairs == 0 ? 0 : load<u32>(pairs);
  }

  /** Name of entry `index` (from 0), or `null` past the end. Cost: grows with `index`. */
  nameAt(index: i32): ByteView | null {
    const entry = this.entryAt(index);
    return entry == 0 ? null : ByteView.of(entry, <i32>nameSizeOf(this.pairs, index));
  }

  /** Value of entry `index` (from 0), or `null` past the end. Cost: grows with `index`. */
  valueAt(index: i32): ByteView | null {
    const entry = this.entryAt(index);
    if (entry == 0) return null;
    return ByteView.of(entry + nameSizeOf(this.pairs, index) + 1, <i32>valueSizeOf(this.pairs, index));
  }

  private get isTrailers(): bool {
    return this.type == MapType.HttpRequestTrailers || this.type == MapType.HttpResponseTrailers;
  }

  private entryAt(index: i32): usize {
    const pairs = this.fetch();
    if (pairs == 0 || <u32>index >= load<u32>(pairs)) return 0;
    let entry = firstEntry(pairs, load<u32>(pairs));
    for (let before = 0; before < index; before++) {
      entry += nameSizeOf(pairs, before) + valueSizeOf(pairs, before) + 2;
    }
    return entry;
  }

  private replace(name: usize, value: usize): bool {
    if (!isSafe(name, value)) return false;
    this.pairs = 0;
    return proxy_replace_header_map_value(this.type, name, textSize(name), value, textSize(value)) == Status.Ok;
  }

  private add(name: usize, value: usize): bool {
    if (!isSafe(name, value)) return false;
    this.pairs = 0;
    return proxy_add_header_map_value(this.type, name, textSize(name), value, textSize(value)) == Status.Ok;
  }

  private remove(name: usize): bool {
    // The proxy looks trailers up as if to write, which would create them at the end of a body that has none.
    if (this.isTrailers && this.count == 0) return false;
    this.pairs = 0;
    return proxy_remove_header_map_value(this.type, name, textSize(name)) == Status.Ok;
  }

  /** Looks a header up and leaves its first value in `valueStart` and `valueSize`. */
  private find(name: usize): bool {
    const wanted = this.key(name);
    this.startCallback();
    this.lookups += 1;
    if (this.pairs == 0 && this.lookups == 1 && !this.fetchAtOnce) {
      if (proxy_get_header_map_value(this.type, wanted, textSize(wanted), out, out + 4) != Status.Ok) return false;
      valueStart = load<usize>(out);
      valueSize = load<usize>(out, 4);
      return true;
    }
    const pairs = this.fetch();
    return pairs != 0 && findInPairs(pairs, wanted, 0);
  }

  /** The name as the proxy's map has it: lower case, and `:authority` for the `host` of a request. */
  private key(name: usize): usize {
    const wanted = lowerCase(name);
    return this.type == MapType.HttpRequestHeaders && isHost(wanted) ? encodeText(":authority") : wanted;
  }

  private startCallback(): void {
    if (this.readIn == callbackNumber) return;
    this.readIn = callbackNumber;
    this.fetchAtOnce = this.lookups > 1;
    this.lookups = 0;
    this.pairs = 0;
  }

  private fetch(): usize {
    this.startCallback();
    this.lookups = max(this.lookups, 2);
    if (this.pairs == 0 && proxy_get_header_map_pairs(this.type, out, out + 4) == Status.Ok) {
      if (load<usize>(out, 4) >= 4) this.pairs = load<usize>(out);
    }
    return this.pairs;
  }
}

// All entries in one block: their number, the sizes of each name and value, then the bytes, each followed by a NUL.

// @ts-ignore: decorator
@inline
function nameSizeOf(pairs: usize, index: u32): usize {
  return load<u32>(pairs + (index << 3), 4);
}

// @ts-ignore: decorator
@inline
function valueSizeOf(pairs: usize, index: u32): usize {
  return load<u32>(pairs + (index << 3), 8);
}

// @ts-ignore: decorator
@inline
function firstEntry(pairs: usize, count: u32): usize {
  return pairs + 4 + (count << 3);
}

/** Leaves the value of the entry named `wanted` that comes after `skip` others of this name in `valueStart` and `valueSize`. */
function findInPairs(pairs: usize, wanted: usize, skip: i32): bool {
  const wantedSize = textSize(wanted);
  const count = load<u32>(pairs);
  let entry = firstEntry(pairs, count);
  for (let index: u32 = 0; index < count; index++) {
    const nameSize = nameSizeOf(pairs, index);
    const size = valueSizeOf(pairs, index);
    if (nameSize == wantedSize && memory.compare(entry, wanted, nameSize) == 0) {
      if (skip == 0) {
        valueStart = entry + nameSize + 1;
        valueSize = size;
        return true;
      }
      skip -= 1;
    }
    entry += nameSize + size + 2;
  }
  return false;
}

function isSafe(name: usize, value: usize): bool {
  return textSize(name) != 0 && ((textFlags(name) | textFlags(value)) & TextFlags.Unsafe) == 0;
}

function isHost(name: usize): bool {
  return textSize(name) == 4 && load<u32>(name) == 0x74736f68;
}

/** `encoded` itself, or a lower-case copy if it has upper-case letters. */
function lowerCase(encoded: usize): usize {
  if ((textFlags(encoded) & TextFlags.UpperCase) == 0) return encoded;
  const size = textSize(encoded);
  const copy = takeScratch(size + 8) + 8;
  store<u64>(copy - 8, load<u64>(encoded - 8));
  for (let index: usize = 0; index < size; index++) {
    const byte = load<u8>(encoded + index);
    store<u8>(copy + index, byte - 0x41 < 26 ? byte | 0x20 : byte);
  }
  return copy;
}
