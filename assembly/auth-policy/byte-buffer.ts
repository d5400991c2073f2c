/** Bytes that are written anew for each request, so that reading one leaves no garbage. */
@final
export class ByteBuffer {
  private bytes: StaticArray<u8> = new StaticArray<u8>(256);

  /** The address of room for `size` bytes; what was there before is lost. */
  reserve(size: i32): usize {
    if (this.bytes.length < size) this.bytes = new StaticArray<u8>(size << 1);
    return changetype<usize>(this.bytes);
  }
}
