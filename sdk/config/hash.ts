import { JsonKind } from "../json/json-kind";
import { JsonNode } from "../json/node";
import { takeScratch } from "../memory/arena";

/** A hash of what the value says. The members of an object count in any order. */
export function hashOf(node: JsonNode): u64 {
  const kind = node.kind;
  if (kind < JsonKind.Array) {
    const written = kind == JsonKind.String ? node.mark : 0;
    if (written != 0) return hashBytes(load<usize>(written), load<i32>(written, 4), kind);
    return hashBytes(node.start, node.length, kind);
  }
  let hash: u64 = kind;
  let child = node.first;
  for (let i = node.count; i > 0; i--) {
    if (kind == JsonKind.Array) {
      hash = hashPair(hash, hashOf(child));
    } else {
      const name = child;
      child = name.next;
      hash += hashPair(hashBytes(name.start, name.length, 0), hashOf(child));
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

/** Byte by byte: a configuration is hashed once, and a filter that hashes nothing else does with less code than xxHash has. */
function hashBytes(start: usize, size: usize, seed: u64): u64 {
  let hash = hashPair(seed, size);
  for (const end = start + size; start < end; start++) hash = hashPair(hash, load<u8>(start));
  return hash;
}

function hashPair(first: u64, second: u64): u64 {
  const hash = (first ^ (first >>> 32)) * 0x9e3779b97f4a7c15;
  return (hash ^ (hash >>> 29) ^ second) * 0xbf58476d1ce4e5b9;
}
