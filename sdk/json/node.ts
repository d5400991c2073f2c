import { JsonKind } from "./json-kind";
import { NumberStatus, noNumber, numberStatus, readF64, readI64, readU64 } from "./number";
import { decodeText } from "../memory/utf8";

/**
 * One value of a {@link JsonDocument}: an address, not an object, so it costs nothing to hand around, and is good for
 * as long as the document is neither parsed into again nor collected.
 *
 * There is always a node to ask: what does not exist is {@link isAbsent}, and everything asked of it answers "absent"
 * or something empty. So look-ups can be chained: `claims.root.member("realm_access").member("roles")`.
 */
@unmanaged
export class JsonNode {
  // 16 bytes in document order, so a subtree is a contiguous range:
  private head: u32 = 0; // kind; from bit 8 on the number of children, or 1 for `true`
  private address: u32 = 0;
  private size: u32 = 0;
  private tail: u32 = 0; // of an array or object: bytes of the subtree; else free for the owner

  /** What the value is. */
  get kind(): JsonKind {
    return <JsonKind>load<u8>(changetype<usize>(this));
  }

  /** Whether there is no such value. */
  get isAbsent(): bool {
    return this.head == 0;
  }

  /** Elements of an array, members of an object; 0 for everything else. */
  get count(): i32 {
    return this.kind >= JsonKind.Array ? this.head >> 8 : 0;
  }

  /**
   * First element of an array, or the *name* of an object's first member. Only when {@link count} is not 0.
   *
   * ```ts
   * let name = object.first;
   * for (let i = object.count; i > 0; i--) {
   *   const value = name.next; // a value follows its name
   *   name = value.next;
   * }
   * ```
   */
  get first(): JsonNode {
    return changetype<JsonNode>(changetype<usize>(this) + NODE_BYTES);
  }

  /** What follows this node and all it holds: the next sibling, unless this was the last. */
  get next(): JsonNode {
    const subtree = this.kind >= JsonKind.Array ? <usize>this.tail : NODE_BYTES;
    return changetype<JsonNode>(changetype<usize>(this) + subtree);
  }

  /** The value of the member `name`, the last one if there are several. Cost: linear in the number of members. */
  member(name: string): JsonNode {
    let found = absentNode();
    if (this.kind == JsonKind.Object) {
      let node = this.first;
      for (let i = this.count; i > 0; i--) {
        const value = node.next;
        if (node.equals(name)) found = value;
        node = value.next;
      }
    }
    return found;
  }

  /** The element at `index`. Cost: linear in `index`. */
  element(index: i32): JsonNode {
    if (this.kind != JsonKind.Array || <u32>index >= <u32>this.count) return absentNode();
    let node = this.first;
    while (index-- > 0) node = node.next;
    return node;
  }

  /** Whether this is a string with this content. Cost: nothing is allocated as long as `text` is ASCII. */
  equals(text: string): bool {
    if (this.kind != JsonKind.String) return false;
    const length = text.length;
    for (let i = 0; i < length; i++) {
      const c = load<u16>(changetype<usize>(text) + ((<usize>i) << 1));
      if (c >= 0x80) return this.text == text;
      if (<u32>i >= this.size || load<u8>(this.address + i) != c) return false;
    }
    return this.size == length;
  }

  /**
   * Address of the bytes: UTF-8 content of a string, without escapes; source of a number and of a word. 0 when absent. Of an
   * array or object it is no JSON: escapes of texts in it have been decoded where they stood.
   */
  get start(): usize {
    return this.address;
  }

  /** Number of the bytes at {@link start}. */
  get length(): i32 {
    return this.size;
  }

  /** Content of a string, source of everything else, but see {@link start}; `""` when absent. Cost: one allocation. */
  get text(): string {
    return decodeText(this.address, this.size);
  }

  /** Like {@link text}, as UTF-8 bytes in memory of their own. */
  get bytes(): StaticArray<u8> {
    const copy = newBytes(this.size);
    memory.copy(changetype<usize>(copy), this.address, this.size);
    return copy;
  }

  /** Whether this is `true`. */
  get isTrue(): bool {
    return this.head == (JsonKind.Bool | (1 << 8));
  }

  /** The number as a signed integer, exact: `80`, `80.0` and `8e1` are 80. 0 unless {@link numberStatus} is `Ok`. */
  get i64(): i64 {
    return this.kind == JsonKind.Number ? readI64(this.address, this.size) : noNumber();
  }

  /** The number as an unsigned integer, exact. 0 unless {@link numberStatus} is `Ok`. */
  get u64(): u64 {
    return this.kind == JsonKind.Number ? readU64(this.address, this.size) : noNumber();
  }

  /** The nearest double, as `JSON.parse` reads it; an infinity and `OutOfRange` beyond the doubles. */
  get f64(): f64 {
    return this.kind == JsonKind.Number ? readF64(this.address, this.size) : noNumber();
  }

  /** How the last {@link i64}, {@link u64} or {@link f64}, of whatever node, went. */
  get numberStatus(): NumberStatus {
    return numberStatus();
  }

  /** A number kept for whoever owns the document; 0 at first. Only for strings, member names among them. */
  get mark(): u32 {
    return this.tail;
  }

  set mark(mark: u32) {
    if (this.kind == JsonKind.String) this.tail = mark;
  }

  /** For the parser. */
  set(kind: u32, start: usize, length: usize): void {
    this.head = kind;
    this.address = start as u32;
    this.size = length as u32;
    this.tail = 0;
  }

  /** For the parser: completes an array or object, given the address of the next node. */
  close(count: i32, end: usize, next: usize): void {
    this.head |= count << 8;
    this.size = (end as u32) - this.address;
    this.tail = (next - changetype<usize>(this)) as u32;
  }
}

/** Size of a node. */
export const NODE_BYTES: usize = 16;

const ABSENT: usize = memory.data(16, 8);

/** The node of what does not exist. */
export function absentNode(): JsonNode {
  return changetype<JsonNode>(ABSENT);
}

/** Like `new StaticArray<u8>(size)`, without the check of the size and its texts. */
export function newBytes(size: i32): StaticArray<u8> {
  return changetype<StaticArray<u8>>(__new(size, idof<StaticArray<u8>>()));
}
