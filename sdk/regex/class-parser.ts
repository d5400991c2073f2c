import { CharClass } from "./char-class";
import { addPerlClass, addPosixClass } from "./named-classes";
import { END, PatternScanner } from "./pattern-scanner";

/**
 * Index of the function that adds the members of a Unicode class; 0: none. An index, so that only filters that ask for
 * these classes have their tables.
 */
let unicodeClasses: u32 = 0;

/** Sets the function that reads Unicode classes: its `index`. It is `readUnicodeClass`. */
export function setUnicodeClasses(index: u32): void {
  unicodeClasses = index;
}

/** Ranges in one class. */
const MAX_RANGES: i32 = 4096;

/** Reads classes of characters: `[a-z]`, `[[:alpha:]]`, `\d`. */
export class ClassParser extends PatternScanner {
  /** Whether case is ignored at the position. */
  protected ignoreCase: bool = false;

  protected bracketClass(start: i32): CharClass {
    const set = new CharClass();
    const isNegated = this.accept(0x5e);
    const first = this.position;
    while (this.position == first || this.peek() != 0x5d) {
      if (this.peek() == END || set.length > MAX_RANGES) {
        this.fail(
          start,
          set.length > MAX_RANGES ? "the class has more than 4096 ranges" : "the class is not closed; add ']'",
        );
        break;
      }
      if (!this.posixClass(set) && !this.escapedClass(set)) this.classRange(set);
    }
    this.accept(0x5d);
    if (isNegated) set.negate(this.limit);
    else set.normalize();
    return set;
  }

  /** Reads `[:alpha:]` or `[:^alpha:]` into `set`, and tells whether that is what stands there. */
  protected posixClass(set: CharClass): bool {
    const start = this.position;
    if (this.charAt(start) != 0x5b || this.charAt(start + 1) != 0x3a) return false;
    const end = this.text.indexOf(":]", start + 2);
    if (end < 0) return false;
    const isNegated = this.charAt(start + 2) == 0x5e;
    const item = new CharClass();
    if (!addPosixClass(item, this.text.substring(start + (isNegated ? 3 : 2), end))) {
      this.fail(start, "there is no class of this name");
      return true;
    }
    this.position = end + 2;
    this.addNamed(set, item, isNegated);
    return true;
  }

  protected classRange(set: CharClass): void {
    const start = this.position;
    const low = this.classCharacter();
    let high = low;
    if (
      this.charAt(this.position) == 0x2d &&
      this.charAt(this.position + 1) != 0x5d &&
      this.charAt(this.position + 1) != END
    ) {
      this.position++;
      high = this.classCharacter();
    }
    if (this.failed) return;
    if (high < low) return this.fail(start, "the range is in the wrong order");
    const item = new CharClass();
    item.add(low, high);
    if (this.ignoreCase) this.fold(item);
    set.addAll(item);
  }

  protected classCharacter(): u32 {
    const start = this.position;
    if (this.peek() == 0x5c) return this.escapedCharacter();
    const c = this.next();
    if (c > 0x7f && this.isBytes) this.fail(start, "in byte mode a class holds bytes; write this one as '\\x..'");
    if ((c & 0xfffff800) == 0xd800) this.fail(start, "half a surrogate pair is not a character");
    return c;
  }

  /** Reads `\d` and the like into `set`, and tells whether that is what stands there. */
  protected escapedClass(set: CharClass): bool {
    const start = this.position;
    const letter = this.charAt(start + 1);
    if (this.charAt(start) != 0x5c) return false;
    const item = new CharClass();
    if ((letter | 0x20) == 0x70) {
      const has = unicodeClasses != 0;
      const end = has ? call_indirect<i32>(unicodeClasses, item, this.text, start + 1, this.limit) : 0;
      if (end == 0) {
        this.fail(
          start,
          has
            ? "there is no Unicode class of this name"
            : "Unicode classes are not supported; write the ranges, such as [a-z]",
        );
      } else {
        this.position = end >> 1;
        this.addNamed(set, item, (end & 1) != 0);
      }
      return true;
    }
    if (!addPerlClass(item, letter | 0x20)) return false;
    this.position += 2;
    this.addNamed(set, item, letter < 0x60);
    return true;
  }

  protected addNamed(set: CharClass, item: CharClass, isNegated: bool): void {
    if (this.ignoreCase) this.fold(item);
    if (isNegated) item.negate(this.limit);
    set.addAll(item);
  }

  protected fold(set: CharClass): void {
    if (this.isBytes) set.foldAscii();
    else set.fold();
  }
}
