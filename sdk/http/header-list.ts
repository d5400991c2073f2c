import { beginBytes, writeByte, writeBytes, writeU32 } from "../memory/byte-writer";
import { encodeText, TextFlags, textFlags, textSize } from "../memory/utf8";

/** Headers that are sent: names with their values, in order. */
export class HeaderList {
  private names: string[] = [];
  private values: string[] = [];

  get length(): i32 {
    return this.names.length;
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

  /** Writes the entries as the proxy takes them: their number, the sizes, then the bytes, each followed by a NUL. Result: `writtenBytes()`. */
  write(): void {
    const count = this.names.length;
    beginBytes();
    writeU32(count);
    for (let index = 0; index < count; index++) {
      writeU32(textSize(encodeText(this.names[index])));
      writeU32(textSize(encodeText(this.values[index])));
    }
    for (let index = 0; index < count; index++) {
      writeTerminated(this.names[index]);
      writeTerminated(this.values[index]);
    }
  }
}

function writeTerminated(text: string): void {
  const encoded = encodeText(text);
  writeBytes(encoded, textSize(encoded));
  writeByte(0);
}
