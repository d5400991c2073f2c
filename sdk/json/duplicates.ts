import { absentNode, JsonNode } from "./node";

/**
 * A member name of `object` that occurs twice (the later one), or the absent node. `names` is room for 8 bytes per
 * member.
 *
 * Sorts the names by hash, and by content where hashes agree. Shell's sort with Knuth's steps is small, fast for the
 * usual handful of members, and O(n√n) at worst whatever the names are: a document cannot be made to be slow.
 */
export function findDuplicate(object: JsonNode, names: usize): JsonNode {
  const count: usize = object.count;
  const end = names + (count << 3);
  let node = object.first;
  for (let p = names; p < end; p += 8) {
    store<JsonNode>(p, node);
    store<u32>(p, hash(node.start, node.length), 4);
    node = node.next.next;
  }
  let step: usize = 8;
  while (step < count << 3) step = step * 3 + 8;
  for (; step; step = (step / 24) << 3) {
    for (let p = names + step; p < end; p += 8) {
      const name = load<u64>(p);
      let q = p;
      for (; q >= names + step; q -= step) {
        const other = load<u64>(q - step);
        const order = compare(other, name);
        if (order < 0) break;
        if (order == 0) return changetype<JsonNode>(max(<usize>other, <usize>name));
        store<u64>(q, other);
      }
      store<u64>(q, name);
    }
  }
  return absentNode();
}

/** FNV-1a. */
function hash(p: usize, length: usize): u32 {
  let h: u32 = 0x811c9dc5;
  for (const end = p + length; p < end; p++) h = (h ^ load<u8>(p)) * 0x01000193;
  return h;
}

/** A total order in which equal names, and only those, compare as 0. */
function compare(a: u64, b: u64): i32 {
  if (a >> 32 != b >> 32) return a < b ? -1 : 1;
  const left = changetype<JsonNode>(<usize>a);
  const right = changetype<JsonNode>(<usize>b);
  let difference = left.length - right.length;
  for (let i = 0; difference == 0 && i < left.length; i++) {
    difference = <i32>load<u8>(left.start + i) - load<u8>(right.start + i);
  }
  return difference;
}
