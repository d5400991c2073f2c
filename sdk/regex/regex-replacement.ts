import { ByteView } from "../memory/byte-view";
import { beginBytes, writeByte, writeBytes, writtenBytes, writtenSize } from "../memory/byte-writer";
import { decimal } from "../json/text";
import { decodeMultiByte, encodeText, textSize } from "../memory/utf8";
import { highOf, lowOf, Op, opOf, otherOf, outOf, Program } from "./program";
import { Regex } from "./regex";
import { AT_BEGIN, conditionsBetween, contextAfter, END } from "./simulation";

/** Begin and end of the match and of the groups \1 to \9. */
const SLOTS: u32 = 20;
const THREAD_BYTES: usize = 4 * (1 + <usize>SLOTS);
/** Marks an entry of the stack that puts a slot back, rather than one that follows an instruction. */
const RESTORES: u32 = 1 << 31;

/**
 * Replaces all matches of a regular expression, as RE2's `GlobalReplace` and Envoy's `regex_rewrite` do: leftmost matches
 * that do not overlap, alternatives preferred in their order. In the substitution, `\1` to `\9` stand for groups, `\0` for
 * the whole match and `\\` for a backslash.
 *
 * Syntax and limits are those of `Regex`. Time is linear in the size of the input, for a given pattern.
 */
@final
export class RegexReplacement {
  /** What is wrong with the pattern, or `null`. */
  readonly error: string | null;
  /** What is wrong with the substitution, or `null`. */
  readonly substitutionError: string | null;

  private readonly program: Program;
  private readonly first: u32;
  private readonly substitution: StaticArray<u8>;
  // Threads in order of preference: an instruction and its slots.
  private threads: StaticArray<u8>;
  private nextThreads: StaticArray<u8>;
  private count: usize = 0;
  /** The round in which an instruction was last followed. */
  private readonly seenIn: StaticArray<u32>;
  private round: u32 = 0;
  private readonly stack: StaticArray<u32>;
  private readonly slots: StaticArray<u32> = new StaticArray<u32>(SLOTS);
  private readonly found: StaticArray<u32> = new StaticArray<u32>(SLOTS);

  constructor(pattern: string, substitution: string) {
    const regex = new Regex(pattern);
    const program = regex.program;
    this.error = regex.error;
    this.first = regex.start;
    this.program = program;
    const size = regex.error === null ? program.length : 1;
    this.threads = new StaticArray<u8>(<i32>(THREAD_BYTES * size));
    this.nextThreads = new StaticArray<u8>(<i32>(THREAD_BYTES * size));
    this.seenIn = new StaticArray<u32>(size);
    this.stack = new StaticArray<u32>(4 * size + 4);
    const encoded = encodeText(substitution);
    this.substitution = new StaticArray<u8>(<i32>textSize(encoded));
    memory.copy(changetype<usize>(this.substitution), encoded, textSize(encoded));
    this.substitutionError = checkSubstitution(substitution, regex.groups);
  }

  /** The text with all matches replaced, valid until the callback returns; `null` when there is none. */
  replaceAll(text: ByteView): ByteView | null {
    if (this.error !== null || this.substitutionError !== null) return null;
    const start = text.start;
    const size = <u32>text.length;
    const found = this.found;
    let position: u32 = 0;
    let lastEnd: u32 = u32.MAX_VALUE;
    let count = 0;
    beginBytes(size + 64);
    while (position <= size && this.find(start, size, position)) {
      const from = unchecked(found[0]);
      const to = unchecked(found[1]);
      writeBytes(start + position, from - position);
      if (from == to && from == lastEnd) {
        // An empty match right behind the last one does not count: go on after the next character.
        const skipped = from < size ? characterSize(start + from, start + size) : 1;
        if (from < size) writeBytes(start + from, skipped);
        position = from + skipped;
        continue;
      }
      this.writeSubstitution(start);
      count += 1;
      position = lastEnd = to;
    }
    if (count == 0) return null;
    if (position < size) writeBytes(start + position, size - position);
    return ByteView.of(writtenBytes(), <i32>writtenSize());
  }

