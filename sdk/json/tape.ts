import { JsonNode, NODE_BYTES } from "./node";

/** The nodes of a document, one after the other. They move when the tape grows, so they are named by their offset. */
@final
export class Tape {
  /** Offset behind the last node. */
  end: usize = 0;
  private buffer: ArrayBuffer = newBuffer(1024);

  /** Appends a node and returns its offset. */
  append(kind: u32, start: usize, length: usize): usize {
    const offset = this.end;
    this.end = offset + NODE_BYTES;
    this.reserve(0);
    this.at(offset).set(kind, start, length);
    return offset;
  }

  at(offset: usize): JsonNode {
    return changetype<JsonNode>(changetype<usize>(this.buffer) + offset);
  }

  /** Makes room for `more` bytes behind the last node. */
  reserve(more: usize): void {
    const buffer = this.buffer;
    const size = (this.end + more) as i32;
    if (size <= buffer.byteLength) return;
    const larger = newBuffer(max(size, buffer.byteLength * 2));
    memory.copy(changetype<usize>(larger), changetype<usize>(buffer), buffer.byteLength);
    this.buffer = larger;
  }
}

/** Zeroed memory. Its constructor would check the size and bring along texts for errors that cannot occur. */
export function newBuffer(size: i32): ArrayBuffer {
  return changetype<ArrayBuffer>(__new(size, idof<ArrayBuffer>()));
}
