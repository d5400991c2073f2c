import { CharClass } from "./char-class";

/** Adds the ASCII class of the Perl escape `letter` (`d`, `s`, `w`) and tells whether there is one. */
export function addPerlClass(set: CharClass, letter: u32): bool {
  if (letter == 0x64) set.add(0x30, 0x39);
  else if (letter == 0x73) {
    set.add(0x09, 0x0a); // no vertical tab, as in RE2
    set.add(0x0c, 0x0d);
    set.add(0x20, 0x20);
  } else if (letter == 0x77) {
    addAlphanumeric(set);
    set.add(0x5f, 0x5f);
  } else return false;
  return true;
}

/** Adds the POSIX class, `alpha` of `[[:alpha:]]`, and tells whether there is one. */
export function addPosixClass(set: CharClass, name: string): bool {
  if (name == "alnum") addAlphanumeric(set);
  else if (name == "alpha") addLetters(set);
  else if (name == "ascii") set.add(0, 0x7f);
  else if (name == "blank") {
    set.add(0x09, 0x09);
    set.add(0x20, 0x20);
  } else if (name == "cntrl") {
    set.add(0, 0x1f);
    set.add(0x7f, 0x7f);
  } else if (name == "digit") set.add(0x30, 0x39);
  else if (name == "graph") set.add(0x21, 0x7e);
  else if (name == "lower") set.add(0x61, 0x7a);
  else if (name == "print") set.add(0x20, 0x7e);
  else if (name == "punct") {
    set.add(0x21, 0x2f);
    set.add(0x3a, 0x40);
    set.add(0x5b, 0x60);
    set.add(0x7b, 0x7e);
  } else if (name == "space") {
    set.add(0x09, 0x0d);
    set.add(0x20, 0x20);
  } else if (name == "upper") set.add(0x41, 0x5a);
  else if (name == "word") addPerlClass(set, 0x77);
  else if (name == "xdigit") {
    set.add(0x30, 0x39);
    set.add(0x41, 0x46);
    set.add(0x61, 0x66);
  } else return false;
  return true;
}

function addLetters(set: CharClass): void {
  set.add(0x41, 0x5a);
  set.add(0x61, 0x7a);
}

function addAlphanumeric(set: CharClass): void {
  set.add(0x30, 0x39);
  addLetters(set);
}
