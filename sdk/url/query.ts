import { hexValue } from "../encoding/hex";
import { takeScratch } from "../memory/arena";
import { ByteView } from "../memory/byte-view";
import { queryOf } from "./path";

/**
 * Goes through the parameters of a query, in order, as HTML forms write them (WHATWG URL, application/x-www-form-
 * urlencoded): separated by `&`, name and value by the first `=`; a parameter without `=` has an empty value; `a=&&b` has
 * two. Names are compared as decoded, so `%61=1` is `a`.
 *
 * ```ts
 * const query = Query.of(path);
 * while (query.next()) if (query.nameIs("debug")) …
 * ```
 *
 * Names and values are views, valid until the callback returns. There is no limit to the number of parameters, which
 * would hide those behind it: the time is linear in the size of the query, which the proxy limits.
 */
@final
@unmanaged
export class Query {
  private from!: usize;
  private end!: usize;
  private nameStart!: usize;
  private nameEnd!: usize;
  private valueStart!: usize;
  private valueEnd!: usize;

  /** The query of a `:path`: what follows the first `?`, up to a `#`. */
  static of(path: ByteView): Query {
    const query = queryOf(path);
    return query === null ? Query.in(path.slice(path.length)) : Query.in(query);
  }

  /** A query without its `?`, or the body of a form. */
  static in(query: ByteView): Query {
    const reader = changetype<Query>(takeScratch(offsetof<Query>()));
    reader.from = query.start;
    reader.end = query.start + query.length;
    reader.nameStart = reader.nameEnd = reader.valueStart = reader.valueEnd = query.start;
    return reader;
  }

  /** Goes to the next parameter, at first to the first one; `false` behind the last. */
  next(): bool {
    let from = this.from;
    const end = this.end;
    while (from < end && load<u8>(from) == 0x26) from++;
    if (from == end) return false;
    this.nameStart = from;
    let equals: usize = 0;
    for (; from < end; from++) {
      const byte = load<u8>(from);
      if (byte == 0x26) break;
      if (byte == 0x3d && equals == 0) equals = from;
    }
    this.nameEnd = equals == 0 ? from : equals;
    this.valueStart = equals == 0 ? from : equals + 1;
    this.valueEnd = from;
    this.from = from;
    return true;
  }

  /** The name, decoded: `+` is a blank and `%41` an `A`; a `%` that begins no escape stays. */
  get name(): ByteView {
    return decodeParameter(this.nameStart, this.nameEnd);
  }

  /** The value, decoded as {@link name} is. */
  get value(): ByteView {
    return decodeParameter(this.valueStart, this.valueEnd);
  }

  /** The name as it was written. */
  get rawName(): ByteView {
    return ByteView.of(this.nameStart, <i32>(this.nameEnd - this.nameStart));
  }

  /** The value as it was written. */
  get rawValue(): ByteView {
    return ByteView.of(this.valueStart, <i32>(this.valueEnd - this.valueStart));
  }

  /** Whether the decoded name is `name`. */
  nameIs(name: string): bool {
    return this.name.equals(name);
  }
}

/**
 * The decoded value of the first parameter `name` in the query of a `:path`, or `null`. There may be more of the same
 * name: where a decision depends on it, go through {@link Query}, since servers differ in which one they take.
 */
export function queryParameter(path: ByteView, name: string): ByteView | null {
  const query = Query.of(path);
  while (query.next()) if (query.nameIs(name)) return query.value;
  return null;
}

/** Copies only what holds an escape or a `+`. */
function decodeParameter(start: usize, end: usize): ByteView {
  for (let at = start; at < end; at++) {
    const byte = load<u8>(at);
    if (byte == 0x25 || byte == 0x2b) return decodeCopy(start, end);
  }
  return ByteView.of(start, <i32>(end - start));
}

function decodeCopy(from: usize, end: usize): ByteView {
  const start = takeScratch(end - from);
  let to = start;
  while (from < end) {
    let byte = <u32>load<u8>(from++);
    if (byte == 0x2b) byte = 0x20;
    if (byte == 0x25 && end - from >= 2) {
      const high = hexValue(load<u8>(from));
      const low = hexValue(load<u8>(from, 1));
      if ((high | low) <= 15) {
        byte = (high << 4) | low;
        from += 2;
      }
    }
    store<u8>(to++, byte);
  }
  return ByteView.of(start, <i32>(to - start));
}
