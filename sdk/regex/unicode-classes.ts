import { CharClass } from "./char-class";
import { setUnicodeClasses } from "./class-parser";
import { CATEGORY_RUNS, categoryNames, categoryRuns, SCRIPT_RUNS, scriptNames, scriptRuns } from "./unicode-tables";

/**
 * Lets regular expressions have Unicode's classes, as RE2 has them: general categories (`\pL`, `\p{Lu}`), scripts
 * (`\p{Greek}`), `\p{Any}`, and what is not in them (`\P{Lu}`, `\p{^Greek}`). Names are those of Unicode 15.
 *
 * ```ts
 * enableUnicodeClasses();
 * registerPlugin(() => new Router());
 * ```
 *
 * Call it before such an expression is made: at the top level of the module, or in `configure`. Cost: its tables are 11 KB
 * of the module.
 */
export function enableUnicodeClasses(): void {
  setUnicodeClasses(changetype<u32>(readUnicodeClass.index));
}

/**
 * Reads the class whose `p` or `P` stands at `start`, and adds its members up to `limit`. Twice the position behind it,
 * one more if what is not in it is meant; 0 when there is none of the name.
 */
export function readUnicodeClass(set: CharClass, text: string, start: i32, limit: u32): i32 {
  let isNegated = text.charCodeAt(start) == 0x50;
  let name = text.substr(start + 1, 1);
  let end = start + 2;
  if (name == "{") {
    const close = text.indexOf("}", end);
    if (close < 0) return 0;
    name = text.substring(end, close);
    end = close + 1;
    if (name.startsWith("^")) {
      isNegated = !isNegated;
      name = name.substring(1);
    }
  }
  if (name.length == 0 || !addMembers(set, name, limit)) return 0;
  set.normalize();
  return (end << 1) | i32(isNegated);
}

function addMembers(set: CharClass, name: string, limit: u32): bool {
  if (name == "Any") {
    set.add(0, limit);
    return true;
  }
  const categories = categoriesNamed(name);
  if (categories != 0) {
    addCategories(set, categories, limit);
    return true;
  }
  const script = scriptNamed(name);
  if (script != 0) addScript(set, script, limit);
  return script != 0;
}

/** A bit for each category whose name begins so: `L` stands for `Lu`, `Ll` and more. */
function categoriesNamed(name: string): u32 {
  if (name.length > 2) return 0;
  const names = categoryNames();
  let bits: u32 = 0;
  for (let at = 0, number = 1; at < names.length; at += 3, number++) {
    if (names.substr(at, name.length) == name) bits |= (<u32>1) << number;
  }
  return bits;
}

/** Number of the script; 0: there is none. */
function scriptNamed(name: string): u32 {
  const names = scriptNames();
  const at = name.includes(",") ? -1 : names.indexOf("," + name + ",");
  let number: u32 = 0;
  for (let index = 0; index <= at; index++) if (names.charCodeAt(index) == 0x2c) number++;
  return number;
}

function addCategories(set: CharClass, categories: u32, limit: u32): void {
  next = categoryRuns();
  let first: u32 = 0;
  for (let run = 0; run < CATEGORY_RUNS; run++) {
    const number = readNumber();
    const last = first + (number >> 5);
    if ((categories >> (number & 31)) & 1) addUpTo(set, first, last, limit);
    first = last + 1;
  }
}

function addScript(set: CharClass, script: u32, limit: u32): void {
  next = scriptRuns();
  let first: u32 = 0;
  for (let run = 0; run < SCRIPT_RUNS; run++) {
    const last = first + readNumber();
    if (readNumber() == script) addUpTo(set, first, last, limit);
    first = last + 1;
  }
}

function addUpTo(set: CharClass, first: u32, last: u32, limit: u32): void {
  if (first <= limit) set.add(first, min(last, limit));
}

/** Where the next number of a table stands. */
let next: usize = 0;

function readNumber(): u32 {
  let number: u32 = 0;
  let shift: u32 = 0;
  let byte: u32;
  do {
    byte = load<u8>(next++);
    number |= (byte & 0x7f) << shift;
    shift += 7;
  } while (byte >= 0x80);
  return number;
}
