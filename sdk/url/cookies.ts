import { takeScratch } from "../memory/arena";
import { ByteView } from "../memory/byte-view";

/**
 * Goes through the cookies of one value of a `cookie` header, in order, as servers read them (RFC 6265 §4.2.1, leniently):
 * separated by `;`, blanks and tabs around name and value do not count, a value in double quotes loses them, nothing is
 * decoded. What has no `=` or an empty name is skipped. Names are compared with regard to case.
 *
 * A request may have several `cookie` lines; Envoy hands those of HTTP/2 and HTTP/3 on as one.
 *
 * ```ts
 * const cookies = Cookies.in(line);
 * while (cookies.next()) if (cookies.name.equals("session")) …
 * ```
 */
@final
@unmanaged
export class Cookies {
  private from!: usize;
  private end!: usize;
  private nameStart!: usize;
  private nameEnd!: usize;
  private valueStart!: usize;
  private valueEnd!: usize;

  /** The cookies of one header value. */
  static in(line: ByteView): Cookies {
    const reader = changetype<Cookies>(takeScratch(offsetof<Cookies>()));
    reader.from = line.start;
    reader.end = line.start + line.length;
    reader.nameStart = reader.nameEnd = reader.valueStart = reader.valueEnd = line.start;
    return reader;
  }

  /** Goes to the next cookie, at first to the first one; `false` behind the last. */
  next(): bool {
    while (this.from < this.end) {
      const start = this.from;
      let equals: usize = 0;
      let end = start;
      for (; end < this.end; end++) {
        const byte = load<u8>(end);
        if (byte == 0x3b) break;
        if (byte == 0x3d && equals == 0) equals = end;
      }
      this.from = end + 1;
      if (equals == 0) continue;
      this.nameStart = skipBlanks(start, equals);
      this.nameEnd = trimBlanks(this.nameStart, equals);
      if (this.nameStart == this.nameEnd) continue;
      let valueStart = skipBlanks(equals + 1, end);
      let valueEnd = trimBlanks(valueStart, end);
      const isQuoted = valueEnd - valueStart >= 2 && load<u8>(valueStart) == 0x22 && load<u8>(valueEnd - 1) == 0x22;
      if (isQuoted) {
        valueStart += 1;
        valueEnd -= 1;
      }
      this.valueStart = valueStart;
      this.valueEnd = valueEnd;
      return true;
    }
    return false;
  }

  /** The name; not empty. */
  get name(): ByteView {
    return ByteView.of(this.nameStart, <i32>(this.nameEnd - this.nameStart));
  }

  /** The value without quotes around it; may be empty. */
  get value(): ByteView {
    return ByteView.of(this.valueStart, <i32>(this.valueEnd - this.valueStart));
  }
}

/**
 * The value of the first cookie `name` in one value of a `cookie` header, or `null`. Of several lines, the first that has
 * the cookie counts.
 */
export function cookieValue(line: ByteView, name: string): ByteView | null {
  const cookies = Cookies.in(line);
  while (cookies.next()) if (cookies.name.equals(name)) return cookies.value;
  return null;
}

function skipBlanks(from: usize, end: usize): usize {
  while (from < end && isBlank(load<u8>(from))) from++;
  return from;
}

function trimBlanks(start: usize, end: usize): usize {
  while (end > start && isBlank(load<u8>(end - 1))) end--;
  return end;
}

// @ts-ignore: decorator
@inline
function isBlank(byte: u32): bool {
  return byte == 0x20 || byte == 0x09;
}
