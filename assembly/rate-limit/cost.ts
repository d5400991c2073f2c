import { ByteView, ConfigReader, queryParameter, RequestHeaders, Text } from "@attache/sdk";
import { LARGEST_COUNT } from "./quota";

/** How much of a limit one request takes: a number, or one that the request names, within bounds. */
@final
export class Cost {
  private readonly fixed: u64;
  private readonly largest: u64;
  private readonly header: Text | null;
  private readonly query: string;

  constructor(config: ConfigReader) {
    const from = config.object("costFrom");
    this.fixed = config.integer("cost", 1, 1, LARGEST_COUNT);
    this.largest = from.integer("max", 1_000_000, 1, LARGEST_COUNT);
    this.query = from.string("query", "");
    const header = from.string("header", "");
    this.header = header.length > 0 ? new Text(header) : null;
    if (from.isPresent && header.length > 0 == this.query.length > 0) {
      from.error("exactly one of header and query must be given");
    }
  }

  /** What is no whole number of at least 1 counts as the fixed cost; what is too much as the largest. */
  of(headers: RequestHeaders): u64 {
    const header = this.header;
    let text: ByteView | null = null;
    if (header !== null) {
      text = headers.getBytesOf(header);
    } else if (this.query.length > 0) {
      const path = headers.getBytes(":path");
      if (path !== null) text = queryParameter(path, this.query);
    }
    return text === null ? this.fixed : this.parse(text);
  }

  private parse(text: ByteView): u64 {
    let value: u64 = 0;
    for (let index = 0; index < text.length; index++) {
      const digit = <u32>text.at(index) - 0x30;
      if (digit > 9) return this.fixed;
      value = min(value * 10 + digit, <u64>LARGEST_COUNT);
    }
    return value == 0 ? this.fixed : min(value, this.largest);
  }
}
