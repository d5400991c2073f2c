import { ByteView } from "./byte-view";
import { encodeBytes, encodeText, textSize } from "./utf8";

// @ts-ignore: decorator
@inline
const HEADER_SIZE: i32 = 8;

/**
 * Text encoded once: a header name or value that the configuration gives, used for every request. A string literal
 * needs no `Text`; the SDK encodes each only once by itself.
 */
export class Text {
  private block: StaticArray<u8>;

  constructor(text: string) {
    this.block = copyOf(encodeText(text));
  }

  /** A copy of bytes, which may be no UTF-8. */
  static ofBytes(bytes: ByteView): Text {
    const text = new Text("");
    text.block = copyOf(encodeBytes(bytes.start, bytes.length));
    return text;
  }

  /** Address of the UTF-8 bytes, for {@link textSize} and {@link textFlags}. */
  // @ts-ignore: decorator
  @inline
  get encoded(): usize {
    return changetype<usize>(this.block) + HEADER_SIZE;
  }

  /** The bytes, without copying: valid as long as this text. */
  get view(): ByteView {
    return ByteView.of(this.encoded, this.length);
  }

  /** Number of UTF-8 bytes. */
  get length(): i32 {
    return this.block.length - HEADER_SIZE;
  }
}

function copyOf(encoded: usize): StaticArray<u8> {
  const size = <i32>textSize(encoded) + HEADER_SIZE;
  const block = new StaticArray<u8>(size);
  memory.copy(changetype<usize>(block), encoded - HEADER_SIZE, size);
  return block;
}
