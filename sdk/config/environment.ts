import { environ_get, environ_sizes_get } from "../abi/imports";
import { unitAt } from "../json/text";
import { beginBytes, writeByte, writeText } from "../memory/byte-writer";
import { decodeText, isText } from "../memory/utf8";
import { MessageFilter } from "./message-filter";
import { closeness, didYouMean } from "./suggestion";

/** Shorter values are no secrets, and stand in messages by chance. */
const SHORTEST_HIDDEN: i32 = 4;
/** So many characters tell that a value begins: messages cut long ones. */
const BEGINNING: i32 = 8;

/** The environment variables of the VM, and what was taken of them. */
@final
export class Environment extends MessageFilter {
  /** Why the last {@link write} failed. */
  problem: string = "";
  private first: Variable | null = null;

  constructor() {
    super();
    this.read();
  }

  /** Begins anew to write bytes, the text with variables put in; `false` when {@link problem} tells what is wrong. */
  write(text: string): bool {
    beginBytes(text.length + 64);
    let from = 0;
    while (true) {
      const at = text.indexOf("${", from);
      if (at < 0) break;
      if (at > from && unitAt(text, at - 1) == 0x24) {
        // Escaped: of `$${`, the second character goes.
        writeText(text.substring(from, at));
        writeByte(0x7b);
        from = at + 2;
        continue;
      }
      const end = text.indexOf("}", at);
      const value =
        end < at + 3
          ? this.fail('"${" is no reference: write "${NAME}", or "$${" for the characters')
          : this.valueOf(text.substring(at + 2, end));
      if (value === null) return false;
      writeText(text.substring(from, at));
      writeText(value);
      from = end + 1;
    }
    writeText(text.substring(from));
    return true;
  }

  /** The message without values of variables: their names stand for them. */
  override apply(message: string): string {
    let variable = this.first;
    while (variable) {
      if (variable.isUsed && variable.value.length >= SHORTEST_HIDDEN) message = hide(variable, message);
      variable = variable.next;
    }
    return message;
  }

  private read(): void {
    const sizes = memory.data(8, 4);
    if (environ_sizes_get(sizes, sizes + 4) != 0) return;
    const count = load<i32>(sizes);
    const texts = new StaticArray<usize>(count);
    const bytes = new StaticArray<u8>(load<i32>(sizes, 4));
    if (environ_get(changetype<usize>(texts), changetype<usize>(bytes)) != 0) return;
    for (let index = 0; index < count; index++) this.first = variableAt(texts[index], this.first);
  }

  /** The value of `NAME`, or of `NAME:-otherwise`. */
  private valueOf(reference: string): string | null {
    const nameEnd = reference.indexOf(":-");
    const name = nameEnd < 0 ? reference : reference.substring(0, nameEnd);
    const variable = this.find(name);
    if (nameEnd >= 0 && (variable === null || variable.value.length == 0)) return reference.substring(nameEnd + 2);
    if (variable === null)
      return this.fail("the environment variable " + name + " is not set" + didYouMean(this.suggest(name)));
    if (!variable.isUtf8) return this.fail("the environment variable " + name + " is not UTF-8");
    variable.isUsed = true;
    return variable.value;
  }

  private fail(problem: string): string | null {
    this.problem = problem;
    return null;
  }

  private find(name: string): Variable | null {
    let variable = this.first;
    while (variable && variable.name != name) variable = variable.next;
    return variable;
  }

  private suggest(name: string): string | null {
    let best: string | null = null;
    let bestCloseness = 0;
    let variable = this.first;
    while (variable) {
      const c = closeness(name, variable.name);
      if (c > bestCloseness) {
        bestCloseness = c;
        best = variable.name;
      }
      variable = variable.next;
    }
    return best;
  }
}


@final
class Variable {
  isUsed: bool = false;

  constructor(
    readonly name: string,
    readonly value: string,
    readonly isUtf8: bool,
    readonly next: Variable | null,
  ) {}
}

/** The variable in the text `NAME=value`, which a zero ends. */
function variableAt(text: usize, next: Variable | null): Variable {
  let end = text;
  let equals: usize = 0;
  for (; load<u8>(end) != 0; end++) if (equals == 0 && load<u8>(end) == 0x3d) equals = end;
  if (equals == 0) equals = end;
  const start = min(equals + 1, end);
  const value = decodeText(start, end - start);
  return new Variable(decodeText(text, equals - text), value, isText(start, end - start, value), next);
}

/** Puts the variable's name for each place where its value stands, or as much of it as the message shows. */
function hide(variable: Variable, message: string): string {
  const value = variable.value;
  let shown = "";
  let from = 0;
  for (let at = 0; at < message.length; at++) {
    const size = shownBy(value, message, at);
    if (size == 0) continue;
    shown += message.substring(from, at) + "${" + variable.name + "}";
    from = at + size;
    at = from - 1;
  }
  return shown + message.substring(from);
}

/** How many characters of the message at `at` show the value, its beginning, or as much as is left where the message was cut. */
function shownBy(value: string, message: string, at: i32): i32 {
  let end = at;
  for (let index = 0; index < value.length; index++) {
    const size = end < message.length ? shownSize(message, end, unitAt(value, index)) : 0;
    if (size == 0) {
      const isCut = index >= SHORTEST_HIDDEN && end < message.length && unitAt(message, end) == 0x2026;
      return index >= BEGINNING || isCut ? end - at : 0;
    }
    end += size;
  }
  return end - at;
}

/** How many characters of the message at `index` show `unit`: control characters stand there as `\u000A`. 0: another one. */
function shownSize(message: string, index: i32, unit: u32): i32 {
  if (unitAt(message, index) == unit) return 1;
  return (unit < 0x20 || unit == 0x7f) && message.substring(index, index + 4) == "\\u00" ? 6 : 0;
}
