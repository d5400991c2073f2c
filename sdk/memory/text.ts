import { encodeText, textSize } from "./utf8";

// @ts-ignore: decorator
@inline
const HEADER_SIZE: i32 = 8;

/**
 * Text encoded once: a header name or value that the configuration gives, used for every request. A string literal
 * needs no `Text`; the SDK encodes each only once by itself.
 */
export class Text {
  private readonly block: StaticArray<u8>;

  constructor(text: string) {
    const encoded = encodeText(text);
    const size = <i32>textSize(encoded) + HEADER_SIZE;
    this.block = new StaticArray<u8>(size);
    memory.copy(changetype<usize>(this.block), encoded - HEADER_SIZE, size);
  }

  /** Address of the UTF-8 bytes, for {@link textSize} and {@link textFlags}. */
  // @ts-ignore: decorator
  @inline
  get encoded(): usize {
    return changetype<usize>(this.block) + HEADER_SIZE;
  }

  /** Number of UTF-8 bytes. */
  get length(): i32 {
    return this.block.length - HEADER_SIZE;
  }
}
