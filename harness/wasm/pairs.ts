import type { GuestMemory } from "./memory.ts";

/** Names and values in turn, as latin1 text. */
export type FlatPairs = readonly string[];

const maximumBytes = 1024 * 1024;
const maximumPairs = 1024;

/** Size of the blob that holds these pairs. */
export function pairsSize(pairs: FlatPairs): number {
  let size = 4 + pairs.length * 5;
  for (let i = 0; i < pairs.length; i++) size += pairs[i]!.length;
  return size;
}

/** Writes the blob at `pointer`, where {@link pairsSize} bytes are free. */
export function writePairs(memory: GuestMemory, pointer: number, pairs: FlatPairs): void {
  const { bytes, view } = memory;
  const length = pairs.length;
  view.setUint32(pointer, length >> 1, true);
  let at = pointer + 4;
  for (let i = 0; i < length; i++, at += 4) view.setUint32(at, pairs[i]!.length, true);
  for (let i = 0; i < length; i++) {
    const text = pairs[i]!;
    memory.writeText(at, text);
    at += text.length;
    bytes[at++] = 0;
  }
}

/** The blob as latin1 text. */
export function encodePairs(pairs: FlatPairs): string {
  const blob = Buffer.alloc(pairsSize(pairs));
  blob.writeUInt32LE(pairs.length >> 1, 0);
  let at = 4;
  for (const text of pairs) at = blob.writeUInt32LE(text.length, at);
  for (const text of pairs) at += blob.latin1Write(text, at, text.length) + 1;
  return blob.toString("latin1");
}

/**
 * Pairs of a blob a guest wrote, or `null` when it breaks a rule of the format: Envoy takes such a blob for an empty list
 * without a word.
 */
export function readPairs(memory: GuestMemory, pointer: number, size: number): string[] | null {
  if (size === 0) return [];
  if (size < 4 || size > maximumBytes) return null;
  const { bytes, view } = memory;
  const count = view.getUint32(pointer, true);
  const end = pointer + size;
  let at = pointer + 4 + count * 8;
  if (count > maximumPairs || at > end) return null;
  const pairs: string[] = new Array(count * 2);
  for (let i = 0; i < pairs.length; i++) {
    const length = view.getUint32(pointer + 4 + i * 4, true);
    if (at + length + 1 > end || bytes[at + length] !== 0) return null;
    pairs[i] = memory.text(at, length);
    at += length + 1;
  }
  return at === end ? pairs : null;
}
