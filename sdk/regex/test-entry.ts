import { ByteView } from "../memory/byte-view";
import { CharClass } from "./char-class";
import { Found } from "../match/text-index";
import { enableUnicodeClasses, Regex, RegexMode, RegexReplacement, RegexSearch, RegexSet } from "./index";
import { readUnicodeClass } from "./unicode-classes";

enableUnicodeClasses();

let buffer = new StaticArray<u8>(1024);
let regex = new Regex("");
let replacement = new RegexReplacement("", "");

export function input(size: i32): usize {
  if (buffer.length < size) buffer = new StaticArray<u8>(size * 2);
  return changetype<usize>(buffer);
}

/** Compiles the pattern and returns its error. */
export function compile(start: usize, length: i32, mode: RegexMode): string | null {
  __collect();
  regex = new Regex(String.UTF8.decodeUnsafe(start, length), mode);
  return regex.error;
}

export function matches(start: usize, length: i32): bool {
  return regex.matches(start, length);
}

export function test(start: usize, length: i32): bool {
  return regex.test(start, length);
}

export function pages(): i32 {
  return memory.size();
}

/** Compiles `pattern` and substitution, divided by a blank, and returns what is wrong with them. */
export function compileReplacement(start: usize, length: i32): string | null {
  __collect();
  const texts = String.UTF8.decodeUnsafe(start, length).split(" ");
  replacement = new RegexReplacement(texts[0], texts[1]);
  return replacement.error !== null ? replacement.error : replacement.substitutionError;
}

export function replaceAll(start: usize, length: i32): string | null {
  const replaced = replacement.replaceAll(ByteView.of(start, length));
  return replaced === null ? null : replaced.toString();
}

/** A hash of the members of the class `\p{name}`; 0 when there is none. */
export function classHash(start: usize, length: i32): u32 {
  __collect();
  const pattern = "\\p{" + String.UTF8.decodeUnsafe(start, length) + "}";
  const members = new CharClass();
  if (readUnicodeClass(members, pattern, 1, 0x10ffff) != pattern.length << 1) return 0;
  let hash: u32 = 0x811c9dc5;
  for (let index = 0; index < members.length << 1; index++) {
    const bound = index & 1 ? members.high(index >> 1) : members.low(index >> 1);
    for (let shift = 0; shift < 32; shift += 8) hash = (hash ^ ((bound >> shift) & 0xff)) * 0x01000193;
  }
  return hash;
}

let search = new RegexSearch("");

/** Compiles the pattern of a search and returns its error. */
export function compileSearch(start: usize, length: i32): string | null {
  __collect();
  search = new RegexSearch(String.UTF8.decodeUnsafe(start, length));
  return search.error;
}

/** The match found from a position on and its groups, each in brackets, `-` for one that took no part. */
export function groups(start: usize, length: i32, from: i32): string | null {
  if (!search.find(ByteView.of(start, length), from)) return search.group(0) === null ? null : "found";
  let all = search.startOf(0).toString() + "-" + search.endOf(0).toString();
  for (let number = 0; number <= search.groups + 1; number++) {
    const group = search.group(number);
    all += group === null ? "-" : "[" + group.toString() + "]";
  }
  return all;
}

/** Keeps the numbers that a set finds, up to `most`. */
class Numbers extends Found {
  readonly all: i32[] = [];
  most: i32 = i32.MAX_VALUE;

  take(value: i32): bool {
    this.all.push(value);
    return this.all.length == this.most;
  }
}

const numbers = new Numbers();
let set = new RegexSet(numbers);
let members: Regex[] = [];

export function beginSet(): void {
  set = new RegexSet(numbers);
  members = [];
  __collect();
}

/** Adds a pattern under the next number and returns its error. */
export function addToSet(start: usize, length: i32, mode: RegexMode): string | null {
  const member = new Regex(String.UTF8.decodeUnsafe(start, length), mode);
  set.add(member, members.length);
  members.push(member);
  return member.error;
}

export function compileSet(): void {
  set.compile();
  __collect();
}

/** The numbers that a text leads to, up to `most`. */
export function visitSet(start: usize, length: i32, most: i32): string | null {
  numbers.all.length = 0;
  numbers.most = most;
  const hasEnded = set.visit(start, length);
  return numbers.all.join(",") + (hasEnded ? "." : "");
}

/** Whether the set finds the same as its members one by one, the last one first. */
export function agrees(start: usize, length: i32): bool {
  numbers.all.length = 0;
  numbers.most = i32.MAX_VALUE;
  set.visit(start, length);
  let next = 0;
  for (let number = members.length - 1; number >= 0; number--) {
    if (!members[number].matches(start, length)) continue;
    if (next == numbers.all.length || numbers.all[next] != number) return false;
    next++;
  }
  return next == numbers.all.length;
}
