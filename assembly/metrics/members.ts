import { ByteView } from "@attache/sdk";

/**
 * Goes through the members of an object that the proxy hands over: their number, the sizes of all names and values, then
 * these with a zero after each. Where the sizes lead beyond the end there are no more.
 */
@final
export class Members {
  name: ByteView = ByteView.of(0, 0);
  value: ByteView = ByteView.of(0, 0);
  private sizes: usize = 0;
  private sizesEnd: usize = 0;
  private at: usize = 0;
  private end: usize = 0;

  /** @param object `null`: no members */
  begin(object: ByteView | null): this {
    this.sizes = this.sizesEnd = 0;
    if (object === null || object.length < 4) return this;
    const count = load<u32>(object.start);
    if (count > (<u32>(object.length - 4)) >> 3) return this;
    this.sizes = object.start + 4;
    this.sizesEnd = this.sizes + ((<usize>count) << 3);
    this.at = this.sizesEnd;
    this.end = object.start + object.length;
    return this;
  }

  next(): bool {
    if (this.sizes == this.sizesEnd) return false;
    const left = <u64>(this.end - this.at);
    const nameSize = load<u32>(this.sizes);
    const valueSize = load<u32>(this.sizes, 4);
    if (<u64>nameSize + <u64>valueSize + 2 > left) return false;
    this.name = ByteView.of(this.at, nameSize);
    this.value = ByteView.of(this.at + nameSize + 1, valueSize);
    this.at += nameSize + valueSize + 2;
    this.sizes += 8;
    return true;
  }
}
