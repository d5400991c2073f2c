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

/** Whether `name` is the header name `lower`, which is in lower case, in any case. */
export function isHeaderName(name: string, lower: string): bool {
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