  private writeSubstitution(start: usize): void {
    const substitution = this.substitution;
    for (let index = 0; index < substitution.length; index++) {
      const byte = unchecked(substitution[index]);
      if (byte != 0x5c) {
        writeByte(byte);
        continue;
      }
      const next = unchecked(substitution[++index]);
      if (next == 0x5c) {
        writeByte(next);
        continue;
      }
      const slot = (<u32>next - 0x30) << 1;
      const from = unchecked(this.found[slot]);
      const to = unchecked(this.found[slot + 1]);
      if (from != u32.MAX_VALUE && to != u32.MAX_VALUE) writeBytes(start + from, to - from);
    }
  }

  /** Finds the first match at or after `from` and leaves its slots in {@link found}. */
  private find(start: usize, size: u32, from: u32): bool {
    const program = this.program;
    const slots = changetype<usize>(this.slots);
    let hasFound = false;
    this.count = 0;
    this.round += 1;
    for (let position = from; position <= size; position++) {
      const byte = position < size ? <u32>load<u8>(start + position) : END;
      if (!hasFound) {
        memory.fill(slots, 0xff, 4 * SLOTS);
        store<u32>(slots, position);
        this.follow(this.first, start, size, position);
      }
      const count = this.count;
      if (count == 0 && hasFound) return true;
      const threads = this.threads;
      this.threads = this.nextThreads;
      this.nextThreads = threads;
      this.count = 0;
      this.round += 1;
      for (let number: usize = 0; number < count; number++) {
        const thread = changetype<usize>(threads) + number * THREAD_BYTES;
        const at = program.at(load<u32>(thread));
        if (opOf(at) == Op.Match) {
          memory.copy(changetype<usize>(this.found), thread + 4, 4 * SLOTS);
          unchecked((this.found[1] = position));
          hasFound = true;
          break;
        }
        if (lowOf(at) > byte || byte > highOf(at)) continue;
        memory.copy(slots, thread + 4, 4 * SLOTS);
        this.follow(outOf(at), start, size, position + 1);
      }
    }
    return hasFound;
  }

  /** Adds the threads that an instruction leads to without taking a byte, with the slots as they are now. */
  private follow(instruction: u32, start: usize, size: u32, position: u32): void {
    const program = this.program;
    const slots = this.slots;
    const bottom = changetype<usize>(this.stack);
    let top = bottom;
    store<u32>(top, instruction);
    do {
      const entry = load<u32>(top);
      top -= 4;
      if (entry & RESTORES) {
        unchecked((slots[entry & ~RESTORES] = load<u32>(top)));
        top -= 4;
        continue;
      }
      if (entry == 0 || unchecked(this.seenIn[entry]) == this.round) continue;
      unchecked((this.seenIn[entry] = this.round));
      const at = program.at(entry);
      switch (opOf(at)) {
        case Op.Split:
          store<u32>((top += 4), otherOf(at));
          store<u32>((top += 4), outOf(at));
          break;
        case Op.Save: {
          const slot = otherOf(at);
          if (slot < SLOTS) {
            store<u32>((top += 4), unchecked(slots[slot]));
            store<u32>((top += 4), slot | RESTORES);
            unchecked((slots[slot] = position));
          }
          store<u32>((top += 4), outOf(at));
          break;
        }
        case Op.Check:
          if ((lowOf(at) & ~conditionsAt(start, size, position)) == 0) store<u32>((top += 4), outOf(at));
          break;
        default: {
          const thread = changetype<usize>(this.threads) + this.count * THREAD_BYTES;
          store<u32>(thread, entry);
          memory.copy(thread + 4, changetype<usize>(slots), 4 * SLOTS);
          this.count += 1;
        }
      }
    } while (top >= bottom);
  }
}

/** The conditions that hold before the byte at `position`. */
function conditionsAt(start: usize, size: u32, position: u32): u32 {
  const before = position == 0 ? AT_BEGIN : contextAfter(load<u8>(start + position - 1), u32.MAX_VALUE);
  return conditionsBetween(before, position < size ? <u32>load<u8>(start + position) : END);
}

function characterSize(start: usize, end: usize): u32 {
  const lead = <u32>load<u8>(start);
  return lead < 0x80 ? 1 : decodeMultiByte(start, end, lead) >>> 24;
}

function checkSubstitution(text: string, groups: i32): string | null {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) != 0x5c) continue;
    const digit = <u32>text.charCodeAt(++index) - 0x30;
    if (digit > 9 && text.charCodeAt(index) != 0x5c) return "a backslash must be followed by a digit or another one";
    if (digit <= 9 && <i32>digit > groups) return "the pattern has no group " + decimal(digit);
  }
  return null;
}
