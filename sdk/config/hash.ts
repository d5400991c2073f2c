import { xxHash64 } from "../hash/xxhash64";
import { JsonKind } from "../json/json-kind";
import { JsonNode } from "../json/node";
import { takeScratch } from "../memory/arena";

/** A hash of what the value says. The members of an object count in any order. */
export function hashOf(node: JsonNode): u64 {
  const kind = node.kind;
  if (kind < JsonKind.Array) {
    const written = kind == JsonKind.String ? node.mark : 0;
    if (written != 0) return xxHash64(load<usize>(written), load<i32>(written, 4), kind);
    return xxHash64(node.start, node.length, kind);
  }
  let hash: u64 = kind;
  let child = node.first;
  for (let i = node.count; i > 0; i--) {
    if (kind == JsonKind.Array) {
      hash = hashPair(hash, hashOf(child));
    } else {
      const name = child;
      child = name.next;
      hash += hashPair(xxHash64(name.start, name.length), hashOf(child));
    }
    child = child.next;
  }
  return hashPair(hash, node.count);
}

/** Keeps the text of a string that is about to be replaced, for its hash; what to mark the node with. */
export function rememberWritten(node: JsonNode): u32 {
  const written = takeScratch(8);
  store<usize>(written, node.start);
  store<i32>(written, node.length, 4);
  return <u32>written;
}

function hashPair(first: u64, second: u64): u64 {
  const pair = memory.data(16, 8);
  store<u64>(pair, first);
  store<u64>(pair, second, 8);
  return xxHash64(pair, 16);
}
