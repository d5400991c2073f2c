import { beginBytes, writeByte, writeBytes, writeU32, writtenSize } from "../memory/byte-writer";
import { encodeText, TextFlags, textFlags, textSize } from "../memory/utf8";

const MOST_HEADERS: i32 = 1024;
const MOST_BYTES: usize = 1 << 20;

/** Headers that are sent: names with their values, in order. */
export class HeaderList {
  private names: string[] = [];
  private values: string[] = [];

  get isEmpty(): bool {
    return this.names.length == 0;
  }

  /** @returns `false`, with nothing added, when the name is empty, or name or value holds NUL, CR or LF */
  add(name: string, value: string): bool {
    const encodedName = encodeText(name);
    if (textSize(encodedName) == 0) return false;
    if (((textFlags(encodedName) | textFlags(encodeText(value))) & TextFlags.Unsafe) != 0) return false;
    this.names.push(name);
    this.values.push(value);
    return true;
  }

  /**
   * Writes the entries as the proxy takes them: their number, the sizes, then the bytes, each followed by a NUL. What was
   * written is at `writtenBytes()`.
   *
   * @returns `false` when these are more than Envoy takes: it would silently take them for none
   */
  write(): bool {
    const count = this.names.length;
    beginBytes();
    writeU32(count);
    for (let index = 0; index < count; index++) {
      writeU32(<u32>textSize(encodeText(this.names[index])));
      writeU32(<u32>textSize(encodeText(this.values[index])));
    }
    for (let index = 0; index < count; index++) {
      writeTerminated(this.names[index]);
      writeTerminated(this.values[index]);
    }
    return count <= MOST_HEADERS && writtenSize() <= MOST_BYTES;
  }
}

/** Whether a name can stand in a message: a token of HTTP (RFC 9110 §5.6.2). Pseudo headers such as `:path` are none. Allowed everywhere. */
export function isHeaderName(name: string): bool {
  for (let index = 0; index < name.length; index++) {
    const code = name.charCodeAt(index);
    const isDigit = code >= 0x30 && code <= 0x39;
    const isLetter = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
    if (!isDigit && !isLetter && !isTokenSign(code)) return false;
  }
  return name.length > 0;
}

function isTokenSign(code: i32): bool {
  const signs = "!#$%&'*+-.^_`|~";
  for (let index = 0; index < signs.length; index++) if (signs.charCodeAt(index) == code) return true;
  return false;
}

/** Whether a value can stand in a message: no control characters but tabs (RFC 9110 §5.5). Allowed everywhere. */
export function isHeaderValue(value: string): bool {
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index);
    if ((code < 0x20 && code != 0x09) || code == 0x7f) return false;
  }
  return true;
}

/** Whether `name`, in any case, is `lower`, in lower case. */
export function isSameName(name: string, lower: string): bool {
  if (name.length != lower.length) return false;
  for (let index = 0; index < name.length; index++) {
    const code = name.charCodeAt(index);
    const letter = code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
    if (letter != lower.charCodeAt(index)) return false;
  }
  return true;
}

function writeTerminated(text: string): void {
  const encoded = encodeText(text);
  writeBytes(encoded, textSize(encoded));
  writeByte(0);
}
