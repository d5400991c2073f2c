import { Text } from "../memory/text";

/** Looks at a text. */
export abstract class TextVisitor {
  /** @returns `true` to end the search */
  abstract visit(start: usize, length: i32): bool;
}

/** What a {@link TextIndex} can look a pattern up by. */
export enum KeyKind {
  /** Nothing: the pattern has to be tried. */
  None,
  /** The whole text. */
  Exact,
  /** Bytes that it starts with. */
  Prefix,
  /** Bytes that it ends with. */
  Suffix,
}

/** Receives the numbers that a {@link TextIndex} or a `RegexSet` finds. */
export abstract class Found {
  /** @returns `true` to end the search */
  abstract take(value: i32): bool;
}

/**
 * Finds numbers by the texts that they were added under: the whole text, bytes it starts with or bytes it ends with. One
 * pass over a text for each direction, whatever the number of entries, and one look-up for each length that a prefix or
 * suffix has. Of one key, the number added last is found first.
 *
 * ```ts
 * index.add(KeyKind.Prefix, new Text("/api/"), 7);
 * index.visit(path.start, path.length); // found.take(7) for /api/x
 * ```
 *
 * Cost: adding allocates; a search does not.
 */
@final
export class TextIndex extends TextVisitor {
  private count: i32 = 0;
  private slots: StaticArray<i32> = new StaticArray<i32>(16);
  private hashes: i32[] = [0];
  private kinds: KeyKind[] = [KeyKind.None];
  private keys: Text[] = [new Text("")];
  /** How often the key was announced. */
  private uses: i32[] = [0];
  /** First of the values of an entry, 0 for none; each value names the next. */
  private firstValues: i32[] = [0];
  private values: i32[] = [0];
  private nextValues: i32[] = [0];
  private readonly prefixLengths: i32[] = [];
  private readonly suffixLengths: i32[] = [];

  constructor(private readonly found: Found) {
    super();
  }

  /** Counts a key without adding anything under it: how rare it is can decide what a rule is added under. */
  announce(kind: KeyKind, key: Text): void {
    const entry = this.entryOf(kind, key);
    this.uses[entry] += 1;
  }

  /** How many announced entries a text that meets the key may lead to: an estimate. The least of a rule's keys is the best to add it under. */
  costOf(kind: KeyKind, key: Text): i32 {
    // A short prefix or suffix is met by texts that it is not for.
    const isVague = kind != KeyKind.Exact && key.length < 4;
    return this.uses[this.entryOf(kind, key)] << (isVague ? 4 : 0);
  }

  /** @param kind not `None` */
  add(kind: KeyKind, key: Text, value: i32): void {
    const entry = this.entryOf(kind, key);
    if (this.firstValues[entry] == 0) {
      if (kind == KeyKind.Prefix) addLength(this.prefixLengths, key.length);
      if (kind == KeyKind.Suffix) addLength(this.suffixLengths, key.length);
    }
    this.values.push(value);
    this.nextValues.push(this.firstValues[entry]);
    this.firstValues[entry] = this.values.length - 1;
  }

  /** Hands every value whose key fits the text to {@link found}. */
  visit(start: usize, length: i32): bool {
    const prefixLengths = this.prefixLengths;
    let hash = SEED;
    let next = 0;
    let nextLength = lengthAt(prefixLengths, 0);
    for (let size = 0; size < length; size++) {
      if (size == nextLength) {
        if (this.report(KeyKind.Prefix, hash, start, size)) return true;
        nextLength = lengthAt(prefixLengths, ++next);
      }
      hash = (hash ^ (<u32>load<u8>(start + size))) * PRIME;
    }
    if (length == nextLength && this.report(KeyKind.Prefix, hash, start, length)) return true;
    if (this.report(KeyKind.Exact, hash, start, length)) return true;
    return this.suffixLengths.length > 0 && this.visitSuffixes(start, length);
  }

  private visitSuffixes(start: usize, length: i32): bool {
    const lengths = this.suffixLengths;
    let hash = SEED;
    let next = 0;
    let nextLength = lengthAt(lengths, 0);
    for (let size = 1; size <= length; size++) {
      const at = start + length - size;
      hash = (hash ^ (<u32>load<u8>(at))) * PRIME;
      if (size != nextLength) continue;
      if (this.report(KeyKind.Suffix, hash, at, size)) return true;
      nextLength = lengthAt(lengths, ++next);
      if (nextLength < 0) return false;
    }
    return false;
  }

  private report(kind: KeyKind, hash: u32, start: usize, size: i32): bool {
    const entry = this.findEntry(kind, mix(hash, kind), start, size);
    if (entry == 0) return false;
    for (let value = unchecked(this.firstValues[entry]); value != 0; value = unchecked(this.nextValues[value])) {
      if (this.found.take(unchecked(this.values[value]))) return true;
    }
    return false;
  }

  private entryOf(kind: KeyKind, key: Text): i32 {
    const hash = mix(hashOf(kind, key), kind);
    const found = this.findEntry(kind, hash, key.encoded, key.length);
    if (found != 0) return found;
    if (++this.count << 1 > this.slots.length) this.grow();
    this.hashes.push(hash);
    this.kinds.push(kind);
    this.keys.push(key);
    this.uses.push(0);
    this.firstValues.push(0);
    this.place(this.count);
    return this.count;
  }

  /** The entry of a key, or 0. */
  private findEntry(kind: KeyKind, hash: u32, start: usize, size: i32): i32 {
    const slots = this.slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    while (true) {
      const entry = unchecked(slots[slot]);
      if (entry == 0) return 0;
      if (<u32>unchecked(this.hashes[entry]) == hash && unchecked(this.kinds[entry]) == kind) {
        const key = unchecked(this.keys[entry]);
        if (key.length == size && memory.compare(key.encoded, start, size) == 0) return entry;
      }
      slot = (slot + 1) & mask;
    }
  }

  private grow(): void {
    this.slots = new StaticArray<i32>(this.slots.length << 1);
    for (let entry = 1; entry < this.hashes.length; entry++) this.place(entry);
  }

  private place(entry: i32): void {
    const slots = this.slots;
    const mask = slots.length - 1;
    let slot = this.hashes[entry] & mask;
    while (slots[slot] != 0) slot = (slot + 1) & mask;
    slots[slot] = entry;
  }
}

// FNV-1a: one multiplication for each byte, and every prefix on the way.
const SEED: u32 = 0x811c9dc5;
const PRIME: u32 = 0x01000193;

function hashOf(kind: KeyKind, key: Text): u32 {
  let hash = SEED;
  const size = key.length;
  for (let index = 0; index < size; index++) {
    const at = kind == KeyKind.Suffix ? size - 1 - index : index;
    hash = (hash ^ (<u32>load<u8>(key.encoded + at))) * PRIME;
  }
  return hash;
}

/** The low bits of FNV-1a are weak on their own. */
function mix(hash: u32, kind: KeyKind): u32 {
  const mixed = (hash + <u32>kind) * 0x9e3779b1;
  return mixed ^ (mixed >>> 15);
}

function lengthAt(lengths: i32[], index: i32): i32 {
  return index < lengths.length ? unchecked(lengths[index]) : -1;
}

/** Keeps the lengths sorted and without repetition. */
function addLength(lengths: i32[], length: i32): void {
  let at = 0;
  while (at < lengths.length && lengths[at] < length) at++;
  if (at < lengths.length && lengths[at] == length) return;
  lengths.push(0);
  for (let index = lengths.length - 1; index > at; index--) lengths[index] = lengths[index - 1];
  lengths[at] = length;
}
