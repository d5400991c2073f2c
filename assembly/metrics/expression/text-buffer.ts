/** Text that an expression puts together. Its memory is kept, so that only longer texts than ever before allocate. */
@final
export class TextBuffer {
  private bytes: StaticArray<u8> = new StaticArray<u8>(64);
  length: i32 = 0;

  get start(): usize {
    return changetype<usize>(this.bytes);
  }

  /** Forgets what was written. */
  begin(): this {
    this.length = 0;
    return this;
  }

  write(start: usize, length: i32): this {
    this.reserve(length);
    memory.copy(this.start + this.length, start, length);
    this.length += length;
    return this;
  }

  writeByte(byte: u8): this {
    this.reserve(1);
    store<u8>(this.start + this.length, byte);
    this.length += 1;
    return this;
  }

  /** In decimal. */
  writeInteger(value: i64): this {
    if (value < 0) this.writeByte(0x2d);
    const magnitude = value < 0 ? 0 - <u64>value : <u64>value;
    let divisor: u64 = 1;
    while (magnitude / divisor >= 10) divisor *= 10;
    for (; divisor != 0; divisor /= 10) this.writeByte(<u8>(0x30 + ((magnitude / divisor) % 10)));
    return this;
  }

  private reserve(size: i32): void {
    const needed = this.length + size;
    if (needed <= this.bytes.length) return;
    const larger = new StaticArray<u8>(max(needed, this.bytes.length << 1));
    memory.copy(changetype<usize>(larger), this.start, this.length);
    this.bytes = larger;
  }
}
