export const enum TokenKind {
  End,
  Name,
  Text,
  Integer,
  /** An operator or a bracket. */
  Symbol,
  Invalid,
}

/** Splits an expression into its words and symbols, one at a time. */
@final
export class Tokens {
  kind: TokenKind = TokenKind.End;
  /** Name, symbol, digits, or the content of a text literal; of an invalid one what is wrong with it. */
  value: string = "";
  /** Where the token begins: from 1. */
  column: i32 = 1;
  private next: i32 = 0;

  constructor(private readonly source: string) {
    this.advance();
  }

  /** Whether the token is this symbol; if so, goes on to the next. */
  take(symbol: string): bool {
    if (this.kind != TokenKind.Symbol || this.value != symbol) return false;
    this.advance();
    return true;
  }

  advance(): void {
    const source = this.source;
    while (this.next < source.length && source.charCodeAt(this.next) <= 0x20) this.next++;
    const start = this.next;
    this.column = start + 1;
    if (start >= source.length) {
      this.kind = TokenKind.End;
      this.value = "";
      return;
    }
    const unit = source.charCodeAt(start);
    if (unit == 0x22 || unit == 0x27) return this.readText(unit);
    if (isDigit(unit)) {
      while (this.next < source.length && isDigit(source.charCodeAt(this.next))) this.next++;
      this.kind = TokenKind.Integer;
    } else if (isNameUnit(unit)) {
      while (this.next < source.length && isNameUnit(source.charCodeAt(this.next))) this.next++;
      this.kind = TokenKind.Name;
    } else {
      const two = source.substr(start, 2);
      this.next += " == != <= >= && || ".includes(" " + two + " ") ? 2 : 1;
      this.kind = TokenKind.Symbol;
    }
    this.value = source.substring(start, this.next);
  }

  private readText(quote: i32): void {
    const source = this.source;
    let text = "";
    for (this.next++; this.next < source.length; this.next++) {
      let unit = source.charCodeAt(this.next);
      if (unit == quote) {
        this.next++;
        this.kind = TokenKind.Text;
        this.value = text;
        return;
      }
      if (unit == 0x5c) {
        unit = this.next + 1 < source.length ? escaped(source.charCodeAt(++this.next)) : -1;
        if (unit < 0) break;
      }
      text += String.fromCharCode(unit);
    }
    const isOpen = this.next >= source.length;
    this.kind = TokenKind.Invalid;
    this.value = isOpen ? "the text is not ended" : "unknown escape: \\\\, \\', \\\", \\n and \\t exist";
  }
}

/** The character that an escape stands for; -1: none. */
function escaped(unit: i32): i32 {
  if (unit == 0x6e) return 0x0a;
  if (unit == 0x74) return 0x09;
  return unit == 0x5c || unit == 0x22 || unit == 0x27 ? unit : -1;
}

function isDigit(unit: i32): bool {
  return <u32>(unit - 0x30) < 10;
}

function isNameUnit(unit: i32): bool {
  return <u32>((unit | 0x20) - 0x61) < 26 || unit == 0x5f || isDigit(unit);
}
