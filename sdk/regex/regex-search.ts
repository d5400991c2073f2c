import { ByteView } from "../memory/byte-view";
import { highOf, lowOf, Op, opOf, otherOf, outOf, Program } from "./program";
import { Regex } from "./regex";
import { AT_BEGIN, conditionsBetween, contextAfter, END } from "./simulation";

/** Begin and end of the match and of the groups 1 to 9. */
const SLOTS: u32 = 20;
const THREAD_BYTES: usize = 4 * (1 + <usize>SLOTS);
/** Marks an entry of the stack that puts a slot back, rather than one that follows an instruction. */
const RESTORES: u32 = 1 << 31;

/**
 * Finds matches of a regular expression and what their groups took, as RE2 does: the leftmost match, alternatives preferred
 * in their order. For whether a text matches at all, {@link Regex} is much faster.
 *
 * ```ts
 * const tenant = new RegexSearch("^/tenants/([^/]+)/");
 * if (tenant.error !== null) config.error(tenant.error!);
 * // In a callback:
 * if (tenant.find(path)) this.count(tenant.group(1)!);
 * ```
 *
 * Syntax and limits are those of `Regex`. Time is linear in the size of the text, for a given pattern.
 */
@final
export class RegexSearch {
  /** What is wrong with the pattern, or `null`. Such a search finds nothing. */
  readonly error: string | null;
  /** Number of groups in the pattern; those from the tenth on cannot be asked for. */
  readonly groups: i32;

  private readonly program: Program;
  private readonly first: u32;
  /** Address of the text searched last. */
  private text: usize = 0;
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

  constructor(pattern: string) {
    const regex = new Regex(pattern);
    const program = regex.program;
    this.error = regex.error;
    this.groups = regex.groups;
    this.first = regex.start;
    this.program = program;
    const size = regex.error === null ? program.length : 1;
    this.threads = new StaticArray<u8>(<i32>(THREAD_BYTES * size));
    this.nextThreads = new StaticArray<u8>(<i32>(THREAD_BYTES * size));
    this.seenIn = new StaticArray<u32>(size);
    this.stack = new StaticArray<u32>(4 * size + 4);
  }

  /** Finds the first match that begins at `from` or later. */
  find(text: ByteView, from: i32 = 0): bool {
    this.text = text.start;
    const isPossible = this.error === null && <u32>from <= <u32>text.length;
    const hasFound = isPossible && this.findFrom(text.start, text.length, from);
    if (!hasFound) memory.fill(changetype<usize>(this.found), 0xff, 4 * SLOTS);
    return hasFound;
  }

  /**
   * What a group took of the text found last, 0 standing for the whole match; `null` when it took no part, or there is no
   * match or no such group. Valid as long as the text that was searched.
   */
  group(number: i32): ByteView | null {
    const from = this.startOf(number);
    return from < 0 ? null : ByteView.of(this.text + from, this.endOf(number) - from);
  }

  /** Where a group begins in the text found last; -1 as {@link group} has `null`. */
  startOf(number: i32): i32 {
    return <u32>number <= 9 && this.slotAt(number * 2 + 1) >= 0 ? this.slotAt(number * 2) : -1;
  }

  /** Where a group ends in the text found last; -1 as {@link group} has `null`. */
  endOf(number: i32): i32 {
    return this.startOf(number) < 0 ? -1 : this.slotAt(number * 2 + 1);
  }

  private slotAt(slot: i32): i32 {
    return unchecked(this.found[slot]);
  }

  private findFrom(start: usize, size: u32, from: u32): bool {
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
